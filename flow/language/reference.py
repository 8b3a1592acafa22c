"""The item tables written out for people: what ``tidemill config`` and ``docs/configuration.md`` show.

Rebuild the page with ``python -m tidemill.flow.language.reference > docs/configuration.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .globals import GLOBAL_ITEMS
from .items import ITEMS
from .specification import Item, display_path
from .upgrades import UPGRADES

_TITLE = "# Configuration items"
_INTRODUCTION = """\
<!-- Generated: python -m tidemill.flow.language.reference > docs/configuration.md -->

Every item of `flow.cylc` and `global.cylc`, with its type, its default and what it is for. A name in angle
brackets stands for any name. An empty default means unset. [The file format](language/file-format.md)
tells how to write them."""


def describe(path: str) -> Item:
    """The row of the table for an item of ``flow.cylc`` as a person writes it.

    Args:
        path: Such as ``[runtime][foo]script``; user-chosen names may be any.

    Raises:
        KeyError: There is no such item.
    """
    wanted = Item(path).parts
    best: tuple[int, Item] | None = None
    for item in ITEMS:
        parts = item.parts
        if len(parts) == len(wanted) and all(
            part == name or part.startswith("<") for part, name in zip(parts, wanted, strict=True)
        ):
            wild = sum(part.startswith("<") for part in parts)
            if best is None or wild < best[0]:
                best = (wild, item)
    if best is None:
        raise KeyError(path)
    return best[1]


def reference_markdown() -> str:
    """The whole reference page, ending in a line end."""
    lines = [_TITLE, "", _INTRODUCTION, "", "## flow.cylc", *_tables(ITEMS)]
    lines += ["", "## global.cylc", *_tables(GLOBAL_ITEMS)]
    lines += [
        "",
        "## Old items",
        "",
        "Read with a warning. `<name>` stands for the same name on both sides.",
        "",
    ]
    lines += ["| old | today |", "|---|---|"]
    for upgrade in UPGRADES:
        today = (
            f"`{_shown(upgrade.new)}`" if upgrade.new else f"dropped{'; ' if upgrade.advice else ''}{upgrade.advice}"
        )
        lines.append(f"| `{_shown(upgrade.old)}` | {today} |")
    lines.append("| `[scheduling]max active cycle points = m` | `[scheduling]runahead limit = P(m-1)` |")
    lines.append("| `[scheduling][dependencies][<recurrence>]graph` | `[scheduling][graph]<recurrence>` |")
    return "\n".join(lines) + "\n"


def _shown(path: tuple[str, ...]) -> str:
    return display_path(path[:-1], path[-1])


def _tables(items: Iterable[Item]) -> list[str]:
    lines: list[str] = []
    section = None
    for item in items:
        heading = display_path(item.parts[:-1])
        if heading != section:
            section = heading
            lines += ["", f"### `{heading}`", "", "| item | type | default | meaning |", "|---|---|---|---|"]
        default = _default(item)
        lines.append(f"| `{item.parts[-1]}` | {item.type.name} | {default} | {item.meaning} |")
    return lines


def _default(item: Item) -> str:
    value: Any = item.default
    if value is None or value in ("", [], ()):
        return ""
    if item.type.name == "interval":
        return f"`{format_interval(value)}`"
    if isinstance(value, list):
        if item.type.name == "list of intervals":
            return f"`{', '.join(format_interval(seconds) for seconds in value)}`"
        if len(value) > 10:
            return f"`{value[0]}..{value[-1]}`"
        return f"`{', '.join(str(element) for element in value)}`"
    return f"`{value}`"


def format_interval(seconds: float) -> str:
    """Seconds as an ISO 8601 duration: 5400 is ``PT1H30M``."""
    sign = "-" if seconds < 0 else ""
    whole, fraction = divmod(abs(seconds), 1)
    minutes, second = divmod(int(whole), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    second_text = f"{second + fraction:g}" if fraction else str(second)
    time = "".join(f"{n}{unit}" for n, unit in ((hour, "H"), (minute, "M")) if n)
    time += f"{second_text}S" if second_text != "0" else ""
    date = f"{days}D" if days else ""
    if not date and not time:
        return "PT0S"
    return f"{sign}P{date}{'T' + time if time else ''}"


if __name__ == "__main__":
    print(reference_markdown(), end="")
