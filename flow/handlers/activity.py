"""What is written down of a handler's run: the lines of ``job-activity.log`` and of the scheduler's log."""

from __future__ import annotations

from pathlib import Path

from ..engine.events import JobKey

ACTIVITY_LOG = "job-activity.log"


def activity_log(run_directory: Path, key: JobKey) -> Path:
    """Where a job's activity is written."""
    return run_directory / "log" / "job" / key.cycle / key.task / f"{key.submit_number:02d}" / ACTIVITY_LOG


def report(identity: str, *, command: str | None, return_code: int | None, output: str = "", error: str = "") -> str:
    """The lines about one run, each begun by what ran: ``[(('event-handler-00', 'failed'), 1) cmd] ...``."""
    parts = {"cmd": command, "ret_code": None if return_code is None else str(return_code), "out": output, "err": error}
    return "\n".join(_line(f"[{identity} {name}]", text) for name, text in parts.items() if text)


def _line(tag: str, text: str) -> str:
    return f"{tag}\n{text}" if "\n" in text else f"{tag} {text}"


def add_line(path: Path, text: str) -> bool:
    """Add to a job's activity log; False if the job has no directory, or it cannot be written."""
    try:
        if not path.parent.is_dir():
            return False
        with open(path, "a", encoding="utf-8", errors="replace") as file:
            file.write(text + "\n")
    except OSError:
        return False
    return True
