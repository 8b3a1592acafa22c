"""Broadcasts: runtime settings that users change while the workflow runs, by cycle point and namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...exceptions import TidemillError
from ..language.settings import flatten_settings, split_setting, typed_setting

if TYPE_CHECKING:
    from .engine import Engine
    from .proxy import TaskProxy

EVERYWHERE = "*"
Path = tuple[str, ...]


class BroadcastError(TidemillError):
    """The broadcast makes no sense for this run."""


class Broadcasts:
    """The broadcasts in force.

    Evaluated when a job is submitted: all cycles first, from root to task, then its own cycle (Cylc 8 behaviour).
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._settings: dict[tuple[str, str], dict[Path, tuple[str, Any]]] = {}
        """By (cycle or ``*``, namespace) and path: the text given and its value."""

    # -- commands ------------------------------------------------------------------------------------------------------

    def broadcast(
        self,
        mode: str = "set",
        cycle_points: list[str] | None = None,
        namespaces: list[str] | None = None,
        settings: list[Any] | None = None,
        cutoff: str | None = None,
    ) -> dict[str, Any]:
        """Set, clear or expire settings; says what was changed."""
        points = self._points(cycle_points) if cycle_points else None
        self._check_namespaces(namespaces or ())
        if mode == "set":
            changed = self._set(points or [EVERYWHERE], namespaces or ["root"], self._paths(settings or [], "set"))
            self._log("Broadcast set:", "+", changed)
        elif mode == "clear":
            paths = {path for path, _ in self._paths(settings or [], "clear")}
            changed = self._clear(points, namespaces, paths)
            self._log("Broadcast cancelled:", "-", changed)
        else:
            if cutoff is None:
                raise BroadcastError("expire needs a cutoff cycle point")
            changed = self._expire(self.engine.definition.cycling.parse(cutoff))
            self._log("Broadcast cancelled:", "-", changed)
        if not changed:
            raise BroadcastError("No broadcast matches" if mode != "set" else "No settings were given")
        return {
            "mode": mode,
            "settings": [[point, name, f"{_key(path)}={text}"] for point, name, path, text in changed],
        }

    def _set(
        self, points: list[str], namespaces: list[str], paths: list[tuple[Path, str]]
    ) -> list[tuple[str, str, Path, str]]:
        typed = [(path, text, typed_setting(path, text)) for path, text in paths]
        changed = []
        for point in points:
            for name in namespaces:
                for path, text, value in typed:
                    self._settings.setdefault((point, name), {})[path] = (text, value)
                    self.engine.changes.broadcasts.append(("+", point, name, _key(path), text))
                    changed.append((point, name, path, text))
        return changed

    def _clear(
        self, points: list[str] | None, namespaces: list[str] | None, paths: set[Path]
    ) -> list[tuple[str, str, Path, str]]:
        return [
            self._drop(point, name, path)
            for point, name in list(self._settings)
            if (points is None or point in points) and (not namespaces or name in namespaces)
            for path in list(self._settings[point, name])
            if not paths or path in paths
        ]

    def _expire(self, cutoff: int) -> list[tuple[str, str, Path, str]]:
        parse = self.engine.definition.cycling.parse
        return [
            self._drop(point, name, path)
            for point, name in list(self._settings)
            if point != EVERYWHERE and parse(point) < cutoff
            for path in list(self._settings[point, name])
        ]

    def _drop(self, point: str, name: str, path: Path) -> tuple[str, str, Path, str]:
        settings = self._settings[point, name]
        text, _ = settings.pop(path)
        if not settings:
            del self._settings[point, name]
        self.engine.changes.broadcasts.append(("-", point, name, _key(path), text))
        return point, name, path, text

    # -- use -----------------------------------------------------------------------------------------------------------

    def expire_before(self, point: int) -> None:
        """Forget what can apply to nothing any more: the oldest point of the pool is `point`."""
        if self._settings:
            changed = self._expire(point)
            if changed:
                self._log("Broadcast cancelled:", "-", changed)

    def apply(self, proxy: TaskProxy, runtime: Mapping[str, Any]) -> Mapping[str, Any]:
        """A task's settings with the broadcasts for it; the same object if there are none."""
        if not self._settings:
            return runtime
        merged: dict[str, Any] | None = None
        for point in (EVERYWHERE, proxy.cycle):
            for name in reversed(proxy.definition.namespaces):
                for path, (_, value) in self._settings.get((point, name), {}).items():
                    if merged is None:
                        merged = dict(runtime)
                    _put(merged, path, value)
        return runtime if merged is None else merged

    def load(self, rows: list[tuple[str, str, str, str]]) -> None:
        """Take broadcasts from the record: (point, namespace, key, value)."""
        for point, name, key, text in rows:
            path, _ = split_setting(key)
            self._settings.setdefault((point, name), {})[path] = (text, typed_setting(path, text))

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Everything in force, nested: point, namespace, settings as texts."""
        result: dict[str, dict[str, Any]] = {}
        for (point, name), settings in self._settings.items():
            for path, (text, _) in settings.items():
                _put(result.setdefault(point, {}).setdefault(name, {}), path, text)
        return result

    # -- small things --------------------------------------------------------------------------------------------------

    def _points(self, texts: list[str]) -> list[str]:
        cycling = self.engine.definition.cycling
        return [text if text == EVERYWHERE else cycling.format(cycling.parse(text)) for text in texts]

    def _check_namespaces(self, names: list[str] | tuple[()]) -> None:
        known = self.engine.definition.family_parents
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BroadcastError(f"No such task or family: {', '.join(unknown)}")

    def _paths(self, settings: list[Any], mode: str) -> list[tuple[Path, str]]:
        found: list[tuple[Path, str]] = []
        for setting in settings:
            if isinstance(setting, Mapping):
                found += flatten_settings(setting)
                continue
            path, text = split_setting(str(setting))
            if text is None and mode == "set":
                raise BroadcastError(f"{setting!r} has no value: write it as [section]item=value")
            found.append((path, text or ""))
        return found

    def _log(self, title: str, sign: str, changed: list[tuple[str, str, Path, str]]) -> None:
        lines = [f"{sign} [{point}/{name}] {_key(path)}={text}" for point, name, path, text in changed]
        self.engine.log("INFO", "\n".join([title, *lines]))


def _key(path: Path) -> str:
    return "".join(f"[{part}]" for part in path[:-1]) + path[-1]


def _put(settings: dict[str, Any], path: Path, value: Any) -> None:
    for part in path[:-1]:
        settings[part] = dict(settings.get(part) or {})
        settings = settings[part]
    settings[path[-1]] = value
