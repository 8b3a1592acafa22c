"""Checks, before a run begins, that the functions of its external triggers exist and take their arguments."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..engine.text import duration
from ..language.config import WorkflowConfig
from ..language.definition import WorkflowDefinition, XtriggerDefinition
from ..language.exceptions import ConfigError
from .builtin import FUNCTIONS
from .exceptions import XtriggerError
from .framing import CHUNK_BYTES, Deframer, write_frame
from .functions import Functions
from .pool import end_worker, start_worker

WALL_CLOCK = "wall_clock"
LIMIT_SECONDS = 60.0


def check_xtriggers(
    definition: WorkflowDefinition,
    config: WorkflowConfig,
    directory: str | os.PathLike[str],
    *,
    environment: Mapping[str, str],
    limit_seconds: float = LIMIT_SECONDS,
) -> None:
    """Check the functions that tasks wait for. A workflow's own code runs in a process apart, for a limited time.

    Args:
        definition: of the workflow.
        config: for where an xtrigger is written.
        directory: the workflow's; its ``lib/python`` is used.
        environment: variables of that process.
        limit_seconds: for all of them together.

    Raises:
        ConfigError: a function is missing or does not take its arguments.
    """
    used = dict.fromkeys(label for task in definition.tasks.values() for _, label in task.xtriggers)
    functions = Functions(directory)
    foreign: list[XtriggerDefinition] = []
    for label in used:
        xtrigger = definition.xtriggers[label]
        if xtrigger.function == WALL_CLOCK:
            continue
        if xtrigger.function not in FUNCTIONS or functions.is_own(xtrigger.function):
            foreign.append(xtrigger)
            continue
        try:
            functions.check(xtrigger.function, xtrigger.args, xtrigger.kwargs)
        except XtriggerError as error:
            raise _refused(xtrigger, str(error), config) from None
    if foreign:
        _check_apart(foreign, config, Path(directory), environment, limit_seconds)


def _check_apart(
    xtriggers: list[XtriggerDefinition],
    config: WorkflowConfig,
    directory: Path,
    environment: Mapping[str, str],
    limit_seconds: float,
) -> None:
    try:
        process = start_worker(str(directory), environment)
    except OSError as error:
        raise XtriggerError(f"cannot start a process to check xtriggers: {error.strerror}") from error
    try:
        deadline = time.monotonic() + limit_seconds
        for xtrigger in xtriggers:
            answer = _asked(process, xtrigger, deadline)
            if answer is None:
                text = f"it could not be checked in {duration(limit_seconds)}"
                if process.poll() is not None:
                    text = "the process that checked it ended"
                raise _refused(xtrigger, f"{xtrigger.function}: {text}", config)
            if answer["error"]:
                printed = f"\nprinted:\n{answer['output']}" if answer["output"] else ""
                raise _refused(xtrigger, f"{answer['error']}{printed}", config)
    finally:
        end_worker(process)


def _asked(process: subprocess.Popen[bytes], xtrigger: XtriggerDefinition, deadline: float) -> dict[str, Any] | None:
    """The answer of a worker; None if there is none in time."""
    assert process.stdin is not None
    assert process.stdout is not None
    request = {
        "id": 0,
        "do": "check",
        "function": xtrigger.function,
        "args": xtrigger.args,
        "kwargs": dict(xtrigger.kwargs),
    }
    try:
        write_frame(process.stdin.fileno(), request)
    except OSError:
        return None
    deframer = Deframer()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            data = os.read(process.stdout.fileno(), CHUNK_BYTES)
            if not data:
                process.wait()
                return None
            for answer in deframer.feed(data):
                return answer
    return None


def _refused(xtrigger: XtriggerDefinition, text: str, config: WorkflowConfig) -> ConfigError:
    return ConfigError(
        f"xtrigger @{xtrigger.label}: {text}", location=config.where("scheduling", "xtriggers", xtrigger.label)
    )
