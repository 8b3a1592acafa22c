"""The picture of the suites of a server: each is shown as a workflow of its own, with families, tasks and jobs.

It is made when first someone looks, in slices, and follows the engine by the numbers of its changes when someone looks
again: that costs what changed in between. It shows what the engine has just now, as ``ecflow --query`` does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from attrs import define

from ..suite.nodes import Defs, Node, Suite
from ..suite.states import ServerState
from .definitions import WorkflowIdentity, meta_of
from .picture import Picture
from .suite_elements import POINT, path_of
from .suite_instances import SuiteDefinitions, SuiteInstances, add_all
from .workflow import WorkflowElement, time_zone_of

if TYPE_CHECKING:
    from ..suite.engine import SuiteEngine
    from .definitions import Definitions
    from .instances import Instances

SLICE_NODES = 200
"""How many nodes are made between two looks at the clock."""


class SuitePicture(Picture):
    """One suite as a workflow.

    Arguments:
        engine: of the server.
        suite: one of its suites, or None for an empty picture.
        identity: what it is called.
    """

    def __init__(self, engine: SuiteEngine, suite: Suite | None, identity: WorkflowIdentity) -> None:
        self.suite_engine = engine
        self.suite = suite
        self.suite_name = "" if suite is None else suite.name
        super().__init__(cast("Any", None), identity, extent=0, clock=time.time)

    def _load(self, engine: Any, runtime: Mapping[str, Mapping[str, Any]], extent: int) -> None:
        definitions = SuiteDefinitions()
        zone = time_zone_of(self.identity.utc_offset_seconds)
        self.definitions = cast("Definitions", definitions)
        self.workflow = WorkflowElement(self.identity, meta_of({}), zone, "live", "integer", (), n_edge_distance=extent)
        self.workflow.oldest_active_cycle_point = self.workflow.newest_active_cycle_point = POINT
        self.nodes = SuiteInstances(self, definitions)
        self.instances = cast("Instances", self.nodes)

    def show_status(self) -> None:
        """Say how the suite is: ``running``, or ``paused`` if nothing of it can start, and why."""
        assert self.suite is not None
        server = self.suite_engine.defs.server_state
        reasons = []
        if server is not ServerState.RUNNING:
            reasons.append(f"the server is {server.value.lower()}")
        if not self.suite.begun:
            reasons.append("not begun")
        if self.suite.suspended:
            reasons.append("suspended")
        self.set_status("paused" if reasons else "running", "; ".join(reasons) or self.suite.state.word)

    def entire(self) -> bytes:
        """The whole picture, a `PbEntireWorkflow`."""
        data = super().entire()
        self.take_deltas()  # nobody subscribes to them
        return data

    def elements(self, element_type: str) -> bytes:
        """Everything of one kind; see `Picture.elements`."""
        data = super().elements(element_type)
        self.take_deltas()
        return data


@define(frozen=True)
class ServerIdentity:
    """Whose suites are shown."""

    owner: str
    host: str
    port: int
    name: str = ""
    """``HOST.PORT``, as its directory is called."""
    log_path: str = ""
    utc_offset_seconds: int = 0

    def of_suite(self, name: str) -> WorkflowIdentity:
        """What a suite is called: ``~owner/.ecflow/HOST.PORT/SUITE``."""
        return WorkflowIdentity(
            self.owner,
            f".ecflow/{self.name or f'{self.host}.{self.port}'}/{name}",
            host=self.host,
            port=self.port,
            log_directory=self.log_path.rpartition("/")[0],
            utc_offset_seconds=self.utc_offset_seconds,
        )


class SuitePictures:
    """The pictures of all suites of one server, in step with its engine."""

    def __init__(self, engine: SuiteEngine, identity: ServerIdentity) -> None:
        self.engine = engine
        self.identity = identity
        self.of_suite: dict[Suite, SuitePicture] = {}
        self._number = -1
        """Of the last change that was taken in; -1 before anything was."""

    def in_order(self) -> list[SuitePicture]:
        """The pictures in the order of the suites."""
        return [self.of_suite[suite] for suite in self.engine.defs.suites if suite in self.of_suite]

    @property
    def size(self) -> int:
        """How many nodes are shown."""
        return sum(len(picture.nodes.elements) for picture in self.of_suite.values())

    def empty(self) -> SuitePicture:
        """The picture of no suite."""
        return SuitePicture(self.engine, None, self.identity.of_suite(""))

    def make(self) -> Iterator[None]:
        """Make the pictures of all suites, stopping every now and then; `catch_up` must follow the last stop.

        The engine may go on in between: what it changes is taken in by `catch_up`.
        """
        self.of_suite = {}
        number = self.engine.changes.number
        for suite in list(self.engine.defs.suites):
            picture = self.of_suite[suite] = SuitePicture(self.engine, suite, self.identity.of_suite(suite.name))
            nodes = list(suite.walk())
            for first in range(0, len(nodes), SLICE_NODES):
                for node in nodes[first : first + SLICE_NODES]:
                    picture.nodes.add(node)
                yield
            picture.nodes.settle()
            picture.nodes.moved_paths.clear()
            picture.show_status()
        self._number = number

    @property
    def is_made(self) -> bool:
        """Whether `catch_up` is enough to be up to date."""
        changes = self.engine.changes
        return self._number >= changes.first and self._number <= changes.number

    def catch_up(self) -> None:
        """Take in what has changed since the last call, at the cost of that."""
        changes = self.engine.changes
        if self._number == changes.number:
            return
        delta = changes.since(self._number)
        holders = [holder for holder in delta.structures if isinstance(holder, Node)]
        touched: dict[SuitePicture, None] = {}
        if any(isinstance(holder, Defs) for holder in delta.structures):
            self._take_suites(touched)
        shown = [(self.of_suite[suite], holder) for holder in holders if (suite := _suite(holder)) in self.of_suite]
        for picture, holder in shown:
            picture.nodes.lose(holder)
        for picture, holder in shown:
            picture.nodes.gain(holder)
            touched[picture] = None
        for picture in list(touched):
            self._tell_of_moved(picture, touched)
        for node in delta.nodes:
            picture_of = self.of_suite.get(_suite(node))
            if picture_of is not None:
                picture_of.nodes.show(node)
                touched[picture_of] = None
            self._tell_watchers(node.path, touched)
        for picture in touched:
            picture.nodes.settle()
        for picture in self.of_suite.values() if delta.has_root else touched:
            picture.show_status()
        self._number = delta.number

    def _tell_of_moved(self, picture: SuitePicture, touched: dict[SuitePicture, None]) -> None:
        paths, picture.nodes.moved_paths = picture.nodes.moved_paths, []
        for path in paths:
            self._tell_watchers(path, touched)

    def _tell_watchers(self, path: str, touched: dict[SuitePicture, None]) -> None:
        watchers = self.engine.watchers
        for table in (watchers.of_state, watchers.of_value):
            for other in table.get(path, ()):
                picture = self.of_suite.get(_suite(other))
                if picture is not None:
                    picture.nodes.waits(other)
                    touched[picture] = None

    def _take_suites(self, touched: dict[SuitePicture, None]) -> None:
        """Suites came or went."""
        present = set(self.engine.defs.suites)
        for suite in [suite for suite in self.of_suite if suite not in present]:
            gone = self.of_suite.pop(suite)
            gone.nodes.moved_paths += [path_of(gone.suite_name, one.name) for one in gone.nodes.elements.values()]
            self._tell_of_moved(gone, touched)
        for suite in self.engine.defs.suites:
            if suite not in self.of_suite:
                picture = self.of_suite[suite] = SuitePicture(self.engine, suite, self.identity.of_suite(suite.name))
                add_all(picture.nodes, suite.walk())
                picture.show_status()
                touched[picture] = None


def _suite(node: Node) -> Suite:
    return cast(Suite, node.suite)
