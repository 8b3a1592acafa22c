"""From an argument to a workflow's configuration or definition, for validate, config, list and graph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .exceptions import InputError
from .workflows import Definition, find_definition

if TYPE_CHECKING:
    from ..flow.cycling.cycling import Cycling
    from ..flow.language.config import WorkflowConfig
    from ..flow.language.definition import WorkflowDefinition


def load(text: str, variables: Mapping[str, Any], *, against_source: bool = False) -> tuple[Definition, WorkflowConfig]:
    """Find a workflow and read its configuration.

    Args:
        text: ID of an installed workflow, name of a source, or path.
        variables: template variables of the command line.
        against_source: read the source of an installed workflow, with the variables its run was started with.

    Raises:
        InputError: there is no such workflow.
        LanguageError: it is not valid, with file and line.
    """
    found, variables = find_one(text, variables, against_source=against_source)
    return found, read(found, variables)


def find_one(text: str, variables: Mapping[str, Any], *, against_source: bool) -> tuple[Definition, Mapping[str, Any]]:
    """The workflow, and the template variables to read it with; see `load`."""
    if not against_source:
        return find_definition(text), variables
    from ..contact.paths import run_root
    from ..flow.prepare import saved_template_variables
    from .reinstallation import source_of
    from .workflows import find_run

    run = find_run(text)
    source = Definition(source_of(run), run, installed=True)
    return source, {**saved_template_variables(run_root() / run), **variables}


def read(found: Definition, variables: Mapping[str, Any]) -> WorkflowConfig:
    """The configuration of a workflow that was found; raises `LanguageError` where it is not valid."""
    from ..flow.language.config import load_config
    from ..flow.language.globals import load_global_config

    environment = dict(os.environ)
    if found.installed:
        environment.setdefault("CYLC_WORKFLOW_ID", found.name)
        environment.setdefault("CYLC_WORKFLOW_RUN_DIR", str(found.directory))
    return load_config(
        str(found.directory),
        template_variables=variables,
        environment=environment,
        global_config=load_global_config(os.environ),
    )


def build(
    config: WorkflowConfig, *, initial_point: str | None = None, check_circular: bool = False
) -> WorkflowDefinition:
    """The definition of a configured workflow; raises `LanguageError` where it is not valid."""
    import time

    from ..flow.language.build import build_definition

    return build_definition(config, now=time.time(), initial_point=initial_point, check_circular=check_circular)


def read_range(cycling: Cycling, start: str | None, stop: str | None, *, initial: int) -> tuple[int, int | None]:
    """A range of points as written: its end may be an interval, its open start is the initial point.

    Raises:
        InputError: one is not a point, nor the end an interval.
    """
    first = initial if not start else _point(cycling, start, "the first cycle point")
    if not stop:
        return first, None
    if stop.lstrip("+-").startswith("P"):
        try:
            return first, cycling.add(first, cycling.interval(stop.removeprefix("+")))
        except Exception as error:
            raise InputError(f"{stop} is not an interval: {error}") from error
    return first, _point(cycling, stop, "the last cycle point")


def _point(cycling: Cycling, text: str, what: str) -> int:
    from ..exceptions import TidemillError

    try:
        return cycling.parse(text)
    except TidemillError as error:
        raise InputError(f"{what}: {error}") from error
