"""Playing a workflow from the command line: already running or not, in the foreground or detached."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ..contact.file import Liveness, detect_old_contact, read_contact, remove_stale
from ..contact.paths import contact_path
from ..exceptions import TidemillError
from ..flow.plan import RunPlan
from ..flow.prepare import PlayOptions, make_plan
from .exceptions import InputError

READY = b"+"


def play_workflow(
    workflow: str,
    run_directory: Path,
    options: PlayOptions,
    *,
    detach: bool,
    terminal_timestamps: bool,
    say: Callable[[str], None],
) -> int:
    """Start, restart or resume a workflow; returns the exit code.

    Args:
        workflow: ID, run name included.
        run_directory: where it is installed.
        options: what `play` was asked for.
        detach: leave the scheduler running and return, once it can be reached.
        terminal_timestamps: whether log lines on the terminal begin with the time.
        say: told in a sentence what was done.
    """
    if _resumed(workflow, options, say):
        return 0
    plan = make_plan(workflow, run_directory, options, now=time.time())
    if detach:
        address = _detached(plan)
        verb = "Restarted" if plan.is_restart else "Started"
        say(f"{verb} {workflow} at {address}; follow it with: tidemill cat-log -m t {workflow}")
        return 0
    from .progress import Progress

    with Progress(plan, terminal_timestamps=terminal_timestamps):
        return run_scheduler(plan)


def run_scheduler(plan: RunPlan) -> int:
    """Play a plan in this process, to its end."""
    import asyncio

    from ..flow.scheduler import Scheduler

    # Modules and the definition live as long as the run: the collector need not walk them each time.
    gc.freeze()
    return asyncio.run(Scheduler(plan).run())


def _resumed(workflow: str, options: PlayOptions, say: Callable[[str], None]) -> bool:
    """Whether a scheduler of the workflow runs already; it is resumed then, as Cylc's ``play`` does."""
    path = contact_path(workflow)
    if not path.exists():
        return False
    if detect_old_contact(path) is Liveness.DEAD:
        remove_stale(path)
        return False
    contact = read_contact(path)
    if options.paused:
        raise InputError(
            f"{workflow} is running already, at {contact.host}:{contact.port}; to pause it: tidemill pause {workflow}"
        )
    from ..network.client import WorkflowRuntimeClient

    with WorkflowRuntimeClient(workflow) as client:
        client("resume_workflow")
    say(f"{workflow} is running already, at {contact.host}:{contact.port}: resumed")
    return True


def _detached(plan: RunPlan) -> str:
    """Run the scheduler in a process of its own; returns its address once it can be reached.

    Raises:
        TidemillError: it could not start; the message is its own.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _become_daemon(plan, writing)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    if said.startswith(READY):
        return said[1:].decode()
    raise SchedulerNotStarted(said.decode().strip() or "the scheduler ended before it could be reached")


class SchedulerNotStarted(TidemillError):
    """The scheduler could not be started."""


def _become_daemon(plan: RunPlan, pipe: int) -> NoReturn:
    """In the forked child: cut every tie with the terminal, run, and never return."""
    code = 1
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.close(null)
        os.chdir(plan.run_directory)

        def started(address: str) -> None:
            os.write(pipe, READY + address.encode())
            os.close(pipe)

        plan.started = started
        code = run_scheduler(plan)
    except BaseException as error:
        _tell(pipe, f"{type(error).__name__}: {error}")
    finally:
        os._exit(code)


def _tell(pipe: int, text: str) -> None:
    try:
        os.write(pipe, text.encode())
        os.close(pipe)
    except OSError:
        # The pipe was closed when the scheduler had started: its log has the error.
        pass


def options_of(values: dict[str, Any], *, debug: bool, verbosity: int) -> PlayOptions:
    """The options of ``play`` as click hands them over."""
    from .options import template_variables

    _refuse_other_hosts(values.get("host"))
    level = "DEBUG" if debug or verbosity > 1 else "WARNING" if verbosity < 0 else "INFO"
    return PlayOptions(
        initial_point=values["initial_cycle_point"],
        final_point=values["final_cycle_point"],
        start_point=values["start_cycle_point"],
        stop_point=values["stop_cycle_point"],
        hold_after=values["hold_after"],
        start_tasks=tuple(values["start_task"]),
        mode=values["mode"],
        paused=values["pause"],
        abort_on_task_failure=values["abort_if_any_task_fails"],
        reference_log=values["reference_log"],
        reference_test=values["reference_test"],
        debug=level == "DEBUG",
        log_level=level,
        verbose=verbosity > 0,
        template_variables=template_variables(values["set_values"], values["set_list"], values["set_file"]),
    )


def _refuse_other_hosts(host: str | None) -> None:
    import socket

    if host not in (None, "localhost", "127.0.0.1", socket.gethostname(), socket.getfqdn()):
        raise InputError(f"--host={host}: a scheduler is started on the host where you are; log in to {host} first")
