"""What a test tells the scheduler, as a user would: commands, now or at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

Give = Callable[[str, dict[str, Any]], None]


@frozen
class Told:
    """The commands of a running workflow. Tasks are ``CYCLE/TASK``, as on the command line."""

    _give: Give

    def hold(self, *tasks: str) -> None:
        """Keep tasks from being submitted."""
        self._give("hold", {"tasks": list(tasks)})

    def release(self, *tasks: str) -> None:
        """Let held tasks go."""
        self._give("release", {"tasks": list(tasks)})

    def hold_after(self, point: str) -> None:
        """Hold everything after a cycle point."""
        self._give("set_hold_point", {"point": point})

    def release_all(self) -> None:
        """Release all tasks and forget the hold point."""
        self._give("release_hold_point", {})

    def trigger(self, *tasks: str, flow: str | None = None, wait: bool = False) -> None:
        """Run tasks now."""
        self._give("force_trigger_tasks", {"tasks": list(tasks), "flow": [flow] if flow else [], "flow_wait": wait})

    def set(
        self, *tasks: str, outputs: list[str] | None = None, prerequisites: list[str] | None = None, flow: str = ""
    ) -> None:
        """Complete outputs of tasks (the required ones if none is named), or satisfy prerequisites."""
        arguments = {"outputs": outputs, "prerequisites": prerequisites, "flow": [flow] if flow else []}
        self._give("set", {"tasks": list(tasks), **arguments})

    def remove(self, *tasks: str, flow: str = "") -> None:
        """Take tasks out of the run."""
        self._give("remove_tasks", {"tasks": list(tasks), "flow": [flow] if flow else []})

    def kill(self, *tasks: str) -> None:
        """End the jobs of tasks."""
        self._give("kill_tasks", {"tasks": list(tasks)})

    def poll(self, *tasks: str) -> None:
        """Look at the jobs of tasks."""
        self._give("poll_tasks", {"tasks": list(tasks)})

    def pause(self) -> None:
        """Submit nothing more."""
        self._give("pause", {})

    def resume(self) -> None:
        """Submit again."""
        self._give("resume", {})

    def stop(self, mode: str = "clean", *, after: str | None = None, task: str | None = None) -> None:
        """Stop: ``clean``, ``kill``, ``now`` or ``now-now``; or after a cycle point or a task."""
        self._give("stop", {"mode": mode, "cycle_point": after, "task": task})

    def broadcast(self, settings: Mapping[str, Any], *, point: str = "*", namespace: str = "root") -> None:
        """Change settings of jobs that are yet to be submitted: ``{"environment": {"X": "1"}}``."""
        self._give("broadcast", {"cycle_points": [point], "namespaces": [namespace], "settings": [dict(settings)]})

    def reload(self, source: str | None = None) -> None:
        """Read the definition again: as its files are then, or as the text that is given."""
        self._give("reload_workflow", {"source": source})
