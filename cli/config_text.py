"""A configuration as plain data and as the text it could have been written as."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..flow.language.definition import XtriggerDefinition
from ..flow.language.globals import GLOBAL_SPECIFICATION, GlobalConfig
from ..flow.language.items import SPECIFICATION
from ..flow.language.specification import Item, Specification
from ..flow.language.values import INTERVAL, INTERVAL_LIST
from .exceptions import InputError

if TYPE_CHECKING:
    from ..flow.language.config import WorkflowConfig

Plain = dict[str, Any]
_UNITS = ((86400, "D"), (3600, "H"), (60, "M"))


def workflow_data(config: WorkflowConfig, *, defaults: bool = False) -> Plain:
    """A workflow's configuration as nested plain data, runtime inheritance applied.

    Arguments:
        defaults: with what the workflow leaves unset; None where there is no default.
    """
    items = plain(config.items, SPECIFICATION) if defaults else _written(config.items, SPECIFICATION, (), config)
    data: Plain = {}
    for name in ("meta", "scheduler"):
        if items.get(name):
            data[name] = items[name]
    if config.parameters:
        data["task parameters"] = {name: list(values) for name, values in config.parameters.items()}
        data["task parameters"]["templates"] = dict(config.parameter_templates)
    data["scheduling"] = items.get("scheduling", {})
    graphs: dict[str, list[str]] = {}
    for graph in config.graphs:
        graphs.setdefault(graph.recurrence, []).append(graph.text.strip("\n"))
    data["scheduling"]["graph"] = {recurrence: "\n".join(texts) for recurrence, texts in graphs.items()}
    data["runtime"] = {}
    specification = SPECIFICATION.section("runtime", "<namespace>")
    for namespace in config.runtime:
        settings: Plain = dict(config.runtime[namespace])
        if defaults:
            settings = _overlay(config.runtime_defaults, settings)
        data["runtime"][namespace] = plain(settings, specification)
    return data


def global_data(config: GlobalConfig) -> Plain:
    """The site's configuration as nested plain data, with defaults."""
    found: Plain = plain(config.items, GLOBAL_SPECIFICATION)
    return found


def plain(value: Any, specification: Specification | Item | None) -> Any:
    """A typed value as plain data: durations as ISO 8601 text, calls as they are written."""
    if isinstance(value, Mapping):
        section = specification if isinstance(specification, Specification) else None
        return {name: plain(inner, section.find(name) if section else None) for name, inner in value.items()}
    kind = specification.type if isinstance(specification, Item) else None
    if isinstance(value, XtriggerDefinition):
        return xtrigger_text(value)
    if kind is INTERVAL and isinstance(value, int | float):
        return duration_text(value)
    if kind is INTERVAL_LIST and isinstance(value, list | tuple):
        return [duration_text(part) for part in value]
    return list(value) if isinstance(value, tuple) else value


def item_of(data: Plain, path: str) -> Any:
    """One item or section of plain data, by a path such as ``[runtime][foo]script``.

    Raises:
        InputError: it is not there.
    """
    names = re.findall(r"\[([^\]]*)\]", path)
    last = path.rpartition("]")[2].strip()
    found: Any = data
    for name in [*(name.strip() for name in names), *([last] if last else [])]:
        if not isinstance(found, dict) or name not in found:
            raise InputError(f"{path} is not set")
        found = found[name]
    return found


def lines(data: Plain, *, depth: int = 0, null: str = "") -> Iterator[str]:
    """Plain data as the lines of a configuration file.

    Arguments:
        depth: how many sections the data lie in: headings get that many more brackets, but no indentation.
        null: what to write where a value is unset.
    """
    return _lines(data, depth, 0, null)


def _lines(data: Plain, depth: int, level: int, null: str) -> Iterator[str]:
    indent = "    " * level
    for name, value in data.items():
        if not isinstance(value, dict):
            yield f"{indent}{name} = {value_text(value, indent=indent, null=null)}"
    for name, value in data.items():
        if isinstance(value, dict):
            brackets = depth + level + 1
            yield f"{indent}{'[' * brackets}{name}{']' * brackets}"
            yield from _lines(value, depth, level + 1, null)


def value_text(value: Any, *, indent: str = "", null: str = "") -> str:
    """One plain value as it is written behind the ``=``."""
    if value is None:
        return null
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    text = str(value)
    if "\n" in text:
        inner = "\n".join(f"{indent}    {line}".rstrip() for line in text.strip("\n").split("\n"))
        return f'"""\n{inner}\n{indent}"""'
    return text


def duration_text(seconds: float) -> str:
    """Seconds as an ISO 8601 duration: ``PT1M30S``."""
    sign = "-" if seconds < 0 else ""
    rest = abs(seconds)
    days = hours = ""
    for size, letter in _UNITS:
        count, rest = divmod(rest, size)
        if count and letter == "D":
            days = f"{count:.0f}D"
        elif count:
            hours += f"{count:.0f}{letter}"
    if rest or not (days or hours):
        hours += f"{rest:g}S"
    return f"{sign}P{days}{'T' if hours else ''}{hours}"


def xtrigger_text(xtrigger: XtriggerDefinition) -> str:
    """A trigger function as it is written."""
    arguments = [str(value) for value in xtrigger.args]
    arguments += [f"{name}={value}" for name, value in xtrigger.kwargs.items()]
    return f"{xtrigger.function}({', '.join(arguments)}):{duration_text(xtrigger.interval_seconds)}"


def _written(
    values: Mapping[str, Any], specification: Specification, path: tuple[str, ...], config: WorkflowConfig
) -> Plain:
    data: Plain = {}
    for name, value in values.items():
        here = (*path, name)
        kind = specification.find(name)
        if isinstance(value, Mapping):
            inner = _written(value, kind, here, config) if isinstance(kind, Specification) else dict(value)
            if inner:
                data[name] = inner
        elif config.where(*here) is not None:
            data[name] = plain(value, kind)
    return data


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> Plain:
    data: Plain = {}
    for name in dict.fromkeys([*above, *below]):
        over, under = above.get(name), below.get(name)
        if isinstance(over, Mapping) or isinstance(under, Mapping):
            data[name] = _overlay(under or {}, over or {})
        else:
            data[name] = over if name in above else under
    return data
