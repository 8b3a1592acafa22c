"""The keeper of a command server's jobs: a small process that starts them, and notes how each ended.

It is their parent, so that no exit status is lost when the server ends, and it outlives the server for as long as a
job runs; the next server of the same directory takes up the conversation. Run as a script, by its path: it imports
the standard library only. Both sides speak lines of JSON over a Unix socket.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

SOCKET = "keeper"
OUTPUT = "out"
ERRORS = "err"
INPUT = "input"
END = "end"
LIMIT_GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL for a job whose time is over."""


class Job:
    """A process that was started, and what holds its input open."""

    __slots__ = ("directory", "doomed", "input", "limit", "number", "over_limit", "process")

    def __init__(self, number: int, process: int, directory: str, holder: int | None, limit: float | None) -> None:
        self.number = number
        self.process = process
        self.directory = directory
        self.input = holder
        self.limit = limit
        self.over_limit = False
        self.doomed = False
        """Whether nothing of its process group shall be left once it ends."""


class Keeper:
    """Starts and reaps the jobs of one directory.

    Arguments:
        listener: where the next server will call.
        connection: the server that started this process.
    """

    def __init__(self, listener: socket.socket, connection: socket.socket | None) -> None:
        self._listener = listener
        self._connection = connection
        self._received = b""
        self._unsent = b""
        self._jobs: dict[int, Job] = {}
        self._timers: list[tuple[float, int, int]] = []
        """When to send which signal to which process."""
        self._quitting = False
        self._wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        """Serve until there is neither a server nor a job."""
        while self._jobs or (self._connection is not None and not self._quitting):
            now = time.monotonic()
            timeout = max(0, int((self._timers[0][0] - now) * 1000) + 1) if self._timers else None
            poll = select.poll()
            poll.register(self._wake, select.POLLIN)
            poll.register(self._listener, select.POLLIN)
            server = -1
            if self._connection is not None:
                server = self._connection.fileno()
                poll.register(server, select.POLLIN | (select.POLLOUT if self._unsent else 0))
            ready = dict(poll.poll(timeout))
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
            self._reap()
            self._send_due_signals()
            news = ready.get(server, 0)
            if news & select.POLLOUT and self._connection is not None:
                self._flush()
            if news & ~select.POLLOUT and self._connection is not None:
                self._receive()
            if self._listener.fileno() in ready:
                self._accept()

    # --- the server ---

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if self._connection is not None:
            self._connection.close()
        connection.setblocking(False)
        self._connection, self._received, self._unsent = connection, b"", b""
        self.greet()

    def greet(self) -> None:
        """Tell a server which jobs run."""
        self._tell({"running": {str(job.number): job.process for job in self._jobs.values()}})

    def _receive(self) -> None:
        assert self._connection is not None
        try:
            data = self._connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["do"] == "start":
                self._start(order)
            elif order["do"] == "kill":
                self._kill(order["job"], order["signal"], order["grace"])
            elif order["do"] == "end input":
                self._end_input(order["job"])
            elif order["do"] == "quit":
                self._quitting = True

    def _tell(self, what: dict[str, Any]) -> None:
        if self._connection is not None:
            self._unsent += json.dumps(what).encode() + b"\n"
            self._flush()

    def _flush(self) -> None:
        assert self._connection is not None
        try:
            self._unsent = self._unsent[self._connection.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._received, self._unsent = None, b"", b""

    # --- jobs ---

    def _start(self, order: dict[str, Any]) -> None:
        number, directory = order["job"], order["directory"]
        descriptors: list[int] = []
        holder = None
        try:
            append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            output = os.open(os.path.join(directory, OUTPUT), append, 0o600)
            descriptors.append(output)
            if order["merge"]:
                errors = output
            else:
                errors = os.open(os.path.join(directory, ERRORS), append, 0o600)
                descriptors.append(errors)
            if order["input"]:
                fifo = os.path.join(directory, INPUT)
                os.mkfifo(fifo, 0o600)
                source = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
                descriptors.append(source)
                holder = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
                os.set_blocking(source, True)
            else:
                source = os.open(os.devnull, os.O_RDONLY)
                descriptors.append(source)
            process = subprocess.Popen(
                order["argv"],
                stdin=source,
                stdout=output,
                stderr=errors,
                cwd=order["cwd"],
                env=order["env"],
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            if holder is not None:
                os.close(holder)
            self._tell({"refused": number, "number": getattr(error, "errno", None) or 0, "text": _reason(error)})
            return
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        # We reap it ourselves.
        process.returncode = 0
        job = Job(number, process.pid, directory, holder, order["time_limit"])
        self._jobs[process.pid] = job
        if job.limit is not None:
            heapq.heappush(self._timers, (time.monotonic() + job.limit, process.pid, signal.SIGTERM))
        self._tell({"started": number, "process": process.pid, "mark": _start_mark(process.pid)})

    def _kill(self, number: int, which: int, grace: float) -> None:
        for job in self._jobs.values():
            if job.number == number:
                self._doom(job, which, grace)

    def _doom(self, job: Job, which: int, grace: float) -> None:
        job.doomed = True
        _signal_group(job.process, which)
        # A stopped process takes no other signal than this one.
        _signal_group(job.process, signal.SIGCONT)
        heapq.heappush(self._timers, (time.monotonic() + grace, job.process, signal.SIGKILL))

    def _send_due_signals(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, process, which = heapq.heappop(self._timers)
            job = self._jobs.get(process)
            if job is None:
                continue
            if which == signal.SIGTERM:
                job.over_limit = True
                self._doom(job, which, LIMIT_GRACE_SECONDS)
            else:
                _signal_group(process, which)

    def _end_input(self, number: int) -> None:
        for job in self._jobs.values():
            if job.number == number and job.input is not None:
                os.close(job.input)
                job.input = None

    def _reap(self) -> None:
        while True:
            if hasattr(os, "waitid"):
                # While it has not been reaped its number is of no other group: what is left of a doomed one is safely
                # ended first.
                try:
                    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                except ChildProcessError:
                    return
                if found is None:
                    return
                job = self._jobs.get(found.si_pid)
                if job is not None and job.doomed:
                    _signal_group(job.process, signal.SIGKILL)
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            self._ended(process, os.waitstatus_to_exitcode(status))

    def _ended(self, process: int, code: int) -> None:
        job = self._jobs.pop(process, None)
        if job is None:
            return
        if job.input is not None:
            os.close(job.input)
        self._timers = [timer for timer in self._timers if timer[1] != process]
        heapq.heapify(self._timers)
        end = {"exit_code": code, "ended": time.time(), "limit": job.limit if job.over_limit else None}
        path = os.path.join(job.directory, END)
        # On a full disk the server still hears of it, if it is there.
        with contextlib.suppress(OSError):
            with open(f"{path}.new", "w", encoding="ascii") as file:
                file.write(json.dumps(end))
            os.replace(f"{path}.new", path)
        self._tell({"end": job.number, **end})


def _signal_group(process: int, which: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, which)


def _start_mark(process: int) -> str | None:
    """When a process of ours began, as `contact.process.start_mark` has it; None without ``/proc``."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except OSError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        name = error.filename
        text = error.strerror or str(error)
        return f"{os.fsdecode(name)}: {text}" if name else text
    return str(error)


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def main(directory: str, descriptor: int) -> None:
    """Keep the jobs of a directory, for the server at the other end of an inherited socket."""
    # A path may be longer than the name of a socket.
    os.chdir(directory)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)
    listener.listen(4)
    listener.setblocking(False)
    connection = socket.socket(fileno=descriptor)
    connection.setblocking(False)
    keeper = Keeper(listener, connection)
    keeper.greet()
    keeper.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
