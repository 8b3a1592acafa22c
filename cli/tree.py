"""Trees as text: of workflows in folders, of families and their members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def draw_tree(entries: Mapping[str, str]) -> str:
    """Slashed names as a tree, each with a remark behind it."""
    branches: dict[str, list[str]] = {"": []}
    for name in entries:
        parent = ""
        for part in name.split("/"):
            path = f"{parent}/{part}" if parent else part
            if path not in branches:
                branches[path] = []
                branches[parent].append(path)
            parent = path
    lines: list[str] = []
    for top in branches[""]:
        lines.append(f"{top} {entries.get(top, '')}".rstrip())
        for prefix, path in walk(top, lambda path: branches[path], box=True):
            lines.append(f"{prefix} {path.rpartition('/')[2]} {entries.get(path, '')}".rstrip())
    return "\n".join(lines)


def walk(root: str, children: Callable[[str], Iterable[str]], *, box: bool, indent: str = "") -> list[tuple[str, str]]:
    """Everything below `root`, each with the lines that join it to the tree, in drawing order.

    Arguments:
        children: the names directly below one.
        box: draw with box characters instead of ASCII.
    """
    branch, last, line = (" ├─", " └─", " │") if box else (" |-", " `-", " |")
    blank = "  "
    found: list[tuple[str, str]] = []
    below = list(children(root))
    for number, name in enumerate(below, 1):
        is_last = number == len(below)
        found.append((indent + (last if is_last else branch), name))
        found += walk(name, children, box=box, indent=indent + (blank if is_last else line))
    return found
