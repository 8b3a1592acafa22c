"""What users can tell a server of suites: ecFlow's commands by name, each with the words of its command line.

Every function takes the engine, the words after the command and what came with it, changes the engine, and returns what
is to be printed (mostly nothing). Questions that change nothing are in `queries` and `why`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import interventions, structure
from .alter import alter
from .effects import GenerateJob, SetCheckpointing, StopServer, WriteCheckpoint
from .events import Command
from .exceptions import SuiteError
from .nodes import Alias, Node, Submittable, Task
from .states import STATES, Flag, ServerState
from .structure import StructureError
from .words import parse_integer

if TYPE_CHECKING:
    from .engine import SuiteEngine

Attachments = Mapping[str, Any]
HISTORY = 10
"""How many commands are remembered per node (ecFlow behaviour)."""


class CommandError(SuiteError):
    """The command makes no sense."""


def run(engine: SuiteEngine, event: Command) -> str:
    """Carry out a command, and return what it prints.

    Raises:
        TidemillError: it was refused; the message says why.
    """
    command = COMMANDS.get(event.name)
    if command is None:
        raise CommandError(f"there is no command '{event.name}'")
    words = [str(word) for word in event.arguments.get("words", [])]
    who = f" :{event.user}" if event.user else ""
    line = f"--{event.name}{'=' + ' '.join(words) if words else ''}{who}"
    engine.log("MSG", line)
    text = command(engine, words, event.arguments.get("attachments", {})) or ""
    if event.name in REMEMBERED:
        _remember(engine, words, line)
    return text


def _remember(engine: SuiteEngine, words: list[str], line: str) -> None:
    """Keep the command in the history of the nodes it named, and mark them."""
    moment = datetime.fromtimestamp(engine.now + engine.utc_offset_seconds, UTC)
    stamp = f"MSG:[{moment:%H:%M:%S} {moment.day}.{moment.month}.{moment.year}]"
    for word in words:
        path = word.partition(":")[0]
        if not path.startswith("/"):
            continue
        node = engine.defs.find(path)
        if node is None and path != "/":
            continue
        held = engine.defs.edit_history.setdefault(path, [])
        held.append(f"{stamp}{line}")
        del held[:-HISTORY]
        if node is not None:
            engine.lifecycle.add_flag(node, Flag.MESSAGE)
        else:
            engine.defs.flags |= {Flag.MESSAGE}


# -- words to nodes ----------------------------------------------------------------------------------------------------


def _node(engine: SuiteEngine, path: str) -> Node:
    node = engine.defs.find(path) if path.startswith("/") else None
    if node is None:
        hint = "" if path.startswith("/") else ": paths begin with '/'"
        raise CommandError(f"could not find node at path '{path}'{hint}")
    return node


def _options(words: list[str], *known: str) -> tuple[set[str], list[str]]:
    """The options among the words, and the rest."""
    return {word for word in words if word in known}, [word for word in words if word not in known]


def _each(engine: SuiteEngine, name: str, paths: list[str], act: Callable[[Node], Any]) -> str:
    """Do something to every node named; those that are there are done even if another is not."""
    if not paths:
        raise CommandError(f"{name}: the path of a node is missing")
    problems, texts = [], []
    for path in paths:
        try:
            texts.append(act(_node(engine, path)) or "")
        except SuiteError as error:
            problems.append(str(error))
    if problems:
        raise CommandError(f"{name}: {'; '.join(problems)}")
    return "".join(texts)


# -- suites and their structure ----------------------------------------------------------------------------------------


def load(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``load FILE [force]``, the text attached as ``definition``."""
    options, files = _options(words, "force", "check_only", "print", "stats")
    text = attachments.get("definition")
    if text is None:
        raise CommandError("load: the definition is missing")
    structure.load(engine, str(text), file=files[0] if files else "", force="force" in options)


def replace(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``replace PATH FILE [parent|false] [force]``, the text attached as ``definition``."""
    options, rest = _options(words, "parent", "false", "force")
    text = attachments.get("definition")
    if text is None or not rest:
        raise CommandError("replace: needs the path of a node and a definition")
    file = rest[1] if len(rest) > 1 else ""
    parents = "parent" in options
    structure.replace(engine, rest[0], str(text), file=file, create_parents=parents, force="force" in options)


def delete(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``delete [force] [yes] PATH...|_all_``."""
    options, paths = _options(words, "force", "yes")
    force = "force" in options
    if paths == ["_all_"] or paths == ["/"]:
        live = [] if force else structure.live_tasks(engine.defs)
        if live:
            raise StructureError(f"{live[0].path} is {live[0].state.word}: delete all by force, or wait")
        for suite in list(engine.defs.suites):
            structure.remove(engine, suite)
        return ""
    return _each(engine, "delete", paths, lambda node: structure.delete(engine, node, force=force))


def plug(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``plug SOURCE TARGET``."""
    if len(words) != 2:
        raise CommandError("plug needs the node to move, and where to")
    source = _node(engine, words[0])
    structure.plug(engine, source, engine.defs if words[1] == "/" else _node(engine, words[1]))


def order(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``order PATH top|bottom|alpha|order|up|down|runtime``."""
    if len(words) != 2:
        raise CommandError("order needs a path and how to order")
    structure.order(engine, _node(engine, words[0]), words[1])


def archive(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``archive [force] PATH...``."""
    options, paths = _options(words, "force")
    return _each(engine, "archive", paths, lambda node: engine.archives.archive(node, force="force" in options))


def restore(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``restore PATH...``."""
    return _each(engine, "restore", words, engine.archives.restore)


# -- running -----------------------------------------------------------------------------------------------------------


def begin(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``begin [SUITE] [--force]``: one suite, or all."""
    options, names = _options(words, "--force", "force")
    force = bool(options)
    if not names:
        for suite in list(engine.defs.suites):
            interventions.begin(engine, suite, force=force)
        return
    found = engine.defs.child(names[0].strip("/"))
    if found is None:
        raise CommandError(f"begin failed as suite '{names[0]}' is not loaded")
    interventions.begin(engine, found, force=force)


def requeue(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``requeue [abort|force] PATH...``."""
    how, paths = (words[0], words[1:]) if words[:1] in (["abort"], ["force"]) else ("", words)
    return _each(engine, "requeue", paths, lambda node: interventions.requeue(engine, node, how))


def run_nodes(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``run [force] PATH...``."""
    options, paths = _options(words, "force")
    return _each(engine, "run", paths, lambda node: interventions.run(engine, node, force="force" in options))


def force(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``force STATE|set|clear [recursive] [full] PATH...|PATH:EVENT``."""
    options, rest = _options(words, "recursive", "full")
    if not rest:
        raise CommandError("force needs a state (or set, clear) and a path")
    word, paths = rest[0], rest[1:]
    if word in ("set", "clear"):
        return _force_events(engine, word, paths)
    if word not in STATES:
        raise CommandError(f"force: '{word}' is no state: {', '.join(STATES)}, set, clear")
    recursive, full = "recursive" in options, "full" in options

    def act(node: Node) -> None:
        interventions.force_state(engine, node, word, recursive=recursive, full=full)

    return _each(engine, "force", paths, act)


def _force_events(engine: SuiteEngine, word: str, paths: list[str]) -> str:
    if not paths:
        raise CommandError(f"force {word}: the path of an event is missing")
    for text in paths:
        path, colon, name = text.partition(":")
        if not colon:
            raise CommandError(f"force {word}: write {text}:EVENT")
        interventions.force_event(engine, _node(engine, path), name, is_set=word == "set")
    return ""


def free_dep(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``free-dep [trigger|all|date|time] PATH...``."""
    options, paths = _options(words, "trigger", "all", "date", "time")
    what = options or {"trigger"}

    def act(node: Node) -> None:
        for one in sorted(what):
            interventions.free_dependencies(engine, node, one)

    return _each(engine, "free-dep", paths, act)


def _simple(name: str, act: Callable[[SuiteEngine, Node], Any]) -> Callable[[SuiteEngine, list[str], Attachments], str]:
    def command(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
        return _each(engine, name, words, lambda node: act(engine, node))

    command.__doc__ = f"``{name} PATH...``."
    return command


def alter_nodes(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``alter add|change|delete|set_flag|clear_flag|sort TYPE [NAME] [VALUE] PATH...``."""
    alter(engine, words)


def job_gen(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``job_gen [PATH]``, and ``force-dep-eval``: look at everything again, now."""
    chosen: list[Node] = [_node(engine, words[0])] if words and words[0] != "/" else list(engine.defs.suites)
    for node in chosen:
        engine.consider(node, afresh=True)


def check_job_gen_only(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``checkJobGenOnly [PATH]``: make all job files below a node, start nothing."""
    top = _node(engine, words[0]) if words and words[0] != "/" else engine.defs
    for node in top.walk():
        if isinstance(node, Submittable) and not isinstance(node, Alias):
            variables = engine.releasing.variables_of(node)
            engine.effects.append(GenerateJob(node.path, node.try_number, node.password, variables))


def edit_script(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``edit_script PATH submit|submit_file [FILE] [create_alias] [no_run]``, the script attached as ``script``.

    The variables of the edit may be attached as ``variables``, an object in JSON.
    """
    options, rest = _options(words, "create_alias", "no_run")
    script = attachments.get("script")
    if not rest or script is None or rest[1:2] not in (["submit"], ["submit_file"]):
        raise CommandError("edit_script: needs a path, submit or submit_file, and a script")
    task = _node(engine, rest[0])
    if not isinstance(task, Task):
        raise CommandError(f"edit_script: {task.path} is no task")
    variables = _edited_variables(attachments.get("variables"))
    target: Submittable = task
    if "create_alias" in options:
        alias = structure.add_alias(engine, task)
        alias.variables.update(variables)
        target = alias
    elif structure.live_tasks(task):
        raise CommandError(f"edit_script: {task.path} is {task.state.word}")
    engine.lifecycle.add_flag(target, Flag.USER_EDIT)
    if "no_run" not in options:
        engine.releasing.submit(target, script=str(script), user_variables=variables)


def _edited_variables(text: Any) -> dict[str, str]:
    if not text:
        return {}
    try:
        found = json.loads(text) if isinstance(text, str) else dict(text)
        return {str(name): str(value) for name, value in found.items()}
    except (ValueError, TypeError, AttributeError):
        raise CommandError("edit_script: the variables of the edit are to be an object in JSON") from None


# -- the server --------------------------------------------------------------------------------------------------------


def _server_state(state: ServerState) -> Callable[[SuiteEngine, list[str], Attachments], None]:
    def command(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
        engine.set_server_state(state)

    command.__doc__ = f"Put the server into the state {state.value}."
    return command


def terminate(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``terminate [yes]``: end the server."""
    engine.effects.append(StopServer())


def check_pt(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``check_pt [never|on_time|on_time:N|always|N|alarm:N]``."""
    if not words:
        engine.effects.append(WriteCheckpoint())
        return
    mode, colon, number = words[0].partition(":")
    if mode == "alarm":
        engine.effects.append(SetCheckpointing(alarm_seconds=_seconds(number)))
    elif mode.isdecimal():
        engine.effects.append(SetCheckpointing(interval_seconds=_seconds(mode)))
    elif mode in ("never", "on_time", "always"):
        seconds = _seconds(number) if colon else None
        engine.effects.append(SetCheckpointing(mode=mode, interval_seconds=seconds))
    else:
        raise CommandError("check_pt knows never, on_time, on_time:SECONDS, always, SECONDS and alarm:SECONDS")


def _seconds(text: str) -> int:
    seconds = parse_integer(text, "the number of seconds")
    if seconds <= 0:
        raise CommandError("check_pt: the number of seconds is to be more than 0")
    return seconds


def restore_from_checkpoint(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``restore_from_checkpt``, the text attached as ``definition``: only while the server is halted and empty."""
    if engine.defs.server_state is not ServerState.HALTED:
        raise CommandError("restore_from_checkpt: the server must be halted first")
    if engine.defs.suites:
        raise CommandError("restore_from_checkpt: the server has suites: delete them first")
    text = attachments.get("definition")
    if text is None:
        raise CommandError("restore_from_checkpt: the checkpoint is missing")
    structure.load(engine, str(text), file="checkpoint")


def message(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
    """``msg TEXT``: a line for the log."""
    engine.log("MSG", " ".join(words))


def edit_history(engine: SuiteEngine, words: list[str], attachments: Attachments) -> str:
    """``edit_history PATH|clear``."""
    if words[:1] == ["clear"]:
        engine.defs.edit_history.clear()
        return ""
    if not words:
        raise CommandError("edit_history needs a path, or 'clear'")
    return "".join(f"{line}\n" for line in engine.defs.edit_history.get(words[0], []))


def _zombie(action: str) -> Callable[[SuiteEngine, list[str], Attachments], None]:
    def command(engine: SuiteEngine, words: list[str], attachments: Attachments) -> None:
        if not words:
            raise CommandError(f"zombie_{action} needs the path of a task")
        engine.zombies.decide(action, words)

    command.__doc__ = f"``zombie_{action} PATH...``."
    return command


COMMANDS: dict[str, Callable[[SuiteEngine, list[str], Attachments], str | None]] = {
    "load": load,
    "replace": replace,
    "delete": delete,
    "plug": plug,
    "order": order,
    "archive": archive,
    "restore": restore,
    "begin": begin,
    "requeue": requeue,
    "run": run_nodes,
    "force": force,
    "free-dep": free_dep,
    "suspend": _simple("suspend", interventions.suspend),
    "resume": _simple("resume", interventions.resume),
    "kill": _simple("kill", interventions.kill),
    "status": _simple("status", interventions.status),
    "alter": alter_nodes,
    "job_gen": job_gen,
    "force-dep-eval": job_gen,
    "checkJobGenOnly": check_job_gen_only,
    "edit_script": edit_script,
    "edit_history": edit_history,
    "halt": _server_state(ServerState.HALTED),
    "shutdown": _server_state(ServerState.SHUTDOWN),
    "restart": _server_state(ServerState.RUNNING),
    "terminate": terminate,
    "check_pt": check_pt,
    "restore_from_checkpt": restore_from_checkpoint,
    "msg": message,
    "zombie_fob": _zombie("fob"),
    "zombie_fail": _zombie("fail"),
    "zombie_adopt": _zombie("adopt"),
    "zombie_block": _zombie("block"),
    "zombie_kill": _zombie("kill"),
    "zombie_remove": _zombie("remove"),
}
"""What a `Command` event may be called."""

REMEMBERED = frozenset(
    ("plug", "order", "archive", "restore", "requeue", "run", "force", "free-dep", "suspend", "resume", "kill")
) | {"status", "alter", "edit_script", "replace"}
"""Commands that go into the history of the nodes they name."""
