"""Sends ecFlow's commands to a server, with the patience and the words that ecFlow's client has."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ..contact.paths import current_user
from ..network.client import new_id
from ..network.exceptions import ClientError, ClientTimeout, NotAuthorised, ServerLost
from ..network.suite_client import SuiteClient
from .commands import CHANGE, COMMANDS
from .exceptions import ArgumentError, ConnectionFailed, ServerRefused
from .settings import Settings, other_hosts

ATTEMPTS = 2
RETRY_SECONDS = 1.0
CHILD_RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0)
REASON_VARIABLE = "TIDEMILL_REASON"
"""Why a command is given, for its receipt: ecFlow has no option for that."""
UNREACHED = (ServerLost, ClientTimeout, NotAuthorised)
"""Nobody could be asked: worth another try, and other hosts."""
CHILD_WAIT_SECONDS = 120.0
"""How long a server is asked to hold a job's report that has to wait."""


class Asking:
    """Asks one server; keeps its connection from one command to the next.

    Arguments:
        settings: whom to ask.
        attempts: how often to try when nobody listens.
        retry_seconds: the time between two tries.
    """

    def __init__(self, settings: Settings, *, attempts: int = ATTEMPTS, retry_seconds: float = RETRY_SECONDS) -> None:
        self.settings = settings
        self.attempts = attempts
        self.retry_seconds = retry_seconds
        self._client: SuiteClient | None = None

    def ping(self) -> float:
        """Ask whether the server is there; returns the seconds it took. Raises `ConnectionFailed`."""
        started = time.perf_counter()
        self._ask("ping_workflow", {}, "--ping", timeout_seconds=COMMANDS["ping"].timeout_seconds)
        return time.perf_counter() - started

    def user_command(
        self,
        name: str,
        words: list[str],
        *,
        attachments: dict[str, str] | None = None,
        line: str = "",
        reason: str = "",
    ) -> dict[str, Any]:
        """Carry out a command; what the server answered. Raises `ConnectionFailed` or `ServerRefused`."""
        command = COMMANDS[name]
        is_change = changes_anything(name, words)
        if name == "edit_script" and words[1:2] in (["edit"], ["pre_process"]):
            is_change = False
        arguments: dict[str, Any] = {"name": name, "words": words, "user": self.settings.user or current_user()}
        if self.settings.password:
            arguments["password"] = self.settings.password
        if is_change:
            reason = reason or self.settings.environment.get(REASON_VARIABLE, "")
            arguments |= {"attachments": attachments or {}, "reason": reason}
        endpoint = "change" if is_change else "read"
        answer: dict[str, Any] = self._ask(
            endpoint, arguments, line or f"--{name}", timeout_seconds=command.timeout_seconds
        )
        return answer

    def numbers(self, endpoint: str, state: int, modify: int, handle: int = 0) -> dict[str, Any]:
        """Ask for ``news`` or ``sync`` since two numbers."""
        arguments = {"state_change_number": state, "modify_change_number": modify, "handle": handle}
        answer: dict[str, Any] = self._ask(endpoint, arguments, f"--{endpoint}", timeout_seconds=600)
        return answer

    def child(
        self, name: str, words: list[str], *, add: dict[str, str] | None = None, remove: list[str] | None = None
    ) -> str:
        """Report for a job, waiting as long as ecFlow would; returns what ``queue`` hands out.

        Raises:
            ServerRefused: the server has the job fail.
            ConnectionFailed: no server answered in ECF_TIMEOUT, or ECF_ZOMBIE_TIMEOUT for a zombie (at once with
                ECF_DENIED).
        """
        settings = self.settings
        arguments = {
            "name": name,
            "path": settings.path,
            "password": settings.job_password,
            "process_id": settings.process_id,
            "try_number": settings.try_number,
            "words": words,
            "add": add or {},
            "remove": remove or [],
            "wait_seconds": 0.0 if settings.is_denied else CHILD_WAIT_SECONDS,
        }
        started = time.monotonic()
        hosts = [(settings.host, settings.port)]
        tries = 0
        while True:
            problem = ""
            limit = settings.timeout_seconds
            for host, port in hosts:
                self._turn_to(host, port)
                try:
                    answer = self._request("child", arguments, timeout_seconds=CHILD_WAIT_SECONDS + 70)
                except UNREACHED as error:
                    problem = str(error)
                    continue
                except ClientError as error:
                    raise ServerRefused(f"Error: request( --{name} ) failed!  Server reply: {error}") from None
                if answer["kind"] == "ok":
                    return str(answer["value"])
                if answer["kind"] == "fail":
                    raise ServerRefused(str(answer["detail"] or answer["reason"]))
                problem = answer["detail"] or answer["reason"]
                if answer["reason"] == "zombie":
                    limit = settings.zombie_timeout_seconds
                elif answer["reason"] == "waiting":
                    limit = 10**9
                break
            if tries == 0 and settings.host_file is not None:
                hosts += other_hosts(settings.host_file, settings.port)
                tries += 1
                continue
            if (settings.is_denied and tries >= ATTEMPTS) or time.monotonic() - started > limit:
                raise ConnectionFailed(f"--{name} of {settings.path} given up after {tries + 1} attempts: {problem}")
            time.sleep(CHILD_RETRY_SECONDS[min(tries, len(CHILD_RETRY_SECONDS) - 1)])
            tries += 1

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # -- one request ---------------------------------------------------------------------------------------------------

    def _turn_to(self, host: str, port: int) -> None:
        if self._client is not None and (self._client.host, self._client.port) != (host, port):
            self.close()
        if self._client is None:
            self._client = SuiteClient(host, port)

    def _request(self, endpoint: str, arguments: dict[str, Any], *, timeout_seconds: float, id: str = "") -> Any:
        assert self._client is not None
        return self._client(endpoint, arguments, timeout=timeout_seconds, req_meta={"id": id} if id else None)

    def _ask(self, endpoint: str, arguments: dict[str, Any], line: str, *, timeout_seconds: float) -> Any:
        settings = self.settings
        timeout_seconds = settings.connect_timeout_seconds or timeout_seconds
        hosts = [(settings.host, settings.port)]
        if settings.host_file is not None and settings.host_file_for_all:
            hosts += other_hosts(settings.host_file, settings.port)
        problem = ""
        # The same for every attempt: a command whose answer was lost is not carried out again.
        id = new_id() if endpoint == "change" else ""
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(self.retry_seconds)
            for host, port in hosts:
                self._turn_to(host, port)
                try:
                    return self._request(endpoint, arguments, timeout_seconds=timeout_seconds, id=id)
                except UNREACHED as error:
                    problem = str(error)
                except ClientError as error:
                    raise ServerRefused(f"Error: request( {line} ) failed!  Server reply: {error}") from None
        stamp = time.strftime("%H:%M:%S ") + "{0.tm_mday}.{0.tm_mon}.{0.tm_year}".format(time.localtime())
        raise ConnectionFailed(
            f"[{stamp}] Request( {line} ), Failed to connect to {settings.where}. After {self.attempts} attempts. "
            f"Is the server running ? ({problem})\n"
        )


def changes_anything(name: str, words: list[str]) -> bool:
    """Whether a command tells the server something, rather than asks."""
    if name == "group":
        return any_changes(words)
    if name == "edit_script":
        return words[1:2] not in (["edit"], ["pre_process"])
    return COMMANDS[name].route == CHANGE


def any_changes(words: list[str]) -> bool:
    """Whether a group holds a command that changes anything."""
    for part in " ".join(words).split(";"):
        name = part.strip().removeprefix("--").partition("=")[0].partition(" ")[0]
        command = COMMANDS.get(name)
        if command is not None and command.route == CHANGE:
            return True
    return False


def attachments_of(name: str, words: list[str]) -> dict[str, str]:
    """The texts of files that a command names, to go along with it; raises `ArgumentError`."""
    place: str | None = None
    if name == "load" and words:
        place = words[0]
    elif name == "replace" and len(words) > 1:
        place = words[1]
    elif name == "edit_script" and len(words) > 2 and words[1].endswith("_file"):
        place = words[2]
    if place is None:
        return {}
    try:
        text = Path(place).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ArgumentError(f"--{name}: cannot read {place}: {error.strerror}") from error
    return {"definition" if name != "edit_script" else "script": text, "file": place}
