"""Plays a suite on a server of ours or on ecFlow's, step by step, and tells what became of it.

No job is run: every task has ``ECF_JOB_CMD true``, and what its job would report is sent from here, in the same order
to either server. What it reports is in the variable RUN of the task: ``event=e``, ``meter=m:5``, ``label=l:text``,
``queue=q:active``, ``abort`` (once), ``fail`` (always), ``hold`` (no more than init); the default is to end well.
The steps are comments of the definition, ``#> command``.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from tidemill.ecflow.asking import Asking, attachments_of
from tidemill.ecflow.exceptions import EcflowError
from tidemill.ecflow.settings import settings_of
from tidemill.flow.suite.nodes import Defs, Task
from tidemill.flow.suite.reader import read_definition
from tidemill.flow.suite.states import State
from tidemill.flow.suite.variables import find_variable

STATES = ("unknown", "complete", "queued", "aborted", "submitted", "active")
LINE = re.compile(rf"LOG:\[[^]]*\]\s+({'|'.join(STATES)}): (/\S*)")
MOST_JOBS = 400
PROGRAM = str(Path(sys.executable).parent / "tidemill")


class Side:
    """One server, and how to talk to it."""

    name = ""

    def __init__(self, directory: Path, port: int, *, interval: int) -> None:
        self.directory = directory
        self.port = port
        self.interval = interval
        self.directory.mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, name: str, *words: str) -> str:
        """What a user's command prints; AssertionError if it is refused."""
        raise NotImplementedError

    def child(self, name: str, words: list[str], *, path: str, password: str, process_id: str, try_number: int) -> str:
        """Report for a job; what is printed."""
        raise NotImplementedError

    def settle(self) -> None:
        """Let what was reported take effect."""

    def stop(self) -> None:
        """End the server."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=20)

    def tree(self, path: str) -> Defs:
        """A suite as it stands."""
        return read_definition(self.command("migrate", path), f"--migrate of {self.name}")

    def log_lines(self) -> list[str]:
        """All lines of the log."""
        return self.command("log", "get", "1000000").split("\n")


class Ours(Side):
    """Tidemill's server; asked through one connection."""

    name = "tidemill"

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = [PROGRAM, "server", "--quiet", "--port", str(self.port), "--home", str(self.directory)]
        self.process = subprocess.Popen(
            [*command, "--ecfinterval", str(self.interval)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._kept = threading.local()
        self._connections: list[Asking] = []
        wait_for(self._answers, "tidemill's server", 20)

    @property
    def _asking(self) -> Asking:
        """The connection of this thread."""
        asking: Asking | None = getattr(self._kept, "asking", None)
        if asking is None:
            settings = settings_of({"ECF_HOST": "localhost", "ECF_PORT": str(self.port)})
            asking = self._kept.asking = Asking(settings, retry_seconds=0.1)
            self._connections.append(asking)
        return asking

    def _answers(self) -> bool:
        try:
            self._asking.ping()
        except EcflowError:
            assert self.process is not None
            assert self.process.poll() is None, self.process.communicate()[1]
            return False
        return True

    def command(self, name: str, *words: str) -> str:
        try:
            answer = self._asking.user_command(name, list(words), attachments=attachments_of(name, list(words)))
        except EcflowError as error:
            raise AssertionError(f"{self.name}: --{name}={' '.join(words)}: {error}") from None
        return str(answer["text"])

    def child(self, name: str, words: list[str], *, path: str, password: str, process_id: str, try_number: int) -> str:
        settings = self._asking.settings
        settings.path, settings.job_password = path, password
        settings.process_id, settings.try_number, settings.is_denied = process_id, try_number, True
        return self._asking.child(name, words)

    def stop(self) -> None:
        for asking in self._connections:
            asking.close()
        super().stop()


class Theirs(Side):
    """ecFlow's server and client."""

    name = "ecflow"

    def __init__(self, directory: Path, port: int, *, interval: int, server: str, client: str) -> None:
        super().__init__(directory, port, interval=interval)
        self.server, self.client = server, client

    def start(self) -> None:
        """Start it, and let it run: it begins halted."""
        environment = {**os.environ, "ECF_HOME": str(self.directory), "LANG": "C"}
        self.process = subprocess.Popen(
            [self.server, f"--port={self.port}", f"--ecfinterval={self.interval}"],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: self._run("--ping").returncode == 0, "ecFlow's server", 20)
        self.command("restart")

    def _run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ECF_HOST": "localhost",
            "ECF_PORT": str(self.port),
            "ECF_DENIED": "1",
            **variables,
        }
        return subprocess.run(
            [self.client, *words],
            env=environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def command(self, name: str, *words: str) -> str:
        first = f"--{name}={words[0]}" if words else f"--{name}"
        done = self._run(first, *words[1:])
        assert done.returncode == 0, f"{self.name}: {first} {' '.join(words[1:])}: {done.stderr}"
        return done.stdout

    def child(self, name: str, words: list[str], *, path: str, password: str, process_id: str, try_number: int) -> str:
        first = f"--{name}={words[0]}" if words else f"--{name}"
        identity = {"ECF_NAME": path, "ECF_PASS": password, "ECF_RID": process_id, "ECF_TRYNO": str(try_number)}
        done = self._run(first, *words[1:], **identity)
        assert done.returncode == 0, f"{self.name}: {first} of {path}: {done.stderr}"
        return done.stdout.strip()

    def settle(self) -> None:
        # Around the turn of its interval the original submits nothing.
        while self.interval == 60 and not 1.5 < time.time() % 60 < 58.5:
            time.sleep(0.05)
        self.command("job_gen")


def wait_for(condition: Callable[[], object], what: str, seconds: float, *, poll_seconds: float = 0.02) -> None:
    """Return once a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(poll_seconds)


class Play:
    """One suite on one server."""

    def __init__(self, side: Side, definition: Path) -> None:
        self.side = side
        self.definition = definition
        self.suite = f"/{definition.stem}"
        self.steps = [shlex.split(line[2:]) for line in definition.read_text().split("\n") if line.startswith("#>")]
        self.printed: list[str] = []
        """What questions among the steps printed."""
        self.states: dict[str, list[str]] = {}
        """The states that every node came to, in order, as the log has them, when all steps were taken."""
        self.definition_text = self.state_text = ""
        """The tree, as ``--get`` and ``--migrate`` print it then."""
        self._jobs = 0
        self._mark = ""

    def play(self) -> None:
        """Load the suite, begin it, and take its steps."""
        self._mark = f"begin of {self.suite} {time.monotonic_ns()}"
        self.side.command("msg", self._mark)
        self.side.command("load", str(self.definition), "force")
        self.side.command("begin", self.suite[1:])
        self.side.settle()
        for name, *words in self.steps or [["run"]]:
            self._step(name, words)
        self.finished()

    def finished(self) -> Play:
        """Take down how the suite stands."""
        self.definition_text = self.side.command("get", self.suite)
        self.state_text = self.side.command("migrate", self.suite)
        self.states = self._states()
        return self

    def _step(self, name: str, words: list[str]) -> None:
        side = self.side
        if name == "run":
            self.run()
        elif name == "until":  # until PATH STATE: only in fast motion
            path, state = words
            wait_for(lambda: self._reached(path, state), f"{path} to be {state} on {side.name}", 40, poll_seconds=0.1)
        elif name == "child":  # child PATH COMMAND WORD...
            path, command, *rest = words
            self._report(path, command, rest)
        elif name == "refused":
            try:
                side.command(words[0], *words[1:])
            except AssertionError:
                return
            raise AssertionError(f"{side.name} takes --{' '.join(words)}")
        else:
            printed = side.command(name, *words)
            side.settle()
            if name == "query":
                self.printed.append(printed.strip())

    def _reached(self, path: str, state: str) -> bool:
        self.run()
        return self.side.command("query", "state", path).strip() == state

    def _report(self, path: str, command: str, words: list[str]) -> None:
        task = self.side.tree(self.suite).find(path)
        assert isinstance(task, Task)
        self._jobs += 1
        answer = self.side.child(
            command,
            words,
            path=path,
            password=task.password,
            process_id=task.process_id or "100",
            try_number=task.try_number,
        )
        if command == "queue":
            self.printed.append(answer)
        self.side.settle()

    def run(self) -> None:
        """Be the job of every task that is submitted, until none is."""
        while True:
            defs = self.side.tree(self.suite)
            tasks = [node for node in defs.walk() if isinstance(node, Task) and node.state is State.SUBMITTED]
            if not tasks:
                return
            for task in tasks:
                assert self._jobs < MOST_JOBS, f"{self.suite} does not end on {self.side.name}"
                self._job(task)

    def _job(self, task: Task) -> None:
        path, side = task.path, self.side
        me = {"path": path, "password": task.password, "process_id": "100", "try_number": task.try_number}

        def report(name: str, *words: str) -> None:
            self._jobs += 1
            answer = side.child(name, list(words), **me)  # type: ignore[arg-type]
            if name == "queue":
                self.printed.append(answer)
            side.settle()

        report("init", "100")
        plan = (find_variable(task, "RUN", lambda suite: 0) or "").split()
        for word in plan:
            name, _, value = word.partition("=")
            if name == "hold":
                return
            if name == "fail" or (name == "abort" and task.try_number == 1):
                report("abort", value or "failed")
                return
            if name in ("event", "meter", "label", "queue"):
                report(name, *value.split(":"))
        report("complete")

    def _states(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for line in self.side.log_lines():
            if self._mark in line:
                found.clear()
            match = LINE.match(line)
            if match and (match[2] == self.suite or match[2].startswith(f"{self.suite}/")):
                found[match[2]].append(match[1])
        return dict(found)


def normalised(text: str) -> list[str]:
    """The lines of a printed tree without what tells times, process ids and passwords."""
    lines = []
    for line in text.split("\n"):
        if re.match(r"\s*(calendar|history) ", line) or re.match(r"#5|defs_state|# enddef|# server state", line):
            continue
        if re.match(r"\s*edit ECF_\w+ .* # server$", line):
            continue
        line = re.sub(r" (dur|rt|passwd|rid|nextTime|relativeDuration|date|ts):\S*", "", line)
        line = re.sub(r"(flag:\S*?),?\bmessage\b,?", r"\1", line).replace(" flag: ", " ").removesuffix(" flag:")
        line = re.sub(r"^(\s*(?:time|today|cron|date|day) [^#]*)#.*", r"\1", line)
        if "ECF_DUMMY_TASK" in text:
            line = re.sub(r" try:\d+", "", line)  # theirs counts every time it passes by
        line = line.rstrip().removesuffix(" #").replace("  # ", " # ")
        if line.strip():
            lines.append(line)
    return lines
