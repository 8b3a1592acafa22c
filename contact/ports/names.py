"""Names that no two services of a user share: made when granted, and kept until they are given back."""

from __future__ import annotations

_LONGEST_SUFFIX = 9


class Names:
    """The names in use, by user."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()
        # The suffixes below this one are in use, so that a thousand services of one name are named in a thousand steps.
        self._next: dict[tuple[str, str], int] = {}

    def grant(self, user: str, wanted: str) -> str:
        """A name for a service: the one wanted, else ``wanted_1``, ``wanted_2``, ...: the first that is free."""
        if (user, wanted) not in self._taken:
            self._taken.add((user, wanted))
            return wanted
        number = self._next.get((user, wanted), 1)
        while (user, f"{wanted}_{number}") in self._taken:
            number += 1
        self._next[user, wanted] = number + 1
        name = f"{wanted}_{number}"
        self._taken.add((user, name))
        return name

    def give_back(self, user: str, name: str) -> None:
        """Let a name be granted again. The others keep theirs."""
        self._taken.discard((user, name))
        base, line, number = name.rpartition("_")
        if line and number.isdecimal() and len(number) < _LONGEST_SUFFIX:
            lowest = int(number)
            if lowest <= 1:
                self._next.pop((user, base), None)
            elif lowest < self._next.get((user, base), 0):
                self._next[user, base] = lowest
