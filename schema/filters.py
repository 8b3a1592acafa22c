"""Which elements a query means: patterns of IDs, states, depths; and in which order (Cylc 8.5 behaviour, except that
``isRunahead`` filters too)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..contact.exceptions import IdentifierError
from ..contact.identifiers import Identifier, is_glob, matches, parse_identifier
from .exceptions import QueryError

Arguments = Mapping[str, Any]
Test = Callable[[Any], bool]

_NAMESPACE = "$namespace|"


def is_workflow(pattern: str, *, owner: str, name: str, status: str) -> bool:
    """Whether a pattern means the workflow: ``name``, ``~owner/name``, each as a glob, with ``:status`` or not."""
    pattern, _, selector = pattern.rstrip("/").partition(":")
    if selector and selector != status:
        return False
    if pattern.startswith("~"):
        return matches(pattern, f"~{owner}/{name}")
    return matches(pattern, name)


def select(
    elements: Iterable[Any], arguments: Arguments, *, identify: Callable[[str], Test], depth: str = "depth"
) -> list[Any]:
    """The elements that the arguments of a query let through, in their order.

    Args:
        elements: Any of one type.
        arguments: As the schema has them; those of other types may be missing.
        identify: Makes a test of an ID pattern.
        depth: How to reach the depth in the family tree: an attribute, or a path of two.

    Raises:
        QueryError: An ID makes no sense.
    """
    for test in _tests(arguments, identify, depth):
        elements = [element for element in elements if test(element)]
    return elements if isinstance(elements, list) else list(elements)


def _tests(arguments: Arguments, identify: Callable[[str], Test], depth: str) -> list[Test]:
    get = arguments.get
    tests: list[Test] = []
    # The cheap ones first: they leave fewer elements for the patterns.
    states = get("states")
    if states:
        wanted = frozenset(states)
        tests.append(lambda element: element.state in wanted)
    exstates = get("exstates")
    if exstates:
        unwanted = frozenset(exstates)
        tests.append(lambda element: element.state not in unwanted)
    held, queued, runahead = get("isHeld"), get("isQueued"), get("isRunahead")
    if held is not None:
        tests.append(lambda element: element.is_held is held)
    if queued is not None:
        tests.append(lambda element: element.is_queued is queued)
    if runahead is not None:
        tests.append(lambda element: element.is_runahead is runahead)
    graph_depth = get("graphDepth")
    if graph_depth is not None and graph_depth >= 0:
        tests.append(lambda element: element.graph_depth <= graph_depth)
    lowest, highest = get("mindepth"), get("maxdepth")
    if lowest is not None and lowest >= 0:
        tests.append(_depth_test(depth, lambda value: value >= lowest))
    if highest is not None and highest >= 0:
        tests.append(_depth_test(depth, lambda value: value <= highest))
    ids = [id for id in get("ids") or () if id is not None]
    if ids:
        tests.append(_any([identify(id) for id in ids]))
    exids = [id for id in get("exids") or () if id is not None]
    if exids:
        excluded = _any([identify(id) for id in exids])
        tests.append(lambda element: not excluded(element))
    return tests


def _depth_test(path: str, accepts: Callable[[int], bool]) -> Test:
    first, _, second = path.partition(".")
    if second:
        return lambda element: accepts(getattr(getattr(element, first), second))
    return lambda element: accepts(getattr(element, first))


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda element: any(test(element) for test in tests)


# -- what an ID means --------------------------------------------------------------------------------------------------


class Patterns:
    """Makes tests of ID patterns for one workflow."""

    def __init__(self, owner: str, name: str) -> None:
        self._owner = owner
        self._name = name

    def instance(self, text: str) -> Test:
        """Tasks or families at cycle points: ``cycle``, ``cycle/name``, patterns of them, ``:state``."""
        pattern = self.parse(text)
        if pattern is None:
            return _nothing
        cycle, name = pattern.cycle or "*", pattern.task
        state = pattern.task_selector or pattern.cycle_selector
        if name is None:
            return lambda element: matches(cycle, element.cycle_point) and _has_state(element, state)
        if not is_glob(cycle) and not is_glob(name):
            return lambda element: element.name == name and element.cycle_point == cycle and _has_state(element, state)
        return lambda element: (
            matches(name, element.name) and matches(cycle, element.cycle_point) and _has_state(element, state)
        )

    def job(self, text: str) -> Test:
        """Jobs: as `instance`, with ``/NN`` or not; ``NN`` itself is the latest."""
        pattern = self.parse(text)
        if pattern is None:
            return _nothing
        cycle, name, job = pattern.cycle or "*", pattern.task or "*", pattern.job
        state = pattern.job_selector or pattern.task_selector or pattern.cycle_selector

        def test(element: Any) -> bool:
            proxy = element.task_proxy
            if not (matches(cycle, proxy.cycle_point) and matches(name, proxy.name)):
                return False
            if job == "NN":
                if proxy.jobs[-1] is not element:
                    return False
            elif job is not None and not matches(job, f"{element.submit_num:02d}"):
                return False
            return _has_state(element, state)

        return test

    def definition(self, text: str) -> Test:
        """Tasks or families as defined: names or patterns, with or without ``$namespace|`` before."""
        pattern = self.parse(text)
        if pattern is None:
            return _nothing
        name = (pattern.task or pattern.cycle or "*").removeprefix(_NAMESPACE)
        return lambda element: matches(name, element.name)

    def edge(self, text: str) -> Test:
        """Edges: the ID, or a pattern of it."""
        _, found, rest = text.partition("//")
        pattern = rest if found else text
        return lambda element: matches(pattern, element.id.partition("//")[2])

    def parse(self, text: str) -> Identifier | None:
        """An ID in parts; None if it is of another workflow."""
        try:
            pattern = parse_identifier(text, relative="//" not in text)
        except IdentifierError as error:
            raise QueryError(str(error)) from None
        if pattern.user is not None and not matches(pattern.user, self._owner):
            return None
        if pattern.workflow is not None and not matches(pattern.workflow, self._name):
            return None
        return pattern


def _nothing(element: Any) -> bool:
    return False


def _has_state(element: Any, state: str | None) -> bool:
    return state is None or matches(state, element.state)


# -- order -------------------------------------------------------------------------------------------------------------


def in_order(elements: list[Any], sort: Arguments | None, getters: Mapping[str, Callable[[Any], Any]]) -> list[Any]:
    """Elements sorted as ``sort`` asks: by fields of the schema, named as there or in snake case.

    Raises:
        QueryError: There is no such field.
    """
    if not sort:
        return elements
    keys = [key for key in sort.get("keys") or ["id"] if key is not None]
    unknown = [key for key in keys if _camel(key) not in getters]
    if unknown:
        raise QueryError(f"Cannot sort by {', '.join(unknown)}; fields to sort by are {', '.join(sorted(getters))}")
    chosen = [getters[_camel(key)] for key in keys]
    reverse = bool(sort.get("reverse"))
    if len(chosen) == 1:
        return sorted(elements, key=chosen[0], reverse=reverse)
    return sorted(elements, key=lambda element: [getter(element) for getter in chosen], reverse=reverse)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
