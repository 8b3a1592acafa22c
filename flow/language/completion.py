"""Completion expressions: which outputs make a finished task complete, by the graph or by the user."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping

from .definition import EXPIRED, FAILED, SUBMIT_FAILED, SUBMITTED, SUCCEEDED
from .exceptions import ConfigError
from .source import Location

CompletionTest = Callable[[Collection[str]], bool]
"""Tells from the labels of the completed outputs whether a task is complete."""

_Condition = Callable[[Collection[str]], bool]
_HINT = 'Use output names (with _ for -), "and", "or" and parentheses only.'


def variable_name(label: str) -> str:
    """How an output is written in a completion expression: ``-`` becomes ``_``."""
    return label.replace("-", "_")


def compile_completion(expression: str) -> CompletionTest:
    """A function that evaluates a completion expression; no text is ever executed.

    Args:
        expression: Output names joined by ``and`` and ``or``.

    Raises:
        ConfigError: It is not such an expression; the error has no location.
    """
    condition = _condition(_syntax(expression))

    def is_complete(labels: Collection[str]) -> bool:
        return condition({variable_name(label) for label in labels})

    return is_complete


def derive_completion(required: Mapping[str, bool | None], *, compatibility: bool = False) -> str:
    """The completion expression of a task that gives none (Cylc 8.5 behaviour).

    Args:
        required: By output label: True required, False optional, None or absent where the graph is silent; as
            from `graph_outputs`.
        compatibility: Cylc 7 behaviour: submission and success, or whatever end the graph mentions.
    """
    if compatibility:
        parts = [f"({SUBMITTED} and {SUCCEEDED})"]
        parts += [variable_name(end) for end in (FAILED, SUBMIT_FAILED, EXPIRED) if end in required]
        return " or ".join(parts)
    names = sorted(variable_name(label) for label, needed in required.items() if needed)
    optional = {label for label, needed in required.items() if needed is False}
    if SUCCEEDED in optional or FAILED in optional:
        if names:
            inner = " and ".join(names)
            inner = f"({inner})" if len(names) > 1 else inner
            parts = [f"({inner} and {SUCCEEDED})", FAILED]
        else:
            parts = [SUCCEEDED, FAILED]
    else:
        parts = [f"({' and '.join(names)})" if len(names) > 1 else names[0]]
    if SUBMITTED in optional or SUBMIT_FAILED in optional:
        parts.append(variable_name(SUBMIT_FAILED))
    if EXPIRED in optional:
        parts.append(EXPIRED)
    return " or ".join(parts)


def graph_outputs(used: Mapping[str, bool]) -> dict[str, bool | None]:
    """What a graph says of a task's outputs, success being required where neither end is mentioned.

    Args:
        used: By output label: True required, False optional; as from `Optionality.required`.
    """
    outputs: dict[str, bool | None] = dict(used)
    if SUCCEEDED not in outputs and FAILED not in outputs:
        outputs[SUCCEEDED] = True
    return outputs


def check_completion(
    expression: str,
    *,
    task: str,
    labels: Collection[str],
    required: Mapping[str, bool | None],
    location: Location | None = None,
) -> dict[str, bool | None]:
    """Check a user's completion expression against the task's outputs and the graph.

    Args:
        expression: As configured.
        task: Its task, for messages.
        labels: Every output label of the task.
        required: What the graph says; see `graph_outputs`.
        location: Where the expression is written.

    Returns:
        `required`, with ``expired`` and ``submit-failed`` optional where the expression names them.

    Raises:
        ConfigError: It is malformed, names something else than the task's outputs, or contradicts the graph.
    """
    try:
        syntax = _syntax(expression)
    except ConfigError as error:
        raise ConfigError(f"completion of {task}: {error.reason}", location=location, hint=error.hint) from error
    by_name = {variable_name(label): label for label in labels}
    named = set(_names(syntax))
    for name in sorted(named - by_name.keys()):
        if name == "finished":
            reason, hint = "finished is not an output", 'Write "succeeded or failed".'
        else:
            reason, hint = f"{name} is not an output of {task}", f"Its outputs: {', '.join(sorted(by_name))}."
        raise ConfigError(f"completion of {task}: {reason}: {expression}", location=location, hint=hint)
    condition = _condition(syntax)
    everything = set(by_name) - {variable_name(SUBMIT_FAILED), EXPIRED}
    result = dict(required)
    for label in (SUBMIT_FAILED, EXPIRED):
        if variable_name(label) in named:
            result.setdefault(label, False)
        elif required.get(label) is False:
            raise ConfigError(
                f"completion of {task}: the graph allows {task}:{label}, this does not: {expression}",
                location=location,
                hint=f'Add "or {variable_name(label)}" to it, or remove {task}:{label}? from the graph.',
            )
    for label, needed in required.items():
        name = variable_name(label)
        if label in (SUBMIT_FAILED, EXPIRED) or needed is None:
            continue
        is_needed = name in named and not condition(everything - {name})
        if needed and not is_needed:
            said = "does without it" if name in named else "does not name it"
            raise ConfigError(
                f"completion of {task}: the graph requires {task}:{label}, this {said}: {expression}",
                location=location,
                hint=f"Mark it optional in the graph, {task}:{label}?, or require it in the expression.",
            )
        if not needed and is_needed:
            raise ConfigError(
                f"completion of {task}: {label} is optional in the graph, required here: {expression}",
                location=location,
                hint="Remove the ? in the graph, or make the expression hold without it.",
            )
    return result


def _syntax(expression: str) -> ast.expr:
    """The syntax tree of an expression made of names, ``and`` and ``or``."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        for node in ast.walk(tree):
            if not isinstance(node, ast.BoolOp | ast.boolop | ast.Name | ast.expr_context):
                hint = "In completion expressions write _ for - in output names." if "-" in expression else _HINT
                raise ConfigError(f"only names, and, or are allowed: {expression}", hint=hint)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"not a valid expression: {expression}", hint=_HINT) from error
    return tree


def _names(syntax: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(syntax) if isinstance(node, ast.Name))


def _condition(syntax: ast.expr) -> _Condition:
    if isinstance(syntax, ast.BoolOp):
        terms = [_condition(value) for value in syntax.values]
        if isinstance(syntax.op, ast.And):
            return lambda names: all(term(names) for term in terms)
        return lambda names: any(term(names) for term in terms)
    assert isinstance(syntax, ast.Name)
    name = syntax.id
    return lambda names: name in names
