"""From a workflow's files, its record and the options of ``play`` to a `RunPlan`; until then nothing has happened."""

from __future__ import annotations

import ast
import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..contact.file import CYLC_VERSION
from ..contact.paths import current_user
from .engine.options import EngineOptions, XtriggerContext
from .exceptions import PlayError
from .language.build import build_definition
from .language.config import WorkflowConfig, load_config
from .language.definition import WorkflowDefinition
from .language.globals import GlobalConfig, load_global_config
from .plan import RunPlan

TEMPLATE_VARIABLES = "_template_variables"
START_POINT = "_start_point"
"""The run parameter with the point that nothing runs before: ``startcp``, or that of the first start task."""
POINT_FORMAT = "cycle_point_format"
REFERENCE_INACTIVITY_SECONDS = 180.0
RUN_MODES = ("live", "simulation", "dummy")


class PlayOptions(Struct, kw_only=True):
    """What ``play`` was asked for; None where the workflow decides."""

    initial_point: str | None = None
    final_point: str | None = None
    start_point: str | None = None
    stop_point: str | None = None
    hold_after: str | None = None
    start_tasks: tuple[str, ...] = ()
    mode: str | None = None
    paused: bool = False
    abort_on_task_failure: bool = False
    reference_log: bool = False
    reference_test: bool = False
    debug: bool = False
    log_level: str = "INFO"
    verbose: bool = False
    template_variables: Mapping[str, Any] = {}


def make_plan(
    workflow: str,
    run_directory: Path,
    options: PlayOptions,
    *,
    now: float,
    record_directory: Path | None = None,
) -> RunPlan:
    """Work out a run: a first start, or a restart if there is a record.

    Args:
        workflow: ID, run name included.
        run_directory: where it is installed.
        options: what was asked for.
        now: seconds since the epoch, for points relative to the present.
        record_directory: where a copy of the record is to be read instead; for a look that must leave no trace.

    Raises:
        LanguageError, CyclingError: the definition is not valid.
        PlayError: the options do not fit the run.
        RecordError: the record cannot be read.
    """
    saved = _saved_parameters(record_directory or run_directory)
    is_restart = saved is not None
    saved = saved or {}
    _check_restart(workflow, options, saved, is_restart)
    variables = {**json.loads(saved.get(TEMPLATE_VARIABLES) or "{}"), **options.template_variables}
    site = load_global_config(os.environ)
    config = load_config(
        str(run_directory),
        template_variables=variables,
        environment=_template_environment(workflow, run_directory),
        global_config=site,
    )
    _keep_point_format(config, saved)
    mode = options.mode or saved.get("run_mode") or "live"
    definition = build_definition(
        config,
        now=now,
        initial_point=saved.get("icp") or options.initial_point,
        final_point=_persistent(options.final_point, saved.get("fcp")),
        start_point=saved.get(START_POINT) or options.start_point,
        stop_point=_persistent(options.stop_point, saved.get("stopcp")),
        hold_after=options.hold_after or saved.get("holdcp"),
        start_tasks=options.start_tasks,
    )
    if record_directory is None:
        _check_functions(definition, config, run_directory, _template_environment(workflow, run_directory))
    reference = options.reference_log or options.reference_test
    log_directory = run_directory / "log" / "scheduler"
    run_uuid = saved.get("uuid_str") or str(uuid.uuid4())
    run_number = int(saved.get("n_restart") or 0) + 2 if is_restart else 1
    return RunPlan(
        workflow=workflow,
        run_directory=run_directory,
        config=config,
        definition=definition,
        options=replace(
            _engine_options(config, options, mode, saved),
            xtriggers=XtriggerContext(workflow=workflow, run_directory=str(run_directory), user=current_user()),
        ),
        parameters={
            **_parameters(definition, config, options, mode, saved, run_number, variables),
            "uuid_str": run_uuid,
        },
        is_restart=is_restart,
        uuid=run_uuid,
        run_number=run_number,
        site=site,
        ports=_ports(site),
        log_level="DEBUG" if options.debug else options.log_level,
        verbose=options.verbose or options.debug,
        utc_mode=bool(config.items["scheduler"]["UTC mode"]),
        reference_log=(
            None
            if not reference
            else run_directory / "reference.log"
            if options.reference_log
            else log_directory / "reftest.log"
        ),
        reference_to_match=run_directory / "reference.log" if options.reference_test else None,
    )


def reread(plan: RunPlan) -> tuple[WorkflowConfig, WorkflowDefinition]:
    """The definition of a running workflow as its files are now; raises what `make_plan` raises for bad ones."""
    parameters = plan.parameters
    config = load_config(
        str(plan.run_directory),
        template_variables=json.loads(parameters.get(TEMPLATE_VARIABLES) or "{}"),
        environment=_template_environment(plan.workflow, plan.run_directory),
        global_config=load_global_config(os.environ),
    )
    _keep_point_format(config, parameters)
    definition = build_definition(
        config,
        now=time.time(),
        initial_point=parameters.get("icp"),
        final_point=parameters.get("fcp"),
        start_point=parameters.get(START_POINT),
        stop_point=parameters.get("stopcp"),
        hold_after=parameters.get("holdcp"),
    )
    _check_functions(definition, config, plan.run_directory, worker_environment(plan))
    return config, definition


def template_variable_rows(parameters: Mapping[str, str | None]) -> list[tuple[object, ...]]:
    """The rows of the table ``workflow_template_vars``: names and values as Python literals."""
    variables = json.loads(parameters.get(TEMPLATE_VARIABLES) or "{}")
    return [(name, repr(value)) for name, value in variables.items()]


def saved_template_variables(run_directory: Path) -> dict[str, Any]:
    """The template variables a run was started with; none if it never was, or its record cannot be read just now.

    Raises:
        RecordError: the record is damaged or another program's.
    """
    from .record.exceptions import RecordError
    from .record.reader import RunReader

    try:
        with RunReader(run_directory) as reader:
            return {name: ast.literal_eval(value) for name, value in reader.template_variables().items()}
    except RecordError as error:
        if error.reason == "missing":
            return {}
        raise


def _keep_point_format(config: WorkflowConfig, saved: Mapping[str, str | None]) -> None:
    """Write cycle points as the run began to: what it has recorded must be found again (Cylc 8.5 behaviour)."""
    scheduler = config.items["scheduler"]
    if saved.get(POINT_FORMAT):
        scheduler["cycle point format"] = saved[POINT_FORMAT]
    if saved.get("cycle_point_tz"):
        scheduler["cycle point time zone"] = saved["cycle_point_tz"]


def worker_environment(plan: RunPlan) -> dict[str, str]:
    """What functions of external triggers find in their environment."""
    return {
        **_template_environment(plan.workflow, plan.run_directory),
        "CYLC_CYCLING_MODE": plan.definition.cycling.mode,
        "CYLC_UTC": str(plan.utc_mode),
        "CYLC_WORKFLOW_UUID": plan.uuid,
    }


def _saved_parameters(run_directory: Path) -> dict[str, str] | None:
    """The parameters of an earlier run here; None if there was none that got as far as having any."""
    if not (run_directory / ".service" / "db").exists():
        return None
    from .record.exceptions import RecordError
    from .record.reader import RunReader

    try:
        with RunReader(run_directory) as reader:
            parameters = {key: value for key, value in reader.parameters().items() if value is not None}
    except RecordError as error:
        if error.reason == "missing":  # killed before anything was written
            return None
        raise
    return parameters if "uuid_str" in parameters else None


def _check_restart(workflow: str, options: PlayOptions, saved: Mapping[str, str], is_restart: bool) -> None:
    if options.mode is not None and options.mode not in RUN_MODES:
        raise PlayError(f"--mode={options.mode} is not a run mode: give one of {', '.join(RUN_MODES)}")
    if options.reference_log and options.reference_test:
        raise PlayError("--reference-log writes what --reference-test compares with: give one of them")
    if not is_restart:
        return
    fixed = {
        "--initial-cycle-point": (options.initial_point, saved.get("icp")),
        "--start-cycle-point": (options.start_point, saved.get("startcp")),
        "--start-task": (" ".join(options.start_tasks) or None, None),
        "--mode": (options.mode, saved.get("run_mode")),
    }
    for option, (wanted, used) in fixed.items():
        if wanted is not None and wanted != used:
            raise PlayError(
                f"{option}={wanted} cannot be changed when {workflow} restarts"
                + (f": it was started with {used}" if used else "")
                + f"; to begin afresh, install it anew or clean it first: tidemill clean {workflow}"
            )


def _persistent(given: str | None, saved: str | None) -> str | None:
    """A point that the user may change on restart; ``reload`` and ``ignore`` take it from the definition again."""
    if given in ("reload", "ignore"):
        return None
    return given or saved


def _template_environment(workflow: str, run_directory: Path) -> dict[str, str]:
    name, _, last = workflow.rpartition("/")
    is_run_name = bool(name) and last.startswith("run") and last[3:].isdigit()
    return {
        **os.environ,
        "CYLC_WORKFLOW_ID": workflow,
        "CYLC_WORKFLOW_NAME": name if is_run_name else workflow,
        "CYLC_WORKFLOW_RUN_DIR": str(run_directory),
        "CYLC_WORKFLOW_LOG_DIR": str(run_directory / "log" / "scheduler"),
        "CYLC_WORKFLOW_SHARE_DIR": str(run_directory / "share"),
        "CYLC_WORKFLOW_WORK_DIR": str(run_directory / "work"),
    }


def _check_functions(
    definition: WorkflowDefinition, config: WorkflowConfig, run_directory: Path, environment: Mapping[str, str]
) -> None:
    """Check the functions of xtriggers, where there are any but the clock."""
    if any(xtrigger.function != "wall_clock" for xtrigger in definition.xtriggers.values()):
        from .xtriggers.check import check_xtriggers

        check_xtriggers(definition, config, run_directory, environment=environment)


def _engine_options(config: WorkflowConfig, options: PlayOptions, mode: str, saved: Mapping[str, str]) -> EngineOptions:
    events = config.items["scheduler"]["events"]
    expected = frozenset(events.get("expected task failures") or ())
    inactivity = events.get("inactivity timeout")
    abort_on_inactivity = bool(events.get("abort on inactivity timeout"))
    if options.reference_test and inactivity is None:
        inactivity, abort_on_inactivity = REFERENCE_INACTIVITY_SECONDS, True
    abort_on_stall = events.get("abort on stall timeout")
    stop_clock = saved.get("stop_clock_time")
    return EngineOptions(
        run_mode=mode,
        start_paused=options.paused,
        is_reference_run=options.reference_log or options.reference_test,
        abort_on_task_failure=options.abort_on_task_failure or options.reference_test,
        expected_task_failures=expected,
        debug=options.debug,
        stall_timeout_seconds=events.get("stall timeout"),
        abort_on_stall_timeout=True if abort_on_stall is None else bool(abort_on_stall),
        inactivity_timeout_seconds=inactivity,
        abort_on_inactivity_timeout=abort_on_inactivity,
        workflow_timeout_seconds=events.get("workflow timeout"),
        abort_on_workflow_timeout=bool(events.get("abort on workflow timeout")),
        restart_timeout_seconds=events.get("restart timeout"),
        stop_clock_seconds=float(stop_clock) if stop_clock else None,
        stop_task=saved.get("stop_task"),
    )


def _parameters(
    definition: WorkflowDefinition,
    config: WorkflowConfig,
    options: PlayOptions,
    mode: str,
    saved: Mapping[str, str],
    run_number: int,
    variables: Mapping[str, Any],
) -> dict[str, str | None]:
    """What the record keeps of the plan, under Cylc's names where it has one."""
    write = definition.cycling.format
    start = definition.start_point
    return {
        "cylc_version": CYLC_VERSION,
        "UTC_mode": "1" if config.items["scheduler"]["UTC mode"] else "0",
        "n_restart": str(run_number - 1),
        "icp": write(definition.initial_point),
        "fcp": _persistent(options.final_point, saved.get("fcp")),
        "startcp": write(start) if start != definition.initial_point and not definition.start_tasks else None,
        START_POINT: write(start) if start != definition.initial_point else None,
        "stopcp": _persistent(options.stop_point, saved.get("stopcp")),
        "holdcp": options.hold_after or saved.get("holdcp"),
        "run_mode": mode,
        POINT_FORMAT: getattr(getattr(definition.cycling, "point_format", None), "text", None),
        "cycle_point_tz": config.items["scheduler"]["cycle point time zone"] or "Z",
        **({} if saved else {"is_paused": "1" if options.paused else "0", "stop_clock_time": None, "stop_task": None}),
        TEMPLATE_VARIABLES: json.dumps(dict(variables)),
    }


def _ports(site: GlobalConfig) -> tuple[int, int]:
    ports = site.items["scheduler"]["run hosts"]["ports"]
    return int(ports[0]), int(ports[-1])
