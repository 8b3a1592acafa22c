"""What a checkpoint says after ``#``: the state of nodes, of attributes and of the server, put where it belongs."""

from __future__ import annotations

import re
from collections.abc import Callable

from .attributes import CalendarState, Event, InLimit, Late, Limit, Meter, Queue, Verify
from .exceptions import AttributeTextError
from .nodes import Defs, Node, Submittable, Suite, Task
from .repeats import (
    Repeat,
    RepeatDate,
    RepeatDateList,
    RepeatDateTime,
    RepeatDateTimeList,
    RepeatEnumerated,
    RepeatInteger,
    RepeatList,
    RepeatString,
    parse_instant,
)
from .states import STATES, Flag, ServerState, State
from .times import MONTH_NAMES, Cron, Date, Day, Time, Today, instant_of

_ABORTED_REASON = re.compile(r"abort<:(.*)>abort", re.DOTALL)
_CLOCK = re.compile(r"(\d+):(\d\d)(?::(\d\d))?\Z")
_MOMENT = re.compile(r"(\d{4})-(\w{3})-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?")
_CALENDAR_FIELD = re.compile(r"([A-Za-z]+):(.*?)(?= [A-Za-z]+:|$)")


def read_node_state(node: Node, comment: str) -> None:
    """The state of a node: ``begun:1 state:active dur:00:00:01 flag:late,message suspended:1 …``."""
    if "abort<:" in comment:
        match = _ABORTED_REASON.search(comment)
        if match is not None:
            if isinstance(node, Submittable):
                node.aborted_reason = match[1]
            comment = comment[: match.start()] + comment[match.end() :]
    for word in comment.split():
        key, _, value = word.partition(":")
        if key == "state":
            node.state = _state(value)
        elif key == "flag":
            node.flags = read_flags(value)
        elif key == "dur":
            node.state_changed_seconds = _seconds(value)
        elif key == "rt":
            node.run_time_seconds = _seconds(value)
        elif key == "suspended":
            node.suspended = value == "1"
        elif isinstance(node, Suite):
            if key == "begun":
                node.begun = value == "1"
        elif isinstance(node, Submittable):
            if key == "passwd":
                node.password = value
            elif key == "rid":
                node.process_id = value
            elif key == "try":
                node.try_number = int(value) if value.isdecimal() else 0
            elif key == "alias_no" and isinstance(node, Task):
                node.alias_number = int(value) if value.isdecimal() else 0


def read_flags(text: str) -> frozenset[Flag]:
    """``late,message`` as flags; words no one knows are left out, so that newer checkpoints can be read."""
    return frozenset(_FLAGS[word] for word in text.split(",") if word in _FLAGS)


def read_defs_state(defs: Defs, words: list[str]) -> None:
    """``defs_state MIGRATE state>:queued flag:… state_change:7 modify_change:1 server_state:HALTED cal_count:3``."""
    if not words or words[0] not in ("STATE", "MIGRATE", "NET"):
        raise AttributeTextError("defs_state is to be followed by STATE, MIGRATE or NET")
    defs.saved_style = words[0]
    defs.server_state = ServerState.RUNNING
    for word in words[1:]:
        key, _, value = word.partition(":")
        if key in ("state>", "state"):
            defs.state = _state(value)
        elif key == "flag":
            defs.flags = read_flags(value)
        elif key == "state_change" and value.isdecimal():
            defs.state_change_number = int(value)
        elif key == "modify_change" and value.isdecimal():
            defs.modify_change_number = int(value)
        elif key == "cal_count" and value.isdecimal():
            defs.calendar_updates = int(value)
        elif key == "server_state" and value in ServerState.__members__:
            defs.server_state = ServerState(value)


def read_calendar(text: str) -> CalendarState:
    """``initTime:2020-Feb-01 01:00:00 suiteTime:… duration:00:00:00 initLocalTime:… lastTime:… …``."""
    calendar = CalendarState(0, 0, 0, 0, 0)
    for key, value in _CALENDAR_FIELD.findall(text):
        name = _CALENDAR_MOMENTS.get(key)
        if name is not None:
            setattr(calendar, name, _moment(value))
        elif key == "duration":
            calendar.duration_seconds = _seconds(value)
        elif key == "calendarIncrement":
            calendar.increment_seconds = _seconds(value)
        elif key == "dayChanged":
            calendar.day_changed = value.strip() == "1"
    return calendar


def read_attribute_state(attribute: object, comment: str) -> None:
    """The state of an attribute, as its `state_comment` says it; what cannot be understood is left alone."""
    reader = _READERS.get(type(attribute))
    words = comment.split()
    if reader is not None and words:
        reader(attribute, words)


def _state(word: str) -> State:
    state = STATES.get(word)
    if state is None:
        raise AttributeTextError(f"'{word}' is no state")
    return state


def _seconds(text: str) -> int:
    match = _CLOCK.match(text.partition(".")[0].strip())
    if match is None:
        raise AttributeTextError(f"'{text}' is no duration: HH:MM:SS")
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)


def _moment(text: str) -> int:
    match = _MOMENT.match(text.strip())
    if match is None or match[2] not in MONTH_NAMES:
        if "not-a-date-time" in text:
            return 0
        raise AttributeTextError(f"'{text}' is no moment: 2020-Feb-01 12:00:00")
    year, month, day = int(match[1]), MONTH_NAMES.index(match[2]) + 1, int(match[3])
    return instant_of(year, month, day) + int(match[4]) * 3600 + int(match[5]) * 60 + int(match[6])


def _event(event: Event, words: list[str]) -> None:
    if words[0] in ("set", "clear"):
        event.value = words[0] == "set"


def _meter(meter: Meter, words: list[str]) -> None:
    meter.value = _integer(words[0], meter.value)


def _integer(text: str, otherwise: int) -> int:
    try:
        return int(text)
    except ValueError:
        return otherwise


def _limit(limit: Limit, words: list[str]) -> None:
    limit.value = _integer(words[0], limit.value)
    limit.paths = {word for word in words[1:] if word.startswith("/")}


def _inlimit(inlimit: InLimit, words: list[str]) -> None:
    inlimit.incremented = "incremented:1" in words


def _queue(queue: Queue, words: list[str]) -> None:
    queue.index = _integer(words[0], queue.index)
    states = [STATES[word] for word in words[1:] if word in STATES]
    if len(states) == len(queue.steps):
        queue.states = states


def _verify(verify: Verify, words: list[str]) -> None:
    verify.actual = _integer(words[0], verify.actual)


def _late(late: Late, words: list[str]) -> None:
    late.is_late = words[0] == "late"


def _time(time: Time, words: list[str]) -> None:
    time.free = "free" in words
    for word in words:
        if word == "isValid:false":
            time.series.valid = False
        elif word.startswith("nextTimeSlot/"):
            time.series.next_slot = _seconds(word[13:]) // 60
        elif word.startswith("relativeDuration/"):
            time.series.relative_seconds = _seconds(word[17:])


def _date(date: Date, words: list[str]) -> None:
    date.free = "free" in words


def _day(day: Day, words: list[str]) -> None:
    day.free = "free" in words
    day.expired = "expired" in words
    for word in words:
        year, _, rest = word.removeprefix("date:").partition("-")
        month, _, number = rest.partition("-")
        if word.startswith("date:") and month in MONTH_NAMES:
            day.date = (int(year), MONTH_NAMES.index(month) + 1, int(number))


def _repeat(repeat: Repeat, words: list[str]) -> None:
    if isinstance(repeat, RepeatDateTime):
        repeat.value = parse_instant(words[0]) if "T" in words[0] else _integer(words[0], repeat.value)
    elif isinstance(repeat, RepeatDate | RepeatInteger):
        repeat.value = _integer(words[0], repeat.value)
    elif isinstance(repeat, RepeatList):
        repeat.index = _integer(words[0], repeat.index)


_FLAGS = {flag.value: flag for flag in Flag}
_CALENDAR_MOMENTS = {
    "initTime": "initial_time",
    "suiteTime": "suite_time",
    "initLocalTime": "initial_local_time",
    "lastTime": "last_time",
}
_READERS: dict[type, Callable[..., None]] = {
    Event: _event,
    Meter: _meter,
    Limit: _limit,
    InLimit: _inlimit,
    Queue: _queue,
    Verify: _verify,
    Late: _late,
    **dict.fromkeys([Time, Today, Cron], _time),
    Date: _date,
    Day: _day,
    RepeatDate: _repeat,
    RepeatDateTime: _repeat,
    RepeatInteger: _repeat,
    **dict.fromkeys([RepeatEnumerated, RepeatString, RepeatDateList, RepeatDateTimeList], _repeat),
}
