"""What a run in the foreground shows: on a terminal a live picture of its cycles, elsewhere the log, as Cylc does."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..flow.engine.engine import Engine, Turn
from ..flow.engine.proxy import FAILED, FINAL, RUNNING, SUBMIT_FAILED, SUBMITTED, SUCCEEDED, WAITING
from ..flow.plan import RunPlan

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH_SECONDS = 0.1
CYCLES_SHOWN = 10
TASKS_NAMED = 6
BAR_WIDTH = 24
LOUD = ("WARNING", "ERROR", "CRITICAL")


class Progress:
    """Shows one run while it is played; a context manager around it."""

    def __init__(self, plan: RunPlan, *, terminal_timestamps: bool, live: bool | None = None) -> None:
        self._plan = plan
        self._live: Any = None
        if live is None:
            live = sys.stderr.isatty() and plan.log_level not in ("DEBUG",)
        if live:
            self._begin_live()
        else:
            plan.terminal = sys.stderr
            plan.terminal_timestamps = terminal_timestamps

    def _begin_live(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._plan.observer = self._observe
        self._began = time.monotonic()
        self._shown = 0.0
        self._cycles: dict[int, Counter[str]] = {}
        self._statuses: dict[int, tuple[int, str]] = {}
        """By identity of an instance: its point and status as counted."""
        self._running: dict[int, str] = {}
        self._finished: deque[int] = deque(maxlen=3)
        """The latest cycles that are over."""
        self._totals: dict[int, int] = {}

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
            self._live.__exit__(kind, error, traceback)

    def _observe(self, engine: Engine, turn: Turn) -> None:
        self._engine = engine
        for proxy in turn.changes.proxies:
            before = self._statuses.get(proxy.identity)
            status = proxy.status
            counts = self._cycles.setdefault(proxy.point, Counter())
            if before is not None:
                counts[before[1]] -= 1
            if proxy.was_removed and status not in FINAL:
                self._statuses.pop(proxy.identity, None)
            else:
                counts[status] += 1
                self._statuses[proxy.identity] = (proxy.point, status)
            if status == RUNNING and not proxy.was_removed:
                self._running[proxy.identity] = proxy.definition.name
            else:
                self._running.pop(proxy.identity, None)
        for level, text, _ in turn.log:
            if level in LOUD:
                style = "red" if level in ("ERROR", "CRITICAL") else "yellow"
                self._console.print(f"{level} {text}", style=style, markup=False, highlight=False)
        now = time.monotonic()
        if now - self._shown >= REFRESH_SECONDS:
            self._shown = now
            self._live.update(self._picture(), refresh=True)

    def _total(self, point: int) -> int:
        """How many tasks the graph has at a point."""
        total = self._totals.get(point)
        if total is None:
            tasks = self._plan.definition.tasks.values()
            total = self._totals[point] = sum(1 for task in tasks if task.is_valid_at(point))
        return total

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        write = self._plan.definition.cycling.format
        everything: Counter[str] = Counter()
        for counts in self._cycles.values():
            everything.update(counts)
        table = Table.grid(padding=(0, 2))
        active = [point for point in sorted(self._cycles) if self._is_active(point)]
        over = [point for point in sorted(self._cycles) if not self._is_active(point)]
        names_by_point: dict[int, list[str]] = {}
        for identity, name in self._running.items():
            names_by_point.setdefault(self._statuses[identity][0], []).append(name)
        for point in [*over[-2:], *active][:CYCLES_SHOWN]:
            counts = self._cycles[point]
            done, failed = counts[SUCCEEDED], counts[FAILED] + counts[SUBMIT_FAILED]
            total = max(self._total(point), done + failed)
            names = names_by_point.get(point, [])
            more = f" +{len(names) - TASKS_NAMED}" if len(names) > TASKS_NAMED else ""
            table.add_row(
                Text(write(point), style="bold" if point in active else "dim"),
                _bar(done, failed, counts[RUNNING] + counts[SUBMITTED], total),
                Text(f"{done}/{total}", style="dim"),
                Text(" ".join(names[:TASKS_NAMED]) + more, style="cyan"),
            )
        seconds = time.monotonic() - self._began
        failed = everything[FAILED] + everything[SUBMIT_FAILED]
        line = Text.assemble(
            (self._plan.workflow, "bold"),
            f"  {seconds:.1f} s  ",
            (f"{everything[SUCCEEDED]} done", "green"),
            f"  {everything[RUNNING]} running  {everything[WAITING]} waiting",
            (f"  {failed} failed" if failed else "", "red"),
        )
        return Group(table, line)

    def _is_active(self, point: int) -> bool:
        counts = self._cycles[point]
        return any(number for status, number in counts.items() if status != SUCCEEDED)


def _bar(done: int, failed: int, active: int, total: int) -> Any:
    from rich.text import Text

    def width(number: int) -> int:
        return round(BAR_WIDTH * number / total) if total else 0

    bar = Text("█" * width(done), style="green")
    bar.append("█" * width(failed), style="red")
    bar.append("▓" * width(active), style="cyan")
    return bar.append("░" * max(0, BAR_WIDTH - len(bar)), style="dim")
