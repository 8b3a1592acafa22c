"""What the workflow and the site say about events, in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..language.definition import WorkflowDefinition
from ..language.globals import GlobalConfig
from .mail import DEFAULT_SERVER

DEFAULT_BATCH_SECONDS = 300.0


class HandlerSettings(Struct, frozen=True, kw_only=True):
    """Settings of one run; sections are as in ``flow.cylc``, with what they inherit from ``global.cylc``."""

    events: Mapping[str, Any] = {}
    """``[scheduler][events]``."""
    mail: Mapping[str, Any] = {}
    """``[scheduler][mail]``."""
    mail_server: str = DEFAULT_SERVER
    pool_size: int = 4
    timeout_seconds: float = 600.0
    environment: Mapping[str, str] = {}
    """All of the environment of handlers; see `handler_environment`."""

    @property
    def batch_seconds(self) -> float:
        """Task events are gathered this long per mail."""
        value = self.mail.get("task event batch interval")
        return DEFAULT_BATCH_SECONDS if value is None else float(value)


def handler_settings(
    definition: WorkflowDefinition, site: GlobalConfig, environment: Mapping[str, str]
) -> HandlerSettings:
    """The settings of a workflow at a site."""
    scheduler = definition.config.get("scheduler") or {}
    site_scheduler = site.section("scheduler")
    return HandlerSettings(
        events=scheduler.get("events") or {},
        mail=scheduler.get("mail") or {},
        mail_server=site_scheduler["mail"].get("smtp") or DEFAULT_SERVER,
        pool_size=int(site_scheduler["process pool size"]),
        timeout_seconds=float(site_scheduler["process pool timeout"]),
        environment=environment,
    )


def handler_environment(
    base: Mapping[str, str],
    definition: WorkflowDefinition,
    *,
    workflow: str,
    name: str,
    run_directory: Path,
    uuid: str,
    host: str,
    owner: str,
    utc_mode: bool = False,
    debug: bool = False,
) -> dict[str, str]:
    """The environment of handlers: the scheduler's, the workflow's variables, and its programs on PATH.

    Arguments:
        base: the scheduler's environment, without what is about itself.
        definition: the workflow.
        workflow: workflow ID.
        name: the ID without its run name.
        run_directory: the run's directory.
        uuid, host, owner: of the run.
        utc_mode, debug: how it is played.
    """
    write = definition.cycling.format
    final = definition.final_point
    run = str(run_directory)
    path = [f"{run}/share/bin", f"{run}/bin", f"{run}/.service/bin", base.get("PATH") or os.defpath]
    variables = {
        "CYLC_WORKFLOW_ID": workflow,
        "CYLC_WORKFLOW_NAME": name,
        "CYLC_WORKFLOW_NAME_BASE": name.rpartition("/")[2],
        "CYLC_WORKFLOW_RUN_DIR": run,
        "CYLC_WORKFLOW_LOG_DIR": f"{run}/log/scheduler",
        "CYLC_WORKFLOW_SHARE_DIR": f"{run}/share",
        "CYLC_WORKFLOW_WORK_DIR": f"{run}/work",
        "CYLC_WORKFLOW_INITIAL_CYCLE_POINT": write(definition.initial_point),
        "CYLC_WORKFLOW_FINAL_CYCLE_POINT": "None" if final is None else write(final),
        "CYLC_WORKFLOW_UUID": uuid,
        "CYLC_WORKFLOW_HOST": host,
        "CYLC_WORKFLOW_OWNER": owner,
        "CYLC_CYCLING_MODE": definition.cycling.mode,
        "CYLC_UTC": str(utc_mode),
        "CYLC_DEBUG": "true" if debug else "false",
        "CYLC_VERBOSE": "true" if debug else "false",
        "PATH": os.pathsep.join(path),
    }
    if definition.cycling.mode != "integer":
        variables["ISODATETIMECALENDAR"] = definition.cycling.mode
    return {**base, **variables}
