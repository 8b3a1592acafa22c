"""The ``[runtime]`` section: headings to namespaces, parameters expanded, inheritance applied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from .exceptions import ConfigError, InheritanceError, LanguageError
from .inheritance import linearise
from .items import RUNTIME_SPECIFICATION
from .parameters import ParameterValue, expand_name, resolve_name
from .sections import Entry, Section
from .source import Location
from .specification import validate, where_written

Settings = dict[str, Any]

_NAME = re.compile(r"\w[\w\-+%@]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_OUTPUT = re.compile(r"[\w\-]+\Z")
_HEADING_COMMA = re.compile(r",(?![^<]*>)")

_QUALIFIERS = frozenset(
    [
        "succeeded",
        "succeed",
        "failed",
        "fail",
        "started",
        "start",
        "submitted",
        "submit",
        "submit-failed",
        "submit-fail",
        "expired",
        "expire",
        "finished",
        "finish",
    ]
)
_RESERVED_OUTPUTS = _QUALIFIERS | frozenset(
    ["waiting", "preparing", "running", "required", "optional", "all", "and", "or", "skip"]
)


class Namespaces(Struct, eq=False):
    """Everything `read_runtime` finds out; see the fields of the same names in `WorkflowConfig`."""

    runtime: dict[str, Settings] = {}
    ancestors: dict[str, tuple[str, ...]] = {}
    first_parents: dict[str, str | None] = {}
    parameters: dict[str, dict[str, ParameterValue]] = {}
    headings: dict[str, list[Section]] = {}


def read_runtime(
    tree: Section, parameters: Mapping[str, tuple[ParameterValue, ...]], templates: Mapping[str, str]
) -> Namespaces:
    """Read ``[runtime]`` of a parsed file.

    Args:
        tree: The parsed file.
        parameters: Values of the task parameters.
        templates: A template for each of them.

    Raises:
        ConfigError: A bad name, item or value.
        InheritanceError: An undefined or circular parent.
    """
    runtime = tree.children.get("runtime")
    result = Namespaces()
    own: dict[str, Settings] = {"root": {}}
    if isinstance(runtime, Section):
        for heading in runtime.children.values():
            if isinstance(heading, Entry):
                raise ConfigError(
                    f"[runtime]{heading.key} is not known",
                    location=heading.location,
                    hint=f"Did you mean a namespace? Write it as a heading: [[{heading.key}]]",
                )
            _read_heading(heading, parameters, templates, own, result)
    parents = _parents(own, result, parameters, templates)

    def where(name: str) -> Location | None:
        return _where(result, name, "inherit")

    orders = linearise(parents, where=where)
    result.ancestors = {name: orders[name] for name in own}
    _inherit_parameters(result)
    merged: dict[str, Settings] = {}
    for name in own:
        _merge_ancestors(name, own, parents, orders, merged)
    for name in own:
        result.runtime[name] = _finish(name, merged[name], result)
    return result


def _where(result: Namespaces, *path: str) -> Location | None:
    for heading in reversed(result.headings.get(path[0], ())):
        location = where_written(heading, path[1:])
        if location is not None:
            return location
    return None


def _read_heading(
    heading: Section,
    parameters: Mapping[str, tuple[ParameterValue, ...]],
    templates: Mapping[str, str],
    own: dict[str, Settings],
    result: Namespaces,
) -> None:
    settings = validate(heading, RUNTIME_SPECIFICATION, ("runtime", heading.name))
    _check_names(heading, settings)
    old_templates = settings.pop("parameter environment templates", None)
    if old_templates:
        settings["environment"] = {**old_templates, **settings.get("environment", {})}
    names = (heading.name,) if "," not in heading.name else _HEADING_COMMA.split(heading.name)
    if not any(name.strip() for name in names):
        raise ConfigError(f"no name in heading [[{heading.name}]]", location=heading.location)
    for name in names:
        name = name.strip()
        if not name:
            continue
        try:
            expanded = expand_name(name, parameters, templates)
        except LanguageError as error:
            raise error.at(heading.location) from None
        for full_name, values in expanded:
            if full_name not in own:
                _check_namespace(full_name, heading)
                own[full_name] = settings
            else:
                own[full_name] = _overlay(own[full_name], settings) if own[full_name] else settings
            result.headings.setdefault(full_name, []).append(heading)
            if values:
                result.parameters.setdefault(full_name, {}).update(values)


def _check_namespace(name: str, heading: Section) -> None:
    if not _NAME.match(name):
        raise ConfigError(
            f"not a valid task or family name: {name!r}",
            location=heading.location,
            hint="It starts with a letter, digit or _, and goes on with these and - + % @.",
        )
    if name.startswith("_cylc"):
        raise ConfigError(f"names starting with _cylc are reserved: {name}", location=heading.location)


def _check_names(heading: Section, settings: Settings) -> None:
    """Names of environment variables and outputs, and output messages."""
    environment = settings.get("environment")
    if environment:
        for name in environment:
            if not _VARIABLE.match(name):
                raise ConfigError(
                    f"not a valid environment variable name: {name!r}",
                    location=where_written(heading, ("environment", name)),
                    hint="Letters, digits and _ are allowed; it may not start with a digit.",
                )
    outputs = settings.get("outputs")
    if outputs:
        for name, message in outputs.items():
            reason = _bad_output(name, message)
            if reason:
                raise ConfigError(
                    f"[runtime][{heading.name}][outputs]{name} = {message}: {reason}",
                    location=where_written(heading, ("outputs", name)),
                )


def _bad_output(name: str, message: str) -> str | None:
    if not _OUTPUT.match(name):
        return "an output name holds letters, digits, - and _ only"
    if name in _RESERVED_OUTPUTS or name.startswith("_cylc"):
        return f"the output name {name} is reserved"
    if message in _QUALIFIERS or message.startswith("_cylc"):
        return f"the message {message!r} is reserved"
    first, colon, _ = message.partition(":")
    if colon and (not first or any(character.isspace() for character in first)):
        return "a message holds no colon, except at the end of its first word"
    return None


def _overlay(below: Settings, above: Settings) -> Settings:
    """Settings over others, item by item; keys keep the place where they are first seen."""
    result = {**below, **above}
    for name, value in above.items():
        if type(value) is dict and name in below:
            result[name] = {**below[name], **value}
    return result


def _parents(
    own: Mapping[str, Settings],
    result: Namespaces,
    parameters: Mapping[str, tuple[ParameterValue, ...]],
    templates: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    """Direct parents of every namespace, ``root`` where none are given; first parents noted in `result`."""
    parents: dict[str, tuple[str, ...]] = {}
    only_root = ("root",)
    for name, settings in own.items():
        written = settings.get("inherit")
        if name == "root":
            if written:
                raise InheritanceError("root cannot inherit", location=_where(result, "root", "inherit"))
            parents[name], result.first_parents[name] = (), None
            continue
        if not written:
            parents[name], result.first_parents[name] = only_root, "root"
            continue
        direct: list[str] = []
        for parent in written:
            if parent == "None":
                continue
            if "<" in parent:
                try:
                    parent, _ = resolve_name(parent, result.parameters.get(name, {}), parameters, templates)
                except LanguageError as error:
                    raise error.at(_where(result, name, "inherit")) from None
            if parent not in own:
                raise InheritanceError(
                    f"{name} inherits from {parent}, which is not defined",
                    location=_where(result, name, "inherit"),
                    hint=f"Add a heading [[{parent}]] to [runtime], or correct the name.",
                )
            direct.append(parent)
        parents[name] = tuple(direct) or only_root
        result.first_parents[name] = "root" if written[0] == "None" or not direct else direct[0]
    return parents


def _merge_ancestors(
    name: str,
    own: Mapping[str, Settings],
    parents: Mapping[str, tuple[str, ...]],
    orders: Mapping[str, tuple[str, ...]],
    merged: dict[str, Settings],
) -> None:
    """Settings of a namespace over those of its ancestors; a single parent's merged settings are reused."""
    for ancestor in reversed(orders[name]):
        if ancestor in merged:
            continue
        direct = parents[ancestor]
        if len(direct) == 1:
            base = merged[direct[0]]
        else:
            base = {}
            for other in reversed(orders[ancestor][1:]):
                base = _overlay(base, own[other])
        if "inherit" in base:
            base = {key: value for key, value in base.items() if key != "inherit"}
        settings = own[ancestor]
        merged[ancestor] = _overlay(base, settings) if settings else base


def _finish(name: str, settings: Settings, result: Namespaces) -> Settings:
    """The environment filter, and parameter values in the environment: after inheritance."""
    environment = settings.get("environment")
    if not environment:
        return settings
    chosen = environment
    filters = settings.get("environment filter")
    if filters:
        include, exclude = filters.get("include") or (), filters.get("exclude") or ()
        chosen = {key: value for key, value in chosen.items() if (not include or key in include) and key not in exclude}
    values = result.parameters.get(name)
    if values and any("%(" in value for value in chosen.values()):
        chosen = {key: _substitute(value, values) for key, value in chosen.items()}
    return settings if chosen is environment else {**settings, "environment": chosen}


def _inherit_parameters(result: Namespaces) -> None:
    """Parameter values of ancestors added to those of every namespace.

    Cylc 8 behaviour: with ``inherit = FAM<m=1>`` the family's value counts over the heading's own.
    """
    own = result.parameters
    if not own:
        return
    result.parameters = {}
    for name, order in result.ancestors.items():
        values: dict[str, ParameterValue] = dict(own.get(name, ()))
        for ancestor in reversed(order[1:]):
            values.update(own.get(ancestor, ()))
        if values:
            result.parameters[name] = values


def _substitute(value: str, values: Mapping[str, ParameterValue]) -> str:
    """``%(p)s`` replaced; text that is no template for these parameters stays as it is (Cylc 8 behaviour)."""
    if "%(" not in value:
        return value
    try:
        return value % values
    except (KeyError, TypeError, ValueError):
        return value
