"""A look at a run that nobody plays: its engine as `play` would find it, built in memory from files and record."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from .engine.engine import Engine
from .engine.events import Start
from .engine.restore import restore
from .exceptions import PlayError
from .plan import RunPlan
from .prepare import PlayOptions, make_plan
from .record.engine_rows import saved_state
from .record.reader import RunReader
from .record.record import PRIVATE_PATH

SLICE_STEPS = 1000


def engine_of(workflow: str, run_directory: Path, *, now: float | None = None) -> Engine:
    """The engine of a stopped run, as it would be taken up, or of one not begun, as it would begin; nothing submitted.

    Nothing in the run directory is written: the record is read from a copy, as SQLite leaves files beside a database it
    reads.

    Args:
        workflow: ID, run name included.
        run_directory: where it is installed.
        now: seconds since the epoch; the clock's time by default.

    Raises:
        LanguageError, CyclingError: the definition is not valid.
        PlayError: the workflow cannot be played, or its record cannot be read by this user.
        RecordError: the record is damaged or another program's.
    """
    when = time.time() if now is None else now
    with tempfile.TemporaryDirectory(prefix="tidemill-") as copy:
        left = _copy_record(run_directory, Path(copy))
        plan = make_plan(workflow, run_directory, PlayOptions(), now=when, record_directory=Path(copy))
        engine = _engine(plan, Path(copy), when)
        engine.since.left = left
        return engine


def _copy_record(run_directory: Path, copy: Path) -> float | None:
    """Copy the record; returns when it was last written (seconds since the epoch), None if there is none."""
    written = None
    target = copy / PRIVATE_PATH
    target.parent.mkdir(parents=True)
    for suffix in ("", "-wal"):
        source = run_directory / f"{PRIVATE_PATH}{suffix}"
        try:
            if source.exists():
                written = max(written or 0.0, source.stat().st_mtime)
                shutil.copyfile(source, f"{target}{suffix}")
        except OSError as error:
            raise PlayError(f"{source}: the run's record cannot be copied for reading: {error.strerror}") from error
    return written


def _engine(plan: RunPlan, record: Path, now: float) -> Engine:
    # Simulated jobs would run on the spot; real ones are effects, which nobody carries out here.
    plan.options.run_mode = "live"
    plan.options.start_paused = not plan.is_restart
    engine = Engine(plan.definition, options=plan.options)
    is_paused = False
    if plan.is_restart:
        with RunReader(record) as reader:
            saved, past = reader.saved(), list(reader.tasks())
        restore(engine, saved_state(saved, past), now=now)
        is_paused = engine.is_paused
        engine.is_paused = True
    else:
        engine.handle(Start(now))
    while not engine.advance(SLICE_STEPS):
        pass
    engine.is_paused = is_paused
    engine.take()
    return engine
