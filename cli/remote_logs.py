"""The log files of a run as its scheduler gives them out: nothing is read from a file system shared with it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..contact.identifiers import Identifier, format_job, is_glob
from .exceptions import InputError
from .logs import JOB_FILES, WORKFLOW_FILES

if TYPE_CHECKING:
    from ..network.client import WorkflowRuntimeClient

_WAIT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0


class RemoteLogs:
    """The logs of one workflow, or of one job of it.

    Arguments:
        client: of the workflow's scheduler.
        identifier: the workflow, or a task or job in it.
        submit_number: the job's number; the identifier's own, or the latest, if None.
    """

    def __init__(self, client: WorkflowRuntimeClient, identifier: Identifier, submit_number: str | None = None) -> None:
        self._client = client
        self.of_job = identifier.task is not None
        if identifier.cycle is not None and identifier.task is None:
            raise InputError(f"{identifier}: a task is needed after the cycle point: {identifier}/TASK")
        self.directory = ""
        if identifier.cycle is not None and identifier.task is not None:
            if is_glob(identifier.cycle) or is_glob(identifier.task):
                raise InputError(f"{identifier}: logs are shown of one task at a time, patterns are not understood")
            number = format_job(submit_number or identifier.job or "NN")
            self.directory = f"job/{identifier.cycle}/{identifier.task}/{number}"

    def files(self) -> list[str]:
        """The files there are, relative to the directory; for a workflow's, without those of its jobs."""
        return sorted(self._walk(""))

    def file(self, name: str | None, rotation: int = 0) -> str:
        """The log file a name or letter means, below the run's log directory.

        Raises:
            InputError: there is none.
        """
        if self.of_job:
            if rotation:
                raise InputError("only scheduler logs have older rotations")
            return f"{self.directory}/{JOB_FILES.get(name or 'o', name or '')}"
        pattern = WORKFLOW_FILES.get(name or "s", name or "")
        folder, _, last = pattern.rpartition("/")
        if not rotation and "*" not in pattern:
            return pattern
        if rotation:
            last = "*.log"
        found = [entry for entry in self._list(folder) if fnmatchcase(entry, last) and entry[:1].isdigit()]
        found.sort(key=_order, reverse=True)
        if rotation >= len(found):
            raise InputError(f"there is no rotation {rotation}: {folder} holds {len(found)} logs, 0 is the newest")
        return f"{folder}/{found[rotation]}"

    def read(self, file: str, *, follow: bool) -> Iterator[bytes]:
        """The pieces of a file from its beginning; with `follow` those to come as well, until the scheduler stops.

        A file that is replaced is read to its end before the new one is begun; one that is cut short is read again
        from its beginning.
        """
        from ..network.client import WithBytes
        from ..network.exceptions import WorkflowStopped

        real: str | None = None
        offset = 0
        begun = False
        while True:
            arguments = {"file": file, "real": real, "offset": offset, "wait_seconds": _WAIT_SECONDS if follow else 0.0}
            try:
                answer = self._client("read_log", arguments, timeout=_WAIT_SECONDS + _ANSWER_SECONDS)
            except WorkflowStopped:
                if not begun:
                    raise
                return
            assert isinstance(answer, WithBytes)
            begun = True
            about: dict[str, Any] = answer.data
            real = about["real"]
            if answer.payload:
                offset += len(answer.payload)
                yield bytes(answer.payload)
            elif about["size"] < offset:
                offset = 0
            elif about["current"] != real and follow:
                real, offset = None, 0
            elif not follow:
                return

    def _walk(self, folder: str) -> Iterator[str]:
        for name in self._list("/".join(part for part in (self.directory, folder.rstrip("/")) if part)):
            if not name.endswith("/"):
                yield folder + name
            elif not (not self.of_job and not folder and name == "job/"):
                yield from self._walk(folder + name)

    def _list(self, directory: str) -> list[str]:
        found: list[str] = self._client("list_logs", {"directory": directory})
        return found


def _order(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.rpartition(".")[0].split("-") if part.isdecimal())
