"""What a query may cost: what is refused before it costs anything, and what is not answered at once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import Start
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.picture import Picture
from tidemill.schema.exceptions import QueryError
from tidemill.schema.execute import MOST_FIELDS, SHORT_TEXT, answer_at_once, answer_in_full, execute, prepare

FLOW = """
[scheduler]
    allow implicit tasks = True
[task parameters]
    i = 1..80
[scheduling]
    [[graph]]
        R1 = t<i>
"""
ROUND = "{taskProxies{id firstParent{childTasks{id firstParent{childTasks{id state}}}}}}"
WIDE = "{taskProxies{" + " ".join(f"a{number}: name" for number in range(60)) + "}}"


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """A run of 80 tasks."""
    (tmp_path / "flow.cylc").write_text(FLOW)
    engine = Engine(build_definition(load_config(str(tmp_path)), now=1e9), options=EngineOptions())
    engine.handle(Start(1e6))
    while not engine.advance(500):
        pass
    engine.take()
    return Picture.from_engine(engine, WorkflowIdentity("ada", "tide"))


def test_what_is_asked_has_a_limit() -> None:
    """More fields than any client needs are refused, however few words ask for them."""
    with pytest.raises(QueryError, match="more than 1000 fields"):
        prepare("{taskProxies{%s}}" % ("id " * (MOST_FIELDS + 1)))
    doubled = "".join(f"fragment f{n} on TaskProxy {{ ...f{n + 1} ...f{n + 1} }} " for n in range(40))
    with pytest.raises(QueryError, match="more than 1000 fields"):
        prepare("{taskProxies{...f0}} " + doubled + "fragment f40 on TaskProxy { id }")
    with pytest.raises(QueryError, match="f0"):
        prepare("{taskProxies{...f0}} fragment f0 on TaskProxy { id ...f0 }")


async def test_a_large_answer_is_not_given_at_once(picture: Picture) -> None:
    """Lists within lists go to a copy, the first time they turn out large and from then on; the answer is the same."""
    assert answer_at_once(picture, "{taskProxies{id}}") is not None
    assert answer_at_once(picture, ROUND) is None
    assert prepare(ROUND).is_heavy
    data = await execute(picture, "{taskProxies{id firstParent{childTasks{id state}}}}")
    full = answer_in_full(picture, "{taskProxies{id firstParent{childTasks{id state}}}}")
    assert msgspec.json.decode(full) == data
    assert len(msgspec.json.decode(answer_in_full(picture, ROUND))["taskProxies"]) == 80


async def test_what_takes_the_general_way_is_not_answered_at_once(picture: Picture) -> None:
    """Introspection, and what is long to read and was not read yet, are left to a copy and a thread; the answer is the
    same."""
    introspection = "{__schema{types{name}}}"
    assert answer_at_once(picture, introspection) is None
    assert msgspec.json.decode(answer_in_full(picture, introspection)) == await execute(picture, introspection)
    assert len(WIDE) > SHORT_TEXT
    assert answer_at_once(picture, WIDE) is None
    prepare(WIDE)
    assert answer_at_once(picture, WIDE) is not None


def test_a_copy_changes_nothing(picture: Picture) -> None:
    """A mutation is refused where only a copy would be changed."""
    with pytest.raises(QueryError, match="Only queries"):
        answer_in_full(picture, 'mutation { pause(workflows: ["*"]) { result } }')
