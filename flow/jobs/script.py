"""The text of a job file: what one job is told, and the scripts of its task, around the common ``job.sh``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ..engine.effects import JobSpecification
from .context import WorkflowContext

SCRIPT_ITEMS = ("init", "env", "err", "pre", "", "post", "exit")
"""What stands before ``-script`` in the items that become functions; the main one is just ``script``."""

FAIL_SIGNALS = "EXIT ERR TERM XCPU"
DEFAULT_WORK_SUB_DIRECTORY = "$CYLC_TASK_CYCLE_POINT/$CYLC_TASK_NAME"


class JobFile(Struct, frozen=True):
    """A job file in the parts it is made of."""

    head: str
    """What differs from job to job and is quoted by us, up to and with ``cylc_env``."""
    scripts: str
    """What the user wrote: environment and scripts, as functions. The part that can have a syntax error."""
    tail: str

    @property
    def text(self) -> str:
        """The whole file."""
        return self.head + self.scripts + self.tail


def write_job_file(context: WorkflowContext, job: JobSpecification, token: str) -> JobFile:
    """The job file of one submission; `token` is what it must claim before it may run."""
    return JobFile(
        head="".join(line + "\n" for line in _head(context, job, token)),
        scripts="".join(line + "\n" for line in _scripts(context, job.runtime)),
        tail=f"\n. {quote(str(context.service_directory / 'etc' / 'job.sh'))}\n"
        f'cylc__job__main "$@"\n\n#EOF: {job.key}\n',
    )


def time_limit_seconds(runtime: Mapping[str, Any]) -> float | None:
    """``execution time limit`` of a task, None if it has none."""
    limit = runtime.get("execution time limit")
    return float(limit) if limit else None


def _head(context: WorkflowContext, job: JobSpecification, token: str) -> Iterator[str]:
    key = job.key
    yield "#!/bin/bash -l"
    yield "#"
    yield "# A Tidemill job"
    yield f"# Workflow: {context.workflow}"
    yield f"# Task: {key.cycle}/{key.task}"
    yield f"# Job log directory: {key}"
    yield "# Job runner: background"
    limit = time_limit_seconds(job.runtime)
    if limit is not None:
        yield f"# Execution time limit: {limit:g}"
    yield ""
    # A job run by hand or by a batch system starts over in a login shell.
    yield 'if [[ "${1-}" == noreinvoke ]]; then shift; else exec bash -l "$0" noreinvoke "$@"; fi'
    yield ""
    yield f"CYLC_FAIL_SIGNALS='{FAIL_SIGNALS}'"
    yield f"cylc__job__token={quote(token)}"
    yield f"export CYLC_VERBOSE={_flag(context.verbose)}"
    yield f"export CYLC_DEBUG={_flag(context.debug)}"
    yield f"export CYLC_VERSION={quote(context.version)}"
    yield f"export CYLC_WORKFLOW_ID={quote(context.workflow)}"
    for name, value in context.copied_environment.items():
        yield f"export {name}={quote(value)}"
    yield ""
    yield "cylc__job__inst__cylc_env() {"
    for name, value in environment(context, job):
        yield f"    export {name}={quote(value)}"
    work = job.runtime.get("work sub-directory") or DEFAULT_WORK_SUB_DIRECTORY
    yield f'    cylc__job__work_sub_directory="{work}"'
    yield "}"


def environment(context: WorkflowContext, job: JobSpecification) -> Iterator[tuple[str, str]]:
    """The variables a job is given by the scheduler; ``job.sh`` derives the rest (``CYLC_TASK_LOG_DIR``,
    ...)."""
    key, definition = job.key, job.definition
    yield "CYLC_CYCLING_MODE", context.cycling_mode
    yield "CYLC_UTC", str(context.utc_mode)
    if context.utc_mode:
        yield "TZ", "UTC"
    name = context.workflow_name
    final = context.final_cycle_point
    yield "CYLC_WORKFLOW_NAME", name
    yield "CYLC_WORKFLOW_NAME_BASE", name.rpartition("/")[2]
    yield "CYLC_WORKFLOW_INITIAL_CYCLE_POINT", context.initial_cycle_point
    yield "CYLC_WORKFLOW_FINAL_CYCLE_POINT", "None" if final is None else final
    yield "CYLC_WORKFLOW_RUN_DIR", str(context.run_directory)
    yield "CYLC_WORKFLOW_UUID", context.uuid
    yield "CYLC_WORKFLOW_HOST", context.host
    yield "CYLC_WORKFLOW_OWNER", context.owner
    if context.cycling_mode != "integer":
        yield "ISODATETIMECALENDAR", context.cycling_mode
        yield "ISODATETIMEREF", key.cycle
    yield "CYLC_TASK_COMMS_METHOD", "zmq"
    yield "CYLC_TASK_JOB", str(key)
    yield "CYLC_TASK_ID", f"{key.cycle}/{key.task}"
    yield "CYLC_TASK_NAME", key.task
    yield "CYLC_TASK_CYCLE_POINT", key.cycle
    yield "CYLC_TASK_NAMESPACE_HIERARCHY", " ".join(reversed(definition.namespaces))
    yield "CYLC_TASK_TRY_NUMBER", str(job.try_number)
    yield "CYLC_TASK_SUBMIT_NUMBER", str(key.submit_number)
    yield "CYLC_TASK_FLOW_NUMBERS", ",".join(str(number) for number in job.flow_numbers)
    for parameter, value in definition.parameters.items():
        yield f"CYLC_TASK_PARAM_{parameter}", str(value)


def _scripts(context: WorkflowContext, runtime: Mapping[str, Any]) -> Iterator[str]:
    variables = {name: value for name, value in (runtime.get("environment") or {}).items() if value is not None}
    if variables:
        yield ""
        yield "cylc__job__inst__user_env() {"
        yield "    export " + " ".join(variables)
        for name, value in variables.items():
            yield f"    {name}={expandable(str(value))}"
        yield "}"
    for item in SCRIPT_ITEMS:
        text = runtime.get(f"{item}-script" if item else "script")
        if text and str(text).strip():
            function = f"{item}_script" if item else "script"
            yield ""
            yield f"cylc__job__inst__{function}() {{"
            yield f"# {'script' if not item else item + '-script'}:"
            yield str(text)
            yield ":" if is_comment_only(str(text)) else ""
            yield "}"
    if context.global_init_script.strip():
        yield ""
        yield "# global init-script:"
        yield context.global_init_script


def is_comment_only(text: str) -> bool:
    """Whether a script has no command, which bash would not accept as a function's body."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


def quote(value: str) -> str:
    """A value as one bash word that means exactly itself."""
    return "'" + value.replace("'", "'\\''") + "'"


def expandable(value: str) -> str:
    """A user's value as bash is to see it: double-quoted, so ``$`` expands, and a leading ``~user`` too."""
    if value.startswith("~"):
        user, separator, rest = value.partition("/")
        if all(character.isalnum() or character in "~._-" for character in user):
            return user if not separator else f'{user}/"{rest}"'
    return f'"{value}"'


def _flag(value: bool) -> str:
    return "true" if value else "false"
