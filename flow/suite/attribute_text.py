"""Reading the attributes of a node from their words, without the keyword; each raises `AttributeTextError`."""

from __future__ import annotations

from .attributes import (
    AutoRestore,
    Aviso,
    Event,
    Generic,
    InLimit,
    Label,
    Limit,
    Meter,
    Mirror,
    Queue,
    Variable,
    Verify,
    ZombieAttribute,
)
from .exceptions import AttributeTextError
from .states import STATES, State
from .words import check_name, parse_integer, quoted_value, split_quoted

ZOMBIE_LIFETIMES_SECONDS = {
    "user": 300,
    "ecf": 3600,
    "ecf_pid": 3600,
    "ecf_passwd": 3600,
    "ecf_pid_passwd": 3600,
    "path": 900,
}
"""How long a zombie is remembered, by type, unless something else was said."""
ZOMBIE_ACTIONS = ("fob", "fail", "adopt", "remove", "block", "kill")
CHILD_COMMANDS = ("init", "event", "meter", "label", "wait", "queue", "abort", "complete")
_SHORTEST_ZOMBIE_LIFETIME_SECONDS = 60


def parse_variable(name: str, text: str, *, last_quote: bool = False) -> Variable:
    """``edit NAME VALUE``: `text` is all after the name."""
    check_name(name, "variable")
    if not text:
        raise AttributeTextError(f"the value of variable {name} is missing: write '' for an empty one")
    if text[0] == "#":
        raise AttributeTextError(f"the value of variable {name} is missing, there is a comment in its place")
    return Variable(name, quoted_value(text, last_quote=last_quote))


def parse_event(words: list[str]) -> Event:
    """``event [NUMBER] [NAME] [set]``; words after these are ignored.

    After a number ``set`` is a name (ecFlow behaviour): one without a name that is set at first repeats the number.
    """
    if not words:
        raise AttributeTextError("event needs a name or a number")
    number = None
    rest = words
    if words[0].isdecimal() and words[0].isascii() and int(words[0]) < 2**31:
        number, rest = int(words[0]), words[1:]
    name = ""
    if rest:
        name, rest = check_name(rest[0], "event"), rest[1:]
        if name == str(number) and rest[:1] == ["set"]:
            name = ""
    return Event(number, name, rest[:1] == ["set"])


def parse_meter(words: list[str]) -> Meter:
    """``meter NAME MINIMUM MAXIMUM [COLOR_CHANGE]``; words after these are ignored."""
    if len(words) < 3:
        raise AttributeTextError("meter needs a name, a minimum and a maximum")
    name = check_name(words[0], "meter")
    minimum, maximum = parse_integer(words[1], "the minimum"), parse_integer(words[2], "the maximum")
    color_change = parse_integer(words[3], "the colour change") if len(words) > 3 else maximum
    if minimum > maximum:
        raise AttributeTextError(f"the minimum ({minimum}) of meter {name} is above its maximum ({maximum})")
    if not minimum <= color_change <= maximum:
        raise AttributeTextError(
            f"the colour change ({color_change}) of meter {name} is not within {minimum}..{maximum}"
        )
    return Meter(name, minimum, maximum, color_change)


def parse_label(name: str, text: str, *, with_state: bool = False) -> Label:
    """``label NAME TEXT``: `text` is all after the name; ``\\n`` in it is a new line.

    With `with_state` (checkpoints) ``# "what the job told last"`` may follow.
    """
    check_name(name, "label")
    if not text:
        raise AttributeTextError(f'the text of label {name} is missing: write "" for an empty one')
    new = ""
    if with_state and text[0] == '"' and text[-1] == '"':
        value, separator, told = text[1:-1].partition('" # "')
        if separator:
            new = told
    elif text[0] == "#":
        value = text if len(text.split()) == 1 else ""
    else:
        value = quoted_value(text)
    if "\\n" in value or "\\n" in new:
        value, new = value.replace("\\n", "\n"), new.replace("\\n", "\n")
    return Label(name, value, new)


def parse_limit(words: list[str]) -> Limit:
    """``limit NAME MAXIMUM``; zero and less are allowed (ecFlow behaviour)."""
    if len(words) < 2:
        raise AttributeTextError("limit needs a name and a maximum")
    return Limit(check_name(words[0], "limit"), parse_integer(words[1], "the maximum"))


def parse_inlimit(words: list[str]) -> InLimit:
    """``inlimit [-n|-s] [PATH:]NAME [TOKENS]``."""
    options = []
    while words and words[0] in ("-n", "-s"):
        options.append(words[0])
        words = words[1:]
    if len(options) > 1:
        raise AttributeTextError("inlimit takes -n or -s, not both")
    if not words:
        raise AttributeTextError("inlimit needs the name of a limit")
    path, colon, name = words[0].partition(":")
    if not colon:
        path, name = "", words[0]
    check_name(name, "limit")
    tokens = parse_integer(words[1], "the number of tokens") if len(words) > 1 else 1
    return InLimit(name, path, tokens, this_node_only="-n" in options, submission_only="-s" in options)


def parse_queue(words: list[str]) -> Queue:
    """``queue NAME STEP …``."""
    if len(words) < 2:
        raise AttributeTextError("queue needs a name and one step at least")
    return Queue(check_name(words[0], "queue"), tuple(words[1:]))


def parse_generic(words: list[str]) -> Generic:
    """``generic NAME WORD …``."""
    if not words:
        raise AttributeTextError("generic needs a name")
    return Generic(check_name(words[0], "generic"), tuple(words[1:]))


def parse_state(word: str) -> State:
    """A state by its word."""
    state = STATES.get(word)
    if state is None:
        raise AttributeTextError(f"'{word}' is no state: {', '.join(STATES)}")
    return state


def parse_default_state(words: list[str]) -> tuple[State | None, bool]:
    """``defstatus STATE``: the state, and whether it is to be suspended instead."""
    if not words:
        raise AttributeTextError("defstatus needs a state, or 'suspended'")
    return (None, True) if words[0] == "suspended" else (parse_state(words[0]), False)


def parse_verify(words: list[str]) -> Verify:
    """``verify STATE:COUNT``."""
    if not words:
        raise AttributeTextError("verify needs STATE:COUNT")
    state, colon, count = words[0].partition(":")
    if not colon:
        raise AttributeTextError(f"'{words[0]}' is to be STATE:COUNT")
    return Verify(parse_state(state), parse_integer(count, "the count"))


def parse_zombie(words: list[str]) -> ZombieAttribute:
    """``zombie TYPE:ACTION:CHILDREN:LIFETIME``; an action or a lifetime is needed, a short lifetime becomes 60 s."""
    fields = words[0].split(":") if words else []
    if len(fields) < 2 or len(fields) > 4:
        raise AttributeTextError("zombie is to be TYPE:ACTION:CHILDREN:LIFETIME")
    zombie_type, action, children, lifetime = fields + [""] * (4 - len(fields))
    if zombie_type not in ZOMBIE_LIFETIMES_SECONDS:
        raise AttributeTextError(f"'{zombie_type}' is no zombie type: {', '.join(ZOMBIE_LIFETIMES_SECONDS)}")
    if action == "delete":
        action = "remove"
    if action and action not in ZOMBIE_ACTIONS:
        raise AttributeTextError(f"'{action}' is no zombie action: {', '.join(ZOMBIE_ACTIONS)}")
    commands = tuple(child for child in children.split(",") if child)
    for command in commands:
        if command not in CHILD_COMMANDS:
            raise AttributeTextError(f"'{command}' is no child command: {', '.join(CHILD_COMMANDS)}")
    if not action and not lifetime:
        raise AttributeTextError("a zombie attribute needs an action or a lifetime")
    seconds = parse_integer(lifetime, "the lifetime of a zombie, in seconds,") if lifetime else 0
    if seconds <= 0:
        seconds = ZOMBIE_LIFETIMES_SECONDS[zombie_type]
    return ZombieAttribute(zombie_type, action or "block", commands, max(seconds, _SHORTEST_ZOMBIE_LIFETIME_SECONDS))


def parse_autorestore(words: list[str]) -> AutoRestore:
    """``autorestore PATH …``."""
    if not words:
        raise AttributeTextError("autorestore needs one path at least")
    return AutoRestore(tuple(words))


def parse_aviso(text: str) -> Aviso:
    """``aviso --name N --listener '{…}' [--url U] [--schema S] [--polling P] [--revision R] [--auth A]``."""
    known = ("name", "listener", "url", "schema", "polling", "revision", "auth")
    values = _options(text, "aviso", known)
    for needed in ("name", "listener"):
        if not values.get(needed):
            raise AttributeTextError(f"aviso needs --{needed}")
    check_name(values["name"], "aviso")
    return Aviso(**values)


def parse_mirror(text: str) -> Mirror:
    """``mirror --name N --remote_path P [--remote_host H --remote_port N --polling P --ssl --remote_auth A]``."""
    known = ("name", "remote_path", "remote_host", "remote_port", "polling", "remote_auth")
    values = _options(text, "mirror", known, switches=("ssl",))
    for needed in ("name", "remote_path"):
        if not values.get(needed):
            raise AttributeTextError(f"mirror needs --{needed}")
    check_name(values["name"], "mirror")
    ssl = "ssl" in values
    values.pop("ssl", None)
    return Mirror(**values, ssl=ssl)


def _options(text: str, keyword: str, known: tuple[str, ...], switches: tuple[str, ...] = ()) -> dict[str, str]:
    values: dict[str, str] = {}
    words = iter(split_quoted(text))
    for word in words:
        name, equals, value = word[2:].partition("=")
        if not word.startswith("--") or (name not in known and name not in switches):
            allowed = ", ".join(f"--{option}" for option in (*known, *switches))
            raise AttributeTextError(f"{keyword} knows {allowed}, not '{word}'")
        if name in values:
            raise AttributeTextError(f"{keyword} has --{name} twice")
        if name in known and not equals:
            found = next(words, None)
            if found is None:
                raise AttributeTextError(f"the value of --{name} is missing")
            value = found
        values[name] = value
    return values
