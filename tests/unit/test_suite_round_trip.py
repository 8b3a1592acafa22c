"""Trees of all kinds go through text and come back the same."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidemill.flow.suite import attributes as a
from tidemill.flow.suite import repeats as r
from tidemill.flow.suite import times as t
from tidemill.flow.suite.compare import differences, same_tree
from tidemill.flow.suite.exceptions import TreeError
from tidemill.flow.suite.nodes import Alias, Defs, Family, Node, Submittable, Suite, Task
from tidemill.flow.suite.placing import add_attribute, set_clock, set_complete, set_end_clock, set_trigger
from tidemill.flow.suite.reader import make_expression, read_definition
from tidemill.flow.suite.states import Flag, ServerState, State
from tidemill.flow.suite.writer import Style, write_definition

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.]{0,5}", fullmatch=True)
WORDS = st.text(st.sampled_from("abz019_./:%'\"-é"), min_size=1, max_size=6)
LINES = st.text(st.sampled_from("ab1 '\"#;%\\/=é\t"), max_size=12).filter(lambda text: "\\n" not in text)
ITEMS = st.text(st.sampled_from("ab1 '#;%=é"), max_size=8) | st.text(st.sampled_from('ab1 \t"#;%=é'), max_size=8)
INTEGERS = st.integers(-1000, 1000)
MINUTES = st.integers(0, 1439)
DAYS = st.sampled_from([20200101, 20200229, 19991231, 20240315])
INSTANTS = st.integers(0, 4_000_000_000)
STATES = st.sampled_from(State)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))


@st.composite
def meters(draw: st.DrawFn) -> a.Meter:
    low, middle, high, value = sorted(draw(st.lists(INTEGERS, min_size=4, max_size=4)))
    return a.Meter(draw(NAMES), low, high if high > value else value, middle, draw(st.sampled_from([low, value])))


@st.composite
def series(draw: st.DrawFn) -> t.TimeSeries:
    start = draw(MINUTES)
    made = t.TimeSeries(start, relative=draw(st.booleans()))
    if start < 1400 and draw(st.booleans()):
        made.finish = draw(st.integers(start + 1, 1439))
        made.increment = draw(st.integers(1, made.finish - start))
        made.next_slot = draw(st.none() | st.integers(start + 1, 1439))
    made.valid = draw(st.booleans())
    made.relative_seconds = draw(st.integers(0, 100_000))
    return made


@st.composite
def queues(draw: st.DrawFn) -> a.Queue:
    steps = tuple(draw(st.lists(WORDS, min_size=1, max_size=3)))
    return a.Queue(
        draw(NAMES), steps, draw(st.integers(0, 3)), draw(st.lists(STATES, min_size=len(steps), max_size=len(steps)))
    )


@st.composite
def zombies(draw: st.DrawFn) -> a.ZombieAttribute:
    return a.ZombieAttribute(
        draw(st.sampled_from(["user", "ecf", "path", "ecf_pid", "ecf_passwd", "ecf_pid_passwd"])),
        draw(st.sampled_from(["fob", "fail", "adopt", "remove", "block", "kill"])),
        tuple(draw(st.lists(st.sampled_from(["init", "event", "complete"]), max_size=2))),
        draw(st.integers(60, 5000)),
    )


@st.composite
def limits(draw: st.DrawFn) -> a.Limit:
    paths = draw(st.sets(PATHS, max_size=2))
    return a.Limit(draw(NAMES), draw(INTEGERS), draw(st.integers(0, 5)), paths)


@st.composite
def inlimits(draw: st.DrawFn) -> a.InLimit:
    only, submission = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    return a.InLimit(draw(NAMES), draw(st.just("") | PATHS), draw(INTEGERS), only, submission, draw(st.booleans()))


@st.composite
def events(draw: st.DrawFn) -> a.Event:
    number = draw(st.none() | st.integers(0, 9))
    names = st.from_regex(r"[a-z]{1,4}", fullmatch=True).filter(lambda name: name != "set")
    name = draw(names if number is None else st.just("") | names)
    return a.Event(number, name, draw(st.booleans()), draw(st.booleans()))


def subsets(low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(low, high), max_size=3).map(tuple)


OPTIONAL_MINUTES = st.none() | MINUTES
REPEATS: list[st.SearchStrategy[Any]] = [
    st.builds(r.RepeatDate, NAMES, st.just(20200101), st.just(20200301), st.integers(1, 9), DAYS),
    st.builds(r.RepeatDate, NAMES, st.just(20200301), st.just(20200101), st.integers(-9, -1), DAYS),
    st.builds(r.RepeatInteger, NAMES, INTEGERS, INTEGERS, INTEGERS, INTEGERS),
    st.builds(r.RepeatDateTime, NAMES, st.just(0), INSTANTS, st.integers(1, 1_000_000), INSTANTS),
    st.builds(r.RepeatDay, INTEGERS),
    *(
        st.builds(kind, NAMES, st.lists(items, min_size=1, max_size=3).map(tuple), st.integers(0, 4))
        for kind, items in [
            (r.RepeatEnumerated, ITEMS),
            (r.RepeatString, ITEMS),
            (r.RepeatDateList, DAYS.map(str)),
            (r.RepeatDateTimeList, st.just("20200101T120000")),
        ]
    ),
]
ATTRIBUTES: list[st.SearchStrategy[Any]] = [
    st.builds(a.Variable, NAMES, LINES),
    events(),
    meters(),
    st.builds(a.Label, NAMES, LINES, LINES),
    limits(),
    inlimits(),
    queues(),
    st.builds(a.Generic, NAMES, st.lists(WORDS, max_size=3).map(tuple)),
    st.builds(a.Verify, STATES, INTEGERS, INTEGERS),
    zombies(),
    st.builds(a.Late, OPTIONAL_MINUTES, OPTIONAL_MINUTES, MINUTES, st.booleans(), st.booleans()),
    st.builds(a.AutoCancel, st.integers(0, 400)),
    st.builds(a.AutoCancel, st.none(), MINUTES, st.booleans()),
    st.builds(a.AutoArchive, st.none(), MINUTES, st.booleans(), st.booleans()),
    st.builds(a.AutoRestore, st.lists(PATHS, min_size=1, max_size=3).map(tuple)),
    st.builds(
        a.Aviso, NAMES, st.just('{ "event": "x", "n": [0, 1] }'), WORDS.filter(lambda word: word[0] not in "'\"")
    ),
    st.builds(a.Mirror, NAMES, PATHS, st.just("%HOST%"), st.just("3141"), st.just(""), st.booleans()),
    st.builds(t.Time, series(), st.booleans()),
    st.builds(t.Today, series(), st.booleans()),
    st.builds(
        t.Cron, series(), st.booleans(), subsets(0, 3), subsets(4, 6), subsets(1, 31), st.booleans(), subsets(1, 12)
    ),
    st.builds(t.Date, st.integers(0, 28), st.integers(0, 12), st.sampled_from([0, 2020]), st.booleans()),
    st.builds(t.Day, st.integers(0, 6), st.booleans(), st.booleans(), st.none() | st.just((2026, 11, 23))),
    *REPEATS,
]
PARTS = st.lists(
    st.sampled_from(["1 == 1", "x == complete", "../a:b > 3 and not (c<flag>late or 1)", ":V eq 2"]),
    min_size=1,
    max_size=3,
)


@st.composite
def expressions(draw: st.DrawFn) -> a.Expression:
    texts = draw(PARTS)
    joiners = ["", *(draw(st.sampled_from(["and", "or"])) for _ in texts[1:])]
    return make_expression(
        tuple(a.Part(text, joiner) for text, joiner in zip(texts, joiners, strict=True)), draw(st.booleans())
    )


def furnish(draw: st.DrawFn, node: Node) -> None:
    """Give a node attributes and a state; what it does not take is left out."""
    for attribute in draw(st.lists(st.one_of(ATTRIBUTES), max_size=5)):
        try:
            add_attribute(node, attribute)
        except TreeError:
            continue
    if not isinstance(node, Suite):
        if draw(st.booleans()):
            set_trigger(node, draw(expressions()))
        if draw(st.booleans()):
            set_complete(node, draw(expressions()))
    node.default_state = draw(st.none() | STATES.filter(lambda state: state is not State.QUEUED))
    node.default_suspended = node.default_state is None and draw(st.booleans())
    node.state, node.suspended = draw(STATES), draw(st.booleans())
    node.flags = frozenset(draw(st.sets(st.sampled_from(Flag), max_size=3)))
    node.state_changed_seconds, node.run_time_seconds = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
    if isinstance(node, Submittable):
        node.try_number = draw(st.integers(0, 3))
        node.password, node.process_id = draw(st.just("") | st.just("x.Y/z")), draw(st.just("") | st.just("77"))
        node.aborted_reason = draw(LINES)


def clocks(draw: st.DrawFn, suite: Suite) -> None:
    dated = draw(st.none() | st.just((1, 2, 2020)))
    set_clock(suite, a.Clock(draw(st.booleans()), dated, draw(st.integers(-9999, 9999)), False, draw(st.booleans())))
    if draw(st.booleans()):
        set_end_clock(suite, a.Clock(date=(3, 3, 2030)))
    suite.begun = draw(st.booleans())
    suite.calendar = draw(
        st.none()
        | st.builds(
            a.CalendarState, INSTANTS, INSTANTS, st.integers(0, 10**6), INSTANTS, INSTANTS, st.just(60), st.booleans()
        )
    )


@st.composite
def trees(draw: st.DrawFn) -> Defs:
    defs = Defs(server_state=draw(st.sampled_from(ServerState)), state=draw(STATES), saved_style="MIGRATE")
    defs.externs = draw(st.lists(PATHS, max_size=2, unique=True))
    defs.user_variables = draw(
        st.dictionaries(NAMES, LINES.filter(lambda text: not text.endswith("# server")), max_size=2)
    )
    defs.server_variables = draw(st.dictionaries(NAMES, LINES, max_size=2))
    defs.edit_history = draw(
        st.dictionaries(PATHS, st.lists(st.just("MSG:[1] --run /s"), min_size=1, max_size=2), max_size=2)
    )
    for name in draw(st.lists(NAMES, max_size=2, unique=True)):
        suite = Suite(name)
        defs.add_suite(suite)
        furnish(draw, suite)
        if draw(st.booleans()):
            clocks(draw, suite)
        holders: list[Node] = [suite]
        for child in draw(st.lists(NAMES, max_size=4, unique=True)):
            node = draw(st.sampled_from([Task, Family]))(child)
            draw(st.sampled_from(holders)).add_child(node)
            furnish(draw, node)
            if isinstance(node, Family):
                holders.append(node)
            elif draw(st.booleans()):
                node.add_child(Alias("alias0"))
                furnish(draw, node.children[0])
                node.alias_number = 1
    return defs


@settings(deadline=None, max_examples=40)
@given(trees())
def test_a_checkpoint_loses_nothing(defs: Defs) -> None:
    """What is written in the style of a checkpoint comes back with every state and value."""
    for node in defs.walk():
        assume(all('" # "' not in f"{label.value}" for label in node.labels))  # the separator itself, in a label
    again = read_definition(write_definition(defs, Style.MIGRATE))
    assert list(differences(defs, again)) == []
    assert write_definition(again, Style.MIGRATE) == write_definition(defs, Style.MIGRATE)


@settings(deadline=None, max_examples=40)
@given(trees())
def test_a_definition_loses_nothing_that_was_defined(defs: Defs) -> None:
    """What is written as a definition comes back with all that was defined, and none of the state."""
    for node in defs.walk():
        texts = [*node.variables.values(), *(label.value for label in node.labels)]
        assume(not any("#" in text and ("'" in text or '"' in text) for text in texts))  # could be a comment
        items = getattr(node.repeat, "items", ())
        assume(not any(";" in item and ("'" in item or '"' in item) for item in items))  # could end the statement
    again = read_definition(write_definition(defs, Style.DEFS))
    assert list(differences(defs, again, with_state=False)) == []
    assert all(node.state is State.UNKNOWN for node in again.walk())


def test_what_differs_is_named() -> None:
    """Trees that are not the same are told apart, in a sentence that names node and attribute."""
    first, second = (read_definition(f"suite s\ntask t\nmeter m 0 {maximum}") for maximum in (10, 11))
    assert not same_tree(first, second)
    assert next(differences(first, second)).startswith("/s/t: meters is ")
