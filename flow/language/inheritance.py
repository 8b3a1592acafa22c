"""C3 linearisation of the runtime namespaces: the order in which a namespace looks for its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .exceptions import InheritanceError
from .source import Location


def linearise(
    parents: Mapping[str, Sequence[str]], *, where: Callable[[str], Location | None] | None = None
) -> dict[str, tuple[str, ...]]:
    """The resolution order of every namespace: itself first, then its ancestors, nearest first.

    Args:
        parents: Direct parents by namespace, in order; every parent is itself a key; a root has none.
        where: Location of a namespace's ``inherit``, for messages.

    Raises:
        InheritanceError: A namespace inherits from itself, or its parents' orders contradict one another.
    """
    orders: dict[str, tuple[str, ...]] = {}
    for name in parents:
        if name not in orders:
            _linearise_from(name, parents, orders, where or (lambda _: None))
    return orders


def _linearise_from(
    start: str,
    parents: Mapping[str, Sequence[str]],
    orders: dict[str, tuple[str, ...]],
    where: Callable[[str], Location | None],
) -> None:
    """Fill in `start` and its ancestors, depth first without recursion so that long chains do no harm."""
    stack = [start]
    active: dict[str, None] = {}
    while stack:
        name = stack[-1]
        if name in orders:
            stack.pop()
            continue
        active.setdefault(name)
        missing = [parent for parent in parents[name] if parent not in orders]
        if missing:
            if missing[0] in active:
                circle = [*list(active)[list(active).index(missing[0]) :], missing[0]]
                raise InheritanceError(f"circular inheritance: {' -> '.join(circle)}", location=where(name))
            stack.append(missing[0])
            continue
        orders[name] = _merge(name, parents[name], orders, where)
        del active[name]
        stack.pop()


def _merge(
    name: str,
    direct: Sequence[str],
    orders: Mapping[str, tuple[str, ...]],
    where: Callable[[str], Location | None],
) -> tuple[str, ...]:
    if len(direct) < 2:
        return (name, *orders[direct[0]]) if direct else (name,)
    sequences = [list(orders[parent]) for parent in direct]
    sequences.append(list(direct))
    merged = [name]
    while sequences:
        tails = {entry for sequence in sequences for entry in sequence[1:]}
        head = next((sequence[0] for sequence in sequences if sequence[0] not in tails), None)
        if head is None:
            raise InheritanceError(
                f"the parents of {name} cannot be put in one order: inherit = {', '.join(direct)}",
                location=where(name),
                hint="A family must come before its own ancestors, and only once; change their order.",
            )
        merged.append(head)
        for sequence in sequences:
            if sequence[0] == head:
                del sequence[0]
        sequences = [sequence for sequence in sequences if sequence]
    return tuple(merged)
