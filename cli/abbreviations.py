"""Long options cut short, as scripts write them (``--no-det``): made whole before an option parser sees them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence


def expand(arguments: Sequence[str], options: Mapping[str, Hashable]) -> list[str]:
    """The arguments with every clear beginning of a long option replaced by the option, as optparse (so Cylc) takes it.

    A beginning that fits several options of different meaning is left as it is, for the parser to refuse.

    Arguments:
        arguments: of a command.
        options: what each option string of the command means.
    """
    expanded: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            expanded.append(word)
            break
        name, equals, value = word.partition("=")
        if word.startswith("--") and name not in options:
            fitting = {meaning: option for option, meaning in options.items() if option.startswith(name)}
            if len(fitting) == 1:
                name = next(iter(fitting.values()))
        expanded.append(f"{name}{equals}{value}")
    return [*expanded, *words]
