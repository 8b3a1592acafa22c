"""What every job of a run has in common: where the run lives and what its jobs are told of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

JOB_FIFO = "jobs.fifo"


def default_program() -> tuple[str, ...]:
    """The command that runs Tidemill with the interpreter that runs now, whatever a job puts on
    PYTHONPATH."""
    start = "import sys; sys.argv[0] = 'tidemill'; from tidemill.cli.main import main; sys.exit(main())"
    return (sys.executable, "-I", "-c", start)


class WorkflowContext(Struct, frozen=True, kw_only=True):
    """One run of a workflow, as its jobs see it.

    Texts are as they appear in ``CYLC_*`` variables of a job.
    """

    workflow: str
    """Workflow ID: the run directory relative to the run root, ``runN`` part included."""
    run_directory: Path
    uuid: str
    host: str
    """Where the scheduler runs, as jobs should call it."""
    owner: str
    initial_cycle_point: str
    final_cycle_point: str | None
    cycling_mode: str
    """``integer``, ``gregorian``, ``360_day``, ``365_day`` or ``366_day``."""
    utc_mode: bool = False
    verbose: bool = False
    debug: bool = False
    version: str = "8.5.4"
    """Value of ``CYLC_VERSION``: the version of the interface that job scripts meet."""
    name: str | None = None
    """Workflow ID without a trailing run name; derived from `workflow` if None."""
    global_init_script: str = ""
    """Site's text placed in every job file (``[platforms][..]global init-script``)."""
    copied_environment: Mapping[str, str] = {}
    """Variables of the scheduler that the site wants in every job file."""
    program: tuple[str, ...] = field(default_factory=default_program)
    """The command behind the names ``cylc`` and ``tidemill`` inside jobs."""

    @property
    def workflow_name(self) -> str:
        """The workflow ID without its run name (``a/b`` for ``a/b/run3``)."""
        if self.name is not None:
            return self.name
        head, _, last = self.workflow.rpartition("/")
        is_run_name = last.startswith("run") and last[3:].isdigit()
        return head if head and is_run_name else self.workflow

    @property
    def service_directory(self) -> Path:
        """``.service`` of the run directory."""
        return self.run_directory / ".service"

    @property
    def fifo(self) -> Path:
        """Where jobs tell the scheduler that they began or ended."""
        return self.service_directory / JOB_FIFO

    @property
    def job_root(self) -> Path:
        """``log/job``, above all job directories."""
        return self.run_directory / "log" / "job"
