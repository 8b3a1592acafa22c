"""What is to be played and how: everything a scheduler needs to know before it starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from msgspec import Struct, field

from .engine.engine import Engine, Turn
from .engine.options import EngineOptions
from .language.config import WorkflowConfig
from .language.definition import WorkflowDefinition
from .language.globals import GlobalConfig


class RunPlan(Struct, kw_only=True):
    """One run of one workflow, worked out from its files, its record and the options of ``play``."""

    workflow: str
    """Workflow ID, run name included."""
    run_directory: Path
    config: WorkflowConfig
    definition: WorkflowDefinition
    options: EngineOptions
    parameters: dict[str, str | None]
    """Run parameters to keep in the record (``icp``, ``run_mode``, template variables, ...)."""
    is_restart: bool
    uuid: str
    run_number: int
    """1 for the first start, one more for each restart."""
    site: GlobalConfig = field(default_factory=GlobalConfig)
    """What ``global.cylc`` says."""
    host: str = "localhost"
    ports: tuple[int, int] = (43001, 43101)
    log_level: str = "INFO"
    verbose: bool = False
    """Whether jobs are told that more is to be said (``CYLC_VERBOSE``)."""
    utc_mode: bool = False
    terminal: TextIO | None = None
    """A stream that gets the log too; None when detached."""
    terminal_timestamps: bool = False
    reference_log: Path | None = None
    """Where to write the reference lines of this run; None for nowhere."""
    reference_to_match: Path | None = None
    """A reference that the run must match to succeed."""
    global_init_script: str = ""
    log_maximum_bytes: int = 1_000_000
    log_files_kept: int = 15
    observer: Callable[[Engine, Turn], None] | None = None
    """Told of every turn, after it was committed; for live progress."""
    started: Callable[[str], None] | None = None
    """Called with the scheduler's address once it can be reached."""
