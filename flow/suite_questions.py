"""What users ask a suite server that the engine alone cannot answer: files, the log, counts, handles, access."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define

from .exceptions import AccessDenied, CommandFailed
from .jobs.ecf.exceptions import ScriptError
from .jobs.ecf.preprocess import expand, make_job, manual_of
from .jobs.ecf.search import Script, find_script
from .suite import queries, why
from .suite.deltas import delta_message
from .suite.nodes import Node, Submittable
from .suite.variables import substitute, visible
from .suite.writer import Style
from .suite_access import Passwords, WhiteList, read_passwords, read_white_list

if TYPE_CHECKING:
    from .suite_scheduler import SuiteServer

VERSION = "5.9.2"
"""Of ecFlow, whose commands these are."""
_FILE_VARIABLES = {"job": "ECF_JOB", "jobout": "ECF_JOBOUT", "kill": "ECF_JOB", "stat": "ECF_JOB"}
_FILE_SUFFIXES = {"kill": ".kill", "stat": ".stat"}
_STYLES = {"defs": Style.DEFS, "state": Style.STATE, "migrate": Style.MIGRATE}


@define
class Handle:
    """A client's interest in some suites."""

    user: str
    takes_new: bool
    suites: list[str]
    known: set[str]
    """Suites there were when new ones were last looked for."""


class Questions:
    """Answers for one server."""

    def __init__(self, server: SuiteServer) -> None:
        self._server = server
        self._handles: dict[int, Handle] = {}
        self._white_list = WhiteList()
        self._passwords = Passwords()
        self._custom_passwords = Passwords()
        self._stats_since = time.time()
        self.changes: dict[str, Callable[[list[str], str], Any]] = {
            "log": self._log,
            "reloadwsfile": self._reload_white_list,
            "reloadpasswdfile": self._reload_passwords,
            "reloadcustompasswdfile": self._reload_custom_passwords,
            "stats_reset": self._reset_stats,
            "debug_server_on": self._ignore,
            "debug_server_off": self._ignore,
            "ch_register": self._register,
            "ch_drop": self._drop,
            "ch_drop_user": self._drop_user,
            "ch_add": self._add_to_handle,
            "ch_rem": self._remove_from_handle,
            "ch_auto_add": self._auto_add,
            "group": self._in_turn,
        }
        """Commands that change the server rather than its suites."""
        self._reads: dict[str, Callable[[list[str]], Any]] = {
            "ping": lambda words: "",
            "get": lambda words: self._definition(words, Style.DEFS),
            "get_state": lambda words: self._definition(words, Style.STATE),
            "migrate": lambda words: self._definition(words, Style.MIGRATE),
            "query": lambda words: queries.query(self._engine, words),
            "suites": lambda words: queries.suite_names(self._engine),
            "check": lambda words: queries.check(self._engine, words),
            "why": lambda words: "\n".join(why.why_lines(self._engine, words[0] if words else "/")),
            "zombie_get": self._zombies,
            "server_version": lambda words: VERSION,
            "stats": lambda words: self._stats(),
            "stats_server": lambda words: self._stats(),
            "server_load": self._server_load,
            "edit_history": self._history,
            "ch_suites": lambda words: self._handle_table(),
            "file": self._file,
            "edit_script": lambda words: self._file(words[:2]),
            "group": self._read_group,
        }

    @property
    def _engine(self) -> Any:
        return self._server.engine

    # -- who may -------------------------------------------------------------------------------------------------------

    def load_access(self) -> None:
        """Read the white list and the password files, as at the start; raises `AccessDenied`."""
        variables = self._engine.defs.server_variables
        server = self._server
        self._white_list = read_white_list(Path(variables["ECF_LISTS"]))
        self._passwords = read_passwords(Path(variables["ECF_PASSWD"]), server.host, server.port)
        self._custom_passwords = read_passwords(Path(variables["ECF_CUSTOM_PASSWD"]), server.host, server.port)

    def check_access(self, name: str, words: list[str], user: str, password: str, *, is_change: bool) -> None:
        """Let a command pass, or raise `AccessDenied`."""
        user = user or self._server.owner
        if user == self._server.owner or not self._custom_passwords.by_user:
            self._passwords.check(user, password)
        else:
            self._custom_passwords.check(user, password)
        paths = [word.partition(":")[0] for word in words if word.startswith("/")]
        self._white_list.check(user, name, paths, is_change=is_change)

    # -- what changes the server ---------------------------------------------------------------------------------------

    def leaves_no_trace(self, name: str, words: list[str]) -> bool:
        """Whether one of `changes` is the affair of one client only, or only looks: it has no receipt."""
        return name.startswith("ch_") or (name == "log" and words[:1] in (["get"], ["path"]))

    async def change(self, name: str, words: list[str], *, user: str, id: str = "", reason: str = "") -> str:
        """Carry out one of `changes`; what it prints. Raises `TidemillError`.

        The commands of a group have ids made from its own: sent again after a crash, none is carried out twice.
        """
        result = self._in_turn(words, user, id, reason) if name == "group" else self.changes[name](words, user)
        if asyncio.iscoroutine(result):
            result = await result
        return str(result or "")

    async def completed(self, name: str, words: list[str], attachments: dict[str, str]) -> dict[str, str]:
        """The attachments of a command, with files of the server that it needs; raises `CommandFailed`."""
        variables = self._engine.defs.server_variables
        if name == "restore_from_checkpt":
            for variable in ("ECF_CHECK", "ECF_CHECKOLD"):
                text = await asyncio.to_thread(_text_of, Path(variables[variable]))
                if text is not None:
                    return {"definition": text, "file": variables[variable]}
            raise CommandFailed(f"there is no checkpoint {variables['ECF_CHECK']}")
        return attachments

    async def _log(self, words: list[str], user: str) -> str:
        log = self._server.suite_log
        what = words[0] if words else ""
        if what == "get":
            count = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 100
            return "\n".join(list(log.latest)[-count:])
        if what == "path":
            return str(log.path)
        if what == "flush":
            log.flush()
        elif what == "clear":
            await asyncio.to_thread(log.clear)
        elif what == "new":
            path = Path(words[1]) if len(words) > 1 else log.path
            await asyncio.to_thread(log.switch, self._server.plan.home / path)
        else:
            raise CommandFailed("log needs one of: get [lines], clear, flush, new [path], path")
        return ""

    def _ignore(self, words: list[str], user: str) -> None:
        """Nothing is to be done."""

    def _reload_white_list(self, words: list[str], user: str) -> None:
        path = self._existing("ECF_LISTS")
        self._white_list = read_white_list(path)

    def _reload_passwords(self, words: list[str], user: str) -> None:
        path = self._existing("ECF_PASSWD")
        self._passwords = read_passwords(path, self._server.host, self._server.port)

    def _reload_custom_passwords(self, words: list[str], user: str) -> None:
        path = self._existing("ECF_CUSTOM_PASSWD")
        self._custom_passwords = read_passwords(path, self._server.host, self._server.port)

    def _existing(self, variable: str) -> Path:
        path = Path(self._engine.defs.server_variables[variable])
        if not path.exists():
            raise AccessDenied(f"{variable}: there is no file {path}")
        return path

    def _reset_stats(self, words: list[str], user: str) -> None:
        self._server.requests.clear()
        self._stats_since = time.time()

    # -- handles -------------------------------------------------------------------------------------------------------

    def _register(self, words: list[str], user: str) -> str:
        if words and words[0].isdecimal():
            self._handles.pop(int(words[0]), None)
            words = words[1:]
        if not words or words[0] not in ("true", "false"):
            raise CommandFailed("ch_register needs true or false (whether new suites are added), then suites")
        number = max(self._handles, default=0) + 1
        known = {suite.name for suite in self._engine.defs.suites}
        self._handles[number] = Handle(user or self._server.owner, words[0] == "true", list(words[1:]), known)
        return str(number)

    def _handle(self, words: list[str]) -> tuple[int, Handle]:
        number = int(words[0]) if words and words[0].isdecimal() else 0
        if number not in self._handles:
            raise CommandFailed(f"there is no handle {words[0] if words else ''}; --ch_suites lists them")
        return number, self._handles[number]

    def _drop(self, words: list[str], user: str) -> None:
        del self._handles[self._handle(words)[0]]

    def _drop_user(self, words: list[str], user: str) -> None:
        whose = words[0] if words else user or self._server.owner
        mine = [number for number, handle in self._handles.items() if handle.user == whose]
        if not mine:
            raise CommandFailed(f"user {whose} has no handles")
        for number in mine:
            del self._handles[number]

    def _add_to_handle(self, words: list[str], user: str) -> None:
        handle = self._handle(words)[1]
        handle.suites += [name for name in words[1:] if name not in handle.suites]

    def _remove_from_handle(self, words: list[str], user: str) -> None:
        handle = self._handle(words)[1]
        handle.suites = [name for name in handle.suites if name not in words[1:]]

    def _auto_add(self, words: list[str], user: str) -> None:
        if words[1:] not in (["true"], ["false"]):
            raise CommandFailed("ch_auto_add needs a handle and true or false")
        handle = self._handle(words)[1]
        self._suites_of(handle)
        handle.takes_new = words[1] == "true"

    def _suites_of(self, handle: Handle) -> list[str]:
        """The suites of a handle; those that came meanwhile are added if it takes them."""
        names = [suite.name for suite in self._engine.defs.suites]
        if handle.takes_new:
            handle.suites += [name for name in names if name not in handle.known and name not in handle.suites]
        handle.known = set(names)
        return list(handle.suites)

    def _handle_table(self) -> str:
        rows = [("User", "Handle", "Auto", "Suites")]
        rows += [
            (handle.user, str(number), "true" if handle.takes_new else "false", " ".join(self._suites_of(handle)))
            for number, handle in self._handles.items()
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]).rstrip()
            for row in rows
        )

    # -- groups --------------------------------------------------------------------------------------------------------

    async def _read_group(self, words: list[str]) -> str:
        return await self._in_turn(words, "")

    async def _in_turn(self, words: list[str], user: str, id: str = "", reason: str = "") -> str:
        """Carry out the commands of a group; the first that fails ends it."""
        printed: list[str] = []
        got = ""
        for number, part in enumerate(" ".join(words).split(";"), 1):
            name, rest = _command_of(part)
            if not name:
                continue
            if name == "show":
                style = _STYLES.get(rest[0] if rest else "defs", Style.DEFS)
                printed.append(queries.definition_text(self._engine, got or "/", style))
                continue
            if name in self._reads and name != "group":
                text = await self.read(name, rest)
                if name in ("get", "get_state"):
                    got = rest[0] if rest else "/"
                    if _is_followed_up(words, part):
                        continue
            else:
                own = f"{id}/{number}" if id else ""
                text = str((await self._server.change(name, rest, {}, id=own, user=user, reason=reason))["text"])
            if text:
                printed.append(text)
        return "\n".join(text.rstrip("\n") for text in printed)

    # -- what is only read ---------------------------------------------------------------------------------------------

    async def read(self, name: str, words: list[str]) -> str:
        """Answer a question; raises `TidemillError`."""
        ask = self._reads.get(name)
        if ask is None:
            raise CommandFailed(f"--{name} is no question that a server answers")
        answer = ask(words)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return str(answer)

    def _zombies(self, words: list[str]) -> str:
        """The zombies as ecFlow lists them; for programs, with the word ``json``, all that is known of each."""
        if words == ["json"]:
            return json.dumps(self._engine.zombies.listed())
        return str(self._engine.zombies.table())

    def _definition(self, words: list[str], style: Style) -> str:
        return queries.definition_text(self._engine, words[0] if words else "/", style)

    def _history(self, words: list[str]) -> str:
        history = self._engine.defs.edit_history
        if words == ["clear"]:
            history.clear()
            return ""
        if not words:
            raise CommandFailed("edit_history needs the path of a node, or clear")
        return "\n".join(history.get(words[0], ()))

    def _stats(self) -> str:
        server, engine = self._server, self._engine
        variables = engine.defs.server_variables
        up = time.strftime("%Y-%b-%d %H:%M:%S", time.localtime(server.started_at))
        rows: list[tuple[str, object]] = [
            ("status", engine.defs.server_state.value),
            ("host", server.host),
            ("port", server.port),
            ("up since", up),
            ("job sub' interval", f"{variables['ECF_INTERVAL']}s"),
            ("ECF_HOME", variables["ECF_HOME"]),
            ("ECF_LOG", variables["ECF_LOG"]),
            ("ECF_CHECK", variables["ECF_CHECK"]),
            ("check pt interval", f"{server.checkpoint_seconds}s"),
            ("check pt mode", server.checkpoint_mode),
            ("number of suites", len(engine.defs.suites)),
            ("state change number", engine.changes.number),
            ("modify change number", engine.defs.modify_change_number),
            ("request's counted since", time.strftime("%Y-%b-%d %H:%M:%S", time.localtime(self._stats_since))),
            *sorted(server.requests.items()),
        ]
        return "Server statistics\n" + "\n".join(f"   {name:<36} {value}" for name, value in rows)

    async def _server_load(self, words: list[str]) -> str:
        path = Path(words[0]) if words else self._server.suite_log.path
        return await asyncio.to_thread(_load_of, path)

    async def pre_processed(self, words: list[str], attachments: dict[str, str]) -> str:
        """The job that would be made of a script that a user has; raises `CommandFailed`."""
        if "script" not in attachments:
            raise CommandFailed("edit_script: pre_process_file needs a file")
        node = queries.find(self._engine, words[0])
        variables = visible(node, self._engine.suite_time)
        script = Script(attachments["script"], attachments.get("file", "the script"))
        try:
            return await asyncio.to_thread(make_job, node.path, script, variables)
        except ScriptError as error:
            raise CommandFailed(str(error)) from None

    async def _file(self, words: list[str]) -> str:
        if not words:
            raise CommandFailed("file needs the path of a task")
        kind = words[1] if len(words) > 1 and not words[1].isdecimal() else "script"
        lines = int(words[-1]) if words[-1].isdecimal() else 10_000
        node = queries.find(self._engine, words[0])
        if not isinstance(node, Submittable):
            raise CommandFailed(f"{node.path} is a {node.kind}: only tasks have files")
        variables = visible(node, self._engine.suite_time)
        text = await asyncio.to_thread(_file_text, node, kind, variables)
        return "\n".join(text.split("\n")[-lines - 1 :])

    # -- news ----------------------------------------------------------------------------------------------------------

    def news(self, handle: int, state_change_number: int, modify_change_number: int) -> dict[str, Any]:
        """Whether anything changed since the numbers; constant in the size of the tree."""
        number = self._engine.changes.number
        return {"news": state_change_number != number, "state_change_number": number}

    def sync(self, handle: int, state_change_number: int, modify_change_number: int) -> dict[str, Any]:
        """What changed since the numbers, in time proportional to that; -1 for everything."""
        message = delta_message(self._engine.defs, self._engine.changes.since(state_change_number))
        if handle in self._handles:
            message["suites"] = self._suites_of(self._handles[handle])
        return message


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def _command_of(part: str) -> tuple[str, list[str]]:
    import shlex

    try:
        words = shlex.split(part)
    except ValueError as error:
        raise CommandFailed(f"group: {part.strip()}: {error}") from None
    if not words:
        return "", []
    name, equals, value = words[0].removeprefix("--").partition("=")
    return name, ([value] if equals else []) + words[1:]


def _is_followed_up(words: list[str], part: str) -> bool:
    """Whether a get of a group is there for the why or show that comes after it."""
    rest = " ".join(words).partition(part)[2]
    return "why" in rest or "show" in rest


def _file_text(node: Node, kind: str, variables: dict[str, str]) -> str:
    """In a thread: the text of a task's file; raises `CommandFailed`."""
    try:
        if kind in ("script", "manual", "edit", "pre_process"):
            script = find_script(node.path, variables)
            if kind == "manual":
                return manual_of(node.path, script, variables)
            if kind == "pre_process":
                return make_job(node.path, script, variables)
            return expand(node.path, script, variables) if kind == "edit" else script.text
        variable = _FILE_VARIABLES.get(kind)
        if variable is None:
            raise CommandFailed(f"'{kind}' is no file of a task: choose from script, job, jobout, manual, kill, stat")
        path = Path(substitute(variables[variable], variables) + _FILE_SUFFIXES.get(kind, ""))
        return path.read_text(errors="replace")
    except ScriptError as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{node.path}: cannot read its {kind} {error.filename}: {error.strerror}") from None


def _load_of(path: Path) -> str:
    counts: Counter[str] = Counter()
    try:
        with open(path, errors="replace") as file:
            for line in file:
                if line.startswith("MSG:[") and (" --" in line or " chd:" in line):
                    stamp = line[5 : line.index("]")]
                    counts[f"{stamp[9:]} {stamp[:5]}"] += 1
    except OSError as error:
        raise CommandFailed(f"the log {os.fspath(path)} cannot be read: {error.strerror}") from None
    return "# requests by minute: date, time, number\n" + "\n".join(f"{when} {n}" for when, n in counts.items())
