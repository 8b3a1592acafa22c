"""Task parameters: ``foo<m>`` in headings, lists and graph lines expanded over the values of ``m``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from msgspec import Struct

from .exceptions import ConfigError, GraphError, LanguageError

ParameterValue = int | str
Parameters = Mapping[str, tuple[ParameterValue, ...]]

_GROUP = re.compile(r"<([^<>]*)>")
_SPECIFIER = re.compile(
    r"""\s* (?P<name> \w+ ) \s*
    (?: = \s* (?P<value> [^\s=].*? ) | (?P<sign> [-+] ) \s* (?P<offset> \d+ ) )? \s* $""",
    re.VERBOSE,
)
_EXPRESSION_TOKEN = re.compile(r"[&|()]")


class Specifier(Struct, frozen=True):
    """One term inside ``<...>``: a parameter, with a value (``m=1``) or an index offset (``m-1``)."""

    name: str
    value: ParameterValue | None = None
    offset: int = 0


def default_template(name: str, values: Sequence[ParameterValue]) -> str:
    """The template of a parameter without an entry in ``[task parameters][templates]``.

    Cylc 8 behaviour: strings give ``_%(p)s``; integers ``_p%(p)0Nd``, as wide as the widest value,
    signed as soon as one value is negative.
    """
    if not values or not all(isinstance(value, int) for value in values):
        return f"_%({name})s"
    numbers = [int(value) for value in values]
    digits = max(len(str(abs(number))) for number in numbers)
    if any(number < 0 for number in numbers):
        return f"_{name}%({name})+0{digits + 1}d"
    return f"_{name}%({name})0{digits}d"


def complete_templates(parameters: Parameters, templates: Mapping[str, str]) -> dict[str, str]:
    """One template for each parameter, the configured ones and defaults for the rest."""
    return {
        name: templates[name] if name in templates else default_template(name, values)
        for name, values in parameters.items()
    }


def expand_name(
    name: str, parameters: Parameters, templates: Mapping[str, str]
) -> list[tuple[str, dict[str, ParameterValue]]]:
    """Every concrete name of ``foo<m>``, with the parameter values that made it.

    Args:
        name: A runtime heading or list member; a name without ``<`` is returned alone.
        parameters: Values by parameter name.
        templates: A template for each parameter; see `complete_templates`.

    Raises:
        ConfigError: Undefined parameter, value out of range, or an index offset.
    """
    if "<" not in name:
        return [(name, {})]
    literals, groups = _split_groups(name, parameters, ConfigError)
    for group in groups:
        for specifier in group:
            if specifier.offset:
                raise ConfigError(
                    f"parameter offset is not allowed in a name: {name}",
                    hint="Offsets belong in the graph only.",
                )
    expanded: dict[str, dict[str, ParameterValue]] = {}
    for values in _combinations(groups, parameters):
        used: dict[str, ParameterValue] = {}
        pieces = [literals[0]]
        for group, literal in zip(groups, literals[1:], strict=True):
            for specifier in group:
                value = specifier.value if specifier.value is not None else values[specifier.name]
                used[specifier.name] = value
                pieces.append(_format(specifier.name, value, templates))
            pieces.append(literal)
        expanded.setdefault("".join(pieces), used)
    return list(expanded.items())


def expand_member(name: str, parameters: Parameters, templates: Mapping[str, str]) -> list[str]:
    """Every concrete name of a member of a task list; text after the name (``foo<m>(PT1H)``) is kept."""
    return [expanded for expanded, _ in expand_name(name, parameters, templates)]


def resolve_name(
    name: str, values: Mapping[str, ParameterValue], parameters: Parameters, templates: Mapping[str, str]
) -> tuple[str, dict[str, ParameterValue]]:
    """The one name that ``FAM<m>`` stands for inside a namespace whose parameters have these values.

    Args:
        name: A parent as written in ``inherit``.
        values: Parameter values of the inheriting namespace.
        parameters: Values by parameter name.
        templates: A template for each parameter.

    Raises:
        ConfigError: A parameter is neither given a value there nor known from the heading.
    """
    if "<" not in name:
        return name, {}
    literals, groups = _split_groups(name, parameters, ConfigError)
    used: dict[str, ParameterValue] = {}
    pieces = [literals[0]]
    for group, literal in zip(groups, literals[1:], strict=True):
        for specifier in group:
            if specifier.offset:
                raise ConfigError(
                    f"parameter offset is not allowed here: inherit = {name}",
                    hint="Offsets belong in the graph only.",
                )
            value = specifier.value if specifier.value is not None else values.get(specifier.name)
            if value is None:
                raise ConfigError(
                    f"parameter {specifier.name} has no value here: inherit = {name}",
                    hint=f"Use it in the heading too, or give a value: <{specifier.name}=...>.",
                )
            used[specifier.name] = value
            pieces.append(_format(specifier.name, value, templates))
        pieces.append(literal)
    return "".join(pieces), used


def expand_graph_line(
    line: str, *, parameters: Mapping[str, tuple[int | str, ...]], templates: Mapping[str, str]
) -> list[str]:
    """Expand one complete graph line over all parameters used in it, as one product for the whole line.

    A node whose offset leads out of range is dropped with its operator; where that empties the part between
    two arrows, the chain ends there. Repeated results are given once. (Cylc 8 behaviour.)

    Args:
        line: A line of a graph string: comments removed, continued lines joined. White space is left alone.
        parameters: Values by parameter name.
        templates: A template for each parameter; see `complete_templates`.

    Raises:
        GraphError: Undefined parameter, value out of range, malformed ``<...>``; it has no location.
    """
    if "<" not in line:
        return [line]
    literals, groups = _split_groups(line, parameters, GraphError)
    if not any(groups):
        return [line]
    expanded: dict[str, None] = {}
    for values in _combinations(groups, parameters):
        pieces = [literals[0]]
        for group, literal in zip(groups, literals[1:], strict=True):
            for specifier in group:
                value: ParameterValue | None = specifier.value
                if value is None:
                    choices = parameters[specifier.name]
                    value = values[specifier.name]
                    if specifier.offset:
                        index = choices.index(value) + specifier.offset
                        value = choices[index] if 0 <= index < len(choices) else None
                pieces.append(_GONE if value is None else _format(specifier.name, value, templates))
            pieces.append(literal)
        text = "".join(pieces)
        if _GONE in text:
            text = _without_gone(text)
            if not text:
                continue
        expanded.setdefault(text)
    return list(expanded)


_GONE = "\0"
"""Marks a node whose parameter offset is out of range until it is cut from the line."""


def _without_gone(line: str) -> str:
    """The chain up to the first part with nothing left, its marked nodes cut."""
    kept: list[str] = []
    for part in line.split("=>"):
        if _GONE in part:
            tokens = _tokens(part)
            pruned = _prune_any(tokens)
            if tokens:
                raise GraphError(f"mismatched parentheses: {part.replace(_GONE, '').strip()}")
            if pruned is None:
                break
            kept.append(pruned)
        else:
            kept.append(part)
    return "=>".join(kept).strip()


def _tokens(part: str) -> list[str]:
    """Operators, parentheses and nodes of a part between arrows, in reverse so that `pop` reads on."""
    tokens: list[str] = []
    start = 0
    for match in _EXPRESSION_TOKEN.finditer(part):
        if match.start() > start:
            tokens.append(part[start : match.start()])
        tokens.append(match[0])
        start = match.end()
    tokens.append(part[start:])
    return [token for token in reversed(tokens) if token.strip()]


def _prune_any(tokens: list[str]) -> str | None:
    terms = [_prune_all(tokens)]
    while tokens and tokens[-1] == "|":
        tokens.pop()
        terms.append(_prune_all(tokens))
    kept = [term for term in terms if term is not None]
    return "|".join(kept) if kept else None


def _prune_all(tokens: list[str]) -> str | None:
    terms = [_prune_node(tokens)]
    while tokens and tokens[-1] == "&":
        tokens.pop()
        terms.append(_prune_node(tokens))
    kept = [term for term in terms if term is not None]
    return "&".join(kept) if kept else None


def _prune_node(tokens: list[str]) -> str | None:
    if not tokens or tokens[-1] in "&|":
        return ""  # a missing operand: the graph parser reports it with its own words
    token = tokens.pop()
    if token == "(":
        inner = _prune_any(tokens)
        if not tokens or tokens.pop() != ")":
            raise GraphError("mismatched parentheses")
        return None if inner is None else f"({inner})"
    return None if _GONE in token else token


def _split_groups(
    text: str, parameters: Parameters, error_class: type[LanguageError]
) -> tuple[list[str], list[list[Specifier]]]:
    """The text around the ``<...>`` groups and the specifiers inside them; ``x<wf::t>`` stays text."""
    literals: list[str] = [""]
    groups: list[list[Specifier]] = []
    position = 0
    for match in _GROUP.finditer(text):
        literals[-1] += text[position : match.start()]
        position = match.end()
        if "::" in match[1]:
            literals[-1] += match[0]
            continue
        groups.append([_specifier(term, match[0], text, parameters, error_class) for term in match[1].split(",")])
        literals.append("")
    literals[-1] += text[position:]
    return literals, groups


def _specifier(term: str, group: str, text: str, parameters: Parameters, error_class: type[LanguageError]) -> Specifier:
    match = _SPECIFIER.match(term)
    if match is None:
        raise error_class(
            f"malformed parameter {term.strip()!r} in {group}: {text.strip()}",
            hint="Write <m>, <m=1>, <m-1> or <m,n>.",
        )
    name = match["name"]
    values = parameters.get(name)
    if not values:
        known = ", ".join(parameters) or "none"
        raise error_class(
            f"parameter {name} is not defined: {text.strip()}", hint=f"Defined in [task parameters]: {known}."
        )
    if match["value"] is not None:
        return Specifier(name, _value_of(name, match["value"], values, text, error_class))
    if match["offset"] is not None:
        return Specifier(name, None, int(match["sign"] + match["offset"]))
    return Specifier(name)


def _value_of(
    name: str, written: str, values: tuple[ParameterValue, ...], text: str, error_class: type[LanguageError]
) -> ParameterValue:
    value: ParameterValue = written
    if isinstance(values[0], int):
        try:
            value = int(written)
        except ValueError:
            value = written
    if value not in values:
        listed = ", ".join(str(known) for known in values[:20])
        raise error_class(
            f"{written} is not a value of parameter {name}: {text.strip()}", hint=f"Its values: {listed}."
        )
    return value


def _combinations(groups: Sequence[Sequence[Specifier]], parameters: Parameters) -> Iterator[dict[str, ParameterValue]]:
    """The product over the parameters that are not given a value everywhere, in order of appearance."""
    names = list(dict.fromkeys(s.name for group in groups for s in group if s.value is None))
    for values in product(*(parameters[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def _format(name: str, value: ParameterValue, templates: Mapping[str, str]) -> str:
    template = templates[name]
    try:
        return template % {name: value}
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"bad template of task parameter {name}: {template!r}",
            hint=f"A template looks like _{name}%({name})s or, for numbers, _{name}%({name})03d.",
        ) from error
