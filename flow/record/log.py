"""The scheduler's log: files under ``log/scheduler``, the terminal, and reference logs, written by one
thread.

Adding a record costs the scheduler an append; a record is formatted once, for all who read it.
"""

from __future__ import annotations

import os
import queue
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple, TextIO

from .clock import TimeText
from .exceptions import RecordError
from .reference import is_reference_text

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
MAXIMUM_BYTES = 1_000_000
FILES_KEPT = 15
UNWRITTEN_LIMIT = 50_000
"""Records held while the disk cannot be written; beyond it the oldest are lost, and the log says so."""
INDENT = "\n    "
_NUMBERED = re.compile(r"(\d+)-(?:start|restart|reload)-\d+\.\w+$")


class LogRecord(NamedTuple):
    """One record as it was added."""

    level: str
    text: str
    time: float


class SchedulerLog:
    """Writes what the scheduler has to say, in batches.

    Args:
        run_directory: the run's directory; files are made in its ``log/scheduler``.
        kind: what began this file: ``start``, ``restart`` or ``reload``.
        run_number: 1 for the first start, one more for each restart.
        level: records below it are left out.
        utc: whether times are in UTC rather than the machine's time zone.
        terminal: a stream to write to as well, such as ``sys.stderr``.
        terminal_timestamps: whether lines on the terminal begin with the time.
        reference: a file that gets the texts of reference records: ``reference.log`` or
        ``log/scheduler/reftest.log``.
        maximum_bytes: size at which the next file is begun.
        files_kept: how many files to keep.

    Raises:
        RecordError: the first file cannot be made.
    """

    def __init__(
        self,
        run_directory: str | os.PathLike[str],
        *,
        kind: str = "start",
        run_number: int = 1,
        level: str = "INFO",
        utc: bool = True,
        terminal: TextIO | None = None,
        terminal_timestamps: bool = False,
        reference: str | os.PathLike[str] | None = None,
        maximum_bytes: int = MAXIMUM_BYTES,
        files_kept: int = FILES_KEPT,
    ) -> None:
        self.directory = Path(run_directory, "log", "scheduler")
        self.path: Path
        """The file written now."""
        self._level = LEVELS[level]
        self._terminal, self._terminal_timestamps = terminal, terminal_timestamps
        self._maximum_bytes, self._files_kept = maximum_bytes, files_kept
        self._kind, self._run_number = kind, run_number
        self._time_text = TimeText(utc=utc)
        self._header: list[LogRecord] = []
        self._added: list[LogRecord] = []
        self._unwritten: list[LogRecord] = []
        self._lost = 0
        self._failing = False
        self._size = 0
        self._file: IO[bytes]
        self._reference: IO[bytes] | None = None
        self._work: queue.SimpleQueue[list[LogRecord] | str | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        try:
            self._begin_file()
            if reference is not None:
                self._reference = open(reference, "wb", buffering=0)  # noqa: SIM115
        except OSError as error:
            if hasattr(self, "_file"):
                self._file.close()
            raise RecordError(
                f"{error.filename or self.directory}: the scheduler's log cannot be written: "
                f"{error.strerror}; "
                "check the permissions of the folder and the space on the disk"
            ) from error
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    # -- what the scheduler calls --------------------------------------------------------------------------

    def add(self, level: str, text: str, time: float) -> None:
        """Add a record made at `time` (epoch seconds); it is written at the next flush. Any thread may
        call this."""
        self._added.append(LogRecord(level, text, time))

    def header(self, records: Sequence[LogRecord]) -> None:
        """Add records that every later file repeats at its top: the workflow, its host, process and UUID."""
        self._header = list(records)
        self._added.extend(records)

    def set_level(self, level: str) -> None:
        """Leave out records below `level` from now on; raises KeyError for an unknown one."""
        self._level = LEVELS[level]

    def flush(self, *, wait: bool = False) -> None:
        """Hand what was added to the writer, once per turn; with `wait`, block until it is on its way to
        disk."""
        if self._added:
            # Slices of one list, so that a record another thread adds meanwhile is not lost.
            count = len(self._added)
            self._work.put(self._added[:count])
            del self._added[:count]
        if wait and self._thread is not None:
            done = threading.Event()
            self._work.put(done)
            done.wait()

    def begin(self, kind: str) -> None:
        """Begin the next file, for a ``reload``."""
        self.flush()
        self._work.put(kind)

    def close(self) -> None:
        """Write what was added and close the files."""
        if self._thread is None:
            return
        self.flush()
        self._work.put(None)
        self._thread.join()
        self._thread = None
        self._file.close()
        if self._reference is not None:
            self._reference.close()

    # -- the thread ----------------------------------------------------------------------------------------

    def _write_on(self) -> None:
        while (item := self._work.get()) is not None:
            if isinstance(item, list):
                self._write(item)
            elif isinstance(item, threading.Event):
                item.set()
            else:
                self._kind = item
                self._roll_over()

    def _write(self, records: list[LogRecord]) -> None:
        shown = []
        for record in records:
            if self._reference is not None and is_reference_text(record.text):
                self._attempt(self._reference, f"{record.text}\n".encode())
            if LEVELS.get(record.level, 20) >= self._level:
                shown.append(record)
        if not shown:
            return
        lines = [f"{level} - {_indented(text)}\n" for level, text, _ in shown]
        times = [self._time_text(record.time) for record in shown]
        stamped = [f"{time} {line}" for time, line in zip(times, lines, strict=True)]
        self._write_terminal(stamped if self._terminal_timestamps else lines)
        data = "".join(stamped).encode(errors="backslashreplace")
        if self._unwritten:
            data = self._again(shown)
        if not self._attempt(self._file, data):
            self._unwritten += shown
            excess = len(self._unwritten) - UNWRITTEN_LIMIT
            if excess > 0:
                self._lost += excess
                del self._unwritten[:excess]
            return
        self._unwritten, self._lost = [], 0
        self._size += len(data)
        if self._size >= self._maximum_bytes:
            self._roll_over()

    def _again(self, shown: list[LogRecord]) -> bytes:
        """Format what an earlier failure left unwritten, and `shown` after it."""
        records = [*self._unwritten, *shown]
        if self._lost:
            text = f"{self._lost} records before this one were lost: the log could not be written"
            records.insert(0, LogRecord("WARNING", text, records[0].time))
        return self._format(records)

    def _format(self, records: Sequence[LogRecord]) -> bytes:
        text = "".join(f"{self._time_text(time)} {level} - {_indented(text)}\n" for level, text, time in records)
        return text.encode(errors="backslashreplace")

    def _attempt(self, file: IO[bytes], data: bytes) -> bool:
        """Write `data` wholly or not at all, as far as the disk lets us; tell standard error of the
        first failure."""
        start = file.tell()
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
        except OSError as error:
            try:
                file.truncate(start)
                file.seek(start)
            except OSError:
                pass
            if not self._failing and sys.stderr is not None:
                print(f"{file.name}: the log cannot be written: {error.strerror}; trying on", file=sys.stderr)
            self._failing = True
            return False
        self._failing = False
        return True

    def _write_terminal(self, lines: list[str]) -> None:
        if self._terminal is None:
            return
        try:
            self._terminal.write("".join(lines))
            self._terminal.flush()
        except (OSError, ValueError):  # the terminal is gone; the files go on
            self._terminal = None

    def _roll_over(self) -> None:
        old = self._file
        try:
            self._begin_file()
        except OSError as error:
            self._size = 0  # go on in the old file, and try again when it has grown as much again
            if sys.stderr is not None:
                print(f"{self.directory}: no new log file can be begun: {error.strerror}", file=sys.stderr)
            return
        old.close()
        data = self._format(self._header)
        if data and self._attempt(self._file, data):
            self._size = len(data)

    def _begin_file(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        name = next_name(self.directory, self._kind, self._run_number, suffix="log")
        path = self.directory / name
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self.path = path
        self._size = 0
        link = self.directory / "log"
        beside = self.directory / ".log.new"
        beside.unlink(missing_ok=True)
        beside.symlink_to(name)
        beside.replace(link)
        for old in numbered_files(self.directory)[: -self._files_kept]:
            old.unlink(missing_ok=True)


def write_configuration(
    run_directory: str | os.PathLike[str],
    text: str,
    *,
    kind: str,
    run_number: int,
    processed: str | None = None,
) -> Path:
    """Keep the configuration a run was started, restarted or reloaded with in ``log/config``; return its
    path.

    Args:
        run_directory: the run's directory.
        text: the configuration as the scheduler understood it, inheritance applied.
        kind: ``start``, ``restart`` or ``reload``.
        run_number: 1 for the first start, one more for each restart.
        processed: the file after its templates, for ``flow-processed.cylc``.
    """
    directory = Path(run_directory, "log", "config")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / next_name(directory, kind, run_number, suffix="cylc")
    path.write_text(text, encoding="utf-8")
    if processed is not None:
        (directory / "flow-processed.cylc").write_text(processed, encoding="utf-8")
    return path


def numbered_files(directory: Path) -> list[Path]:
    """Return the files named ``NN-<kind>-NN.<suffix>`` in a folder, oldest first."""
    found = [(int(match[1]), path) for path in directory.iterdir() if (match := _NUMBERED.match(path.name))]
    return [path for _, path in sorted(found)]


def next_name(directory: Path, kind: str, run_number: int, *, suffix: str) -> str:
    """Return the name of a folder's next numbered file: its number, what began it, and the number of the
    run."""
    files = numbered_files(directory)
    number = int(files[-1].name.partition("-")[0]) + 1 if files else 1
    return f"{number:02d}-{kind}-{run_number:02d}.{suffix}"


def _indented(text: str) -> str:
    return text.replace("\n", INDENT) if "\n" in text else text
