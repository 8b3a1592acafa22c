"""Items that only old workflows have: moved to their place of today, or dropped, each with a warning."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from .exceptions import ConfigError
from .items import TASK_EVENTS
from .sections import Entry, Section
from .specification import display_path


class Upgrade(Struct, frozen=True):
    """One old section or item; ``<name>`` in both paths stands for the same name."""

    old: tuple[str, ...]
    new: tuple[str, ...] | None = None
    """Where it belongs today; None: it is obsolete."""
    advice: str = ""


_N = ("runtime", "<namespace>")

_WORKFLOW_HANDLERS = ("startup", "shutdown", "abort", "stall", "aborted")

UPGRADES: tuple[Upgrade, ...] = (
    # dropped
    Upgrade(("visualization",)),
    Upgrade(("cylc", "environment")),
    Upgrade(("cylc", "simulation")),
    Upgrade(("cylc", "reference test")),
    Upgrade(("cylc", "authentication")),
    Upgrade(("cylc", "disable automatic shutdown")),
    Upgrade(("cylc", "log resolved dependencies")),
    Upgrade(("cylc", "required run mode")),
    Upgrade(("cylc", "force run mode")),
    Upgrade(("cylc", "abort if any task fails")),
    Upgrade(("cylc", "health check interval")),
    Upgrade(("cylc", "task event mail interval"), ("cylc", "mail", "task event batch interval")),
    Upgrade(("cylc", "events", "abort if any task fails")),
    Upgrade(("cylc", "events", "mail retry delays")),
    Upgrade(("cylc", "events", "mail smtp"), None, "set [scheduler][mail]smtp in global.cylc"),
    Upgrade(("cylc", "events", "reset timer")),
    Upgrade(("cylc", "events", "reset inactivity timer")),
    Upgrade(("scheduling", "spawn to max active cycle points")),
    Upgrade(("scheduling", "special tasks", "include at start-up")),
    Upgrade(("scheduling", "special tasks", "exclude at start-up")),
    Upgrade((*_N, "extra log files")),
    Upgrade((*_N, "job shell")),
    Upgrade((*_N, "job", "shell")),
    Upgrade((*_N, "remote", "suite definition directory")),
    Upgrade((*_N, "events", "reset timer")),
    Upgrade((*_N, "events", "mail retry delays")),
    Upgrade((*_N, "events", "mail smtp"), None, "set [scheduler][mail]smtp in global.cylc"),
    # moved
    Upgrade(("cylc", "parameters"), ("task parameters",)),
    Upgrade(("cylc", "parameter templates"), ("task parameters", "templates")),
    Upgrade(("cylc", "events", "mail to"), ("cylc", "mail", "to")),
    Upgrade(("cylc", "events", "mail from"), ("cylc", "mail", "from")),
    Upgrade(("cylc", "events", "mail footer"), ("cylc", "mail", "footer")),
    Upgrade(("cylc", "events", "timeout"), ("cylc", "events", "stall timeout")),
    Upgrade(("cylc", "events", "abort on timeout"), ("cylc", "events", "abort on stall timeout")),
    Upgrade(("cylc", "events", "timeout handler"), ("cylc", "events", "stall timeout handlers")),
    Upgrade(("cylc", "events", "stalled handler"), ("cylc", "events", "stall handlers")),
    Upgrade(("cylc", "events", "abort on stalled")),
    Upgrade(("cylc", "events", "inactivity"), ("cylc", "events", "inactivity timeout")),
    Upgrade(("cylc", "events", "abort on inactivity"), ("cylc", "events", "abort on inactivity timeout")),
    Upgrade(("cylc", "events", "inactivity handler"), ("cylc", "events", "inactivity timeout handlers")),
    *(
        Upgrade(("cylc", "events", f"{event} handler"), ("cylc", "events", f"{event} handlers"))
        for event in _WORKFLOW_HANDLERS
    ),
    Upgrade(("cylc",), ("scheduler",)),
    Upgrade(("scheduling", "hold after point"), ("scheduling", "hold after cycle point")),
    Upgrade((*_N, "suite state polling"), (*_N, "workflow state polling")),
    Upgrade((*_N, "workflow state polling", "user")),
    Upgrade((*_N, "workflow state polling", "host")),
    Upgrade((*_N, "workflow state polling", "template")),
    Upgrade((*_N, "workflow state polling", "run-dir"), (*_N, "workflow state polling", "alt-cylc-run-dir")),
    Upgrade((*_N, "events", "mail to"), (*_N, "mail", "to")),
    Upgrade((*_N, "events", "mail from"), (*_N, "mail", "from")),
    *(
        Upgrade((*_N, "job", item), (*_N, item))
        for item in (
            "execution polling intervals",
            "execution retry delays",
            "execution time limit",
            "submission polling intervals",
            "submission retry delays",
        )
    ),
    *(Upgrade((*_N, "events", f"{event} handler"), (*_N, "events", f"{event} handlers")) for event in TASK_EVENTS),
)
"""In the order they are applied."""

_KEPT_WITH_ADVICE = (("job", "batch system"), ("remote", "host"))


def apply_upgrades(root: Section) -> list[str]:
    """Move or drop old items in a parsed file; returns one warning for each.

    Raises:
        ConfigError: A value that has to be rewritten cannot be understood.
    """
    warnings: list[str] = []
    names = _names(root)
    for upgrade in UPGRADES:
        if all(part in names or part.startswith("<") for part in upgrade.old):
            for old in list(_matches(root, upgrade.old)):
                warnings.append(_apply(root, upgrade, old))
                names.update(upgrade.new or ())
    warnings += _runahead(root)
    warnings += _dependencies(root)
    warnings += _platforms(root)
    return warnings


def _names(section: Section) -> set[str]:
    """Every name in a file, whatever its place: a file of today then costs one pass."""
    names: set[str] = set()
    pending = [section]
    while pending:
        children = pending.pop().children
        names.update(children)
        pending += [child for child in children.values() if type(child) is Section]
    return names


def _matches(section: Section, path: tuple[str, ...], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    name, rest = path[0], path[1:]
    names = list(section.children) if name.startswith("<") else [name] if name in section.children else []
    for found in names:
        child = section.children[found]
        if not rest:
            yield (*before, found)
        elif isinstance(child, Section):
            yield from _matches(child, rest, (*before, found))


def _apply(root: Section, upgrade: Upgrade, old: tuple[str, ...]) -> str:
    parent = _section_at(root, old[:-1])
    child = parent.children.pop(old[-1])
    shown = f"{child.location}: {_shown(old, child)}"
    if upgrade.new is None:
        return f"{shown} is obsolete and was ignored" + (f"; {upgrade.advice}" if upgrade.advice else "")
    bound = dict(zip(upgrade.old, old, strict=True))
    new = tuple(bound.get(part, part) if part.startswith("<") else part for part in upgrade.new)
    target = _section_at(root, new[:-1], child)
    if isinstance(child, Section):
        _merge_section(target, new[-1], child)
    else:
        target.children.setdefault(new[-1], replace(child, key=new[-1]))
    return f"{shown} is now {_shown(new, child)}"


def _shown(path: tuple[str, ...], child: Section | Entry) -> str:
    return display_path(path) if isinstance(child, Section) else display_path(path[:-1], path[-1])


def _section_at(root: Section, path: tuple[str, ...], like: Section | Entry | None = None) -> Section:
    section = root
    for name in path:
        child = section.children.get(name)
        if child is None and like is not None:
            child = section.children[name] = Section(name, like.index, like.source)
        if not isinstance(child, Section):
            location = like.location if like is not None else section.location
            raise ConfigError(f"{display_path(path)} is a section, not an item", location=location)
        section = child
    return section


def _merge_section(target: Section, name: str, moved: Section) -> None:
    """Put a moved section in its new place; what is already there under today's name counts."""
    existing = target.children.get(name)
    if not isinstance(existing, Section):
        target.children[name] = Section(name, moved.index, moved.source, moved.children)
        return
    for key, child in moved.children.items():
        if isinstance(child, Section) and isinstance(existing.children.get(key), Section):
            _merge_section(existing, key, child)
        else:
            existing.children.setdefault(key, child)


def _runahead(root: Section) -> list[str]:
    """``max active cycle points = m`` is ``runahead limit = P(m-1)``."""
    scheduling = root.children.get("scheduling")
    if not isinstance(scheduling, Section):
        return []
    entry = scheduling.children.pop("max active cycle points", None)
    if not isinstance(entry, Entry):
        return []
    try:
        points = int(entry.plain())
    except ValueError:
        raise ConfigError(
            f"[scheduling]max active cycle points = {entry.value}: it is not a whole number",
            location=entry.location,
        ) from None
    limit = f"P{points - 1}"
    scheduling.children.setdefault("runahead limit", replace(entry, key="runahead limit", value=limit, triple=False))
    return [f"{entry.location}: [scheduling]max active cycle points is now [scheduling]runahead limit = {limit}"]


def _dependencies(root: Section) -> list[str]:
    """``[scheduling][dependencies][R]graph`` is ``[scheduling][graph]R``; without a recurrence ``R1``."""
    scheduling = root.children.get("scheduling")
    if not isinstance(scheduling, Section):
        return []
    old = scheduling.children.get("dependencies")
    if not isinstance(old, Section):
        return []
    if "graph" in scheduling.children:
        raise ConfigError(
            "[scheduling][dependencies] and [scheduling][graph] cannot be used together",
            location=old.location,
            hint="Write [scheduling][graph] only: recurrence = graph string.",
        )
    del scheduling.children["dependencies"]
    graph = scheduling.children["graph"] = Section("graph", old.index, old.source)
    for name, child in old.children.items():
        if isinstance(child, Entry):
            if name != "graph":
                raise ConfigError(f"unknown item: [scheduling][dependencies]{name}", location=child.location)
            graph.children["R1"] = replace(child, key="R1")
            continue
        for key, entry in child.children.items():
            if key != "graph" or not isinstance(entry, Entry):
                raise ConfigError(f"unknown item: [scheduling][dependencies][{name}]{key}", location=entry.location)
            graph.children[name] = replace(entry, key=name)
    return [f"{old.location}: [scheduling][dependencies][R]graph is now [scheduling][graph]R"]


def _platforms(root: Section) -> list[str]:
    """Hosts and batch systems are still looked up, but a platform should be named."""
    runtime = root.children.get("runtime")
    warnings: list[str] = []
    if not isinstance(runtime, Section):
        return warnings
    for namespace in runtime.sections():
        for section_name, item in _KEPT_WITH_ADVICE:
            section = namespace.children.get(section_name)
            entry = section.children.get(item) if isinstance(section, Section) else None
            if isinstance(entry, Entry):
                shown = display_path(("runtime", namespace.name, section_name), item)
                warnings.append(f"{entry.location}: {shown} is deprecated: use platform")
    return warnings
