"""All suites of a file or of a server, by the names and methods of ecFlow's Python module."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...flow.suite import nodes as tree
from ...flow.suite.check import check_definition
from ...flow.suite.compare import same_tree
from ...flow.suite.expressions import references
from ...flow.suite.reader import read_definition
from ...flow.suite.states import ServerState
from ..exceptions import EcflowError, NoSuchName, as_ecflow_errors
from . import adding, asking
from .attributes import Edit, Variable
from .enums import AttrType, SState, State, Style
from .flags import Flag
from .node import cover, raise_taken
from .printing import text_of
from .tree import Suite

if TYPE_CHECKING:
    from types import TracebackType

    from .jobs import JobCreationCtrl

SERVER_VARIABLES = {
    "ECF_MICRO": "%",
    "ECF_HOME": ".",
    "ECF_JOB_CMD": "%ECF_JOB% 1> %ECF_JOBOUT% 2>&1",
    "ECF_KILL_CMD": "kill -15 %ECF_RID%",
    "ECF_STATUS_CMD": "ps --pid %ECF_RID% -f > %ECF_JOB%.stat 2>&1",
    "ECF_URL_CMD": "${BROWSER:=firefox} -new-tab %ECF_URL_BASE%/%ECF_URL%",
    "ECF_INTERVAL": "60",
    "ECF_TRIES": "2",
    "ECF_VERSION": "5.9.2",
    "ECF_PORT": "3141",
    "ECF_HOST": "localhost",
}
"""What a definition that no server runs takes a server to say of itself."""


class Defs:
    """``Defs(suites and other things, ..., VARIABLE="value")``, or ``Defs("file.def")`` to read one.

    Reading raises `EcflowError`, a RuntimeError, naming file and line, also for names in expressions that are nowhere;
    warnings go to standard error.
    """

    __slots__ = ("_adds_externs", "core")
    core: tree.Defs
    _adds_externs: bool

    def __init__(self, *things: Any, **variables: str | int) -> None:
        self.core = tree.Defs(server_state=ServerState.RUNNING, server_variables=dict(SERVER_VARIABLES))
        self._adds_externs = False
        if things and isinstance(things[0], str):
            self._take(_read(things[0]), file=things[0])
            things = things[1:]
        self.add(*things, **variables)

    @classmethod
    def of(cls, core: tree.Defs) -> Self:
        """The cover of a tree."""
        made = cls.__new__(cls)
        made.core, made._adds_externs = core, False
        return made

    def _take(self, text: str, file: str) -> None:
        with as_ecflow_errors():
            core = read_definition(text, file)
            findings = check_definition(core)
            findings.raise_errors(file)
        for warning in findings.warnings:
            print(f"warning: {warning.text(file)}", file=sys.stderr)
        core.server_variables = SERVER_VARIABLES | core.server_variables
        if not core.saved_style:
            core.server_state = ServerState.RUNNING
        self.core = core

    # -- putting things into it ----------------------------------------------------------------------------------------

    def add(self, *things: Any, **variables: str | int) -> Self:
        """Add suites, variables (`Edit`, `Variable`, dictionaries, keywords) and lists of these; returns the tree."""
        for thing in things:
            match thing:
                case None:
                    continue
                case Suite():
                    self.add_suite(thing)
                case Variable():
                    self.core.user_variables[thing.name()] = thing.value()
                case Edit():
                    self.core.user_variables.update(thing.variables)
                case Mapping():
                    adding.set_variables(self.core, thing)
                case list() | tuple():
                    self.add(*thing)
                case _:
                    raise EcflowError(f"{thing!r} is nothing that can be added to a definition: add suites, variables")
        adding.set_variables(self.core, variables)
        return self

    def __add__(self, thing: Any) -> Self:
        return self.add(thing)

    __iadd__ = __add__

    def add_suite(self, suite: Suite | str) -> Suite:
        """Add a suite, or make one of that name; returns it. Raises `EcflowError` if the name is taken."""
        made = suite if isinstance(suite, Suite) else Suite(suite)
        raise_taken(self.core, made.core)
        if self._adds_externs:
            self._add_externs()
        return made

    def add_variable(self, *arguments: Any) -> Self:
        """Set variables of users on the server: name and value, a dictionary, or a `Variable`."""
        if len(arguments) == 2:
            adding.set_variables(self.core, {arguments[0]: arguments[1]})
            return self
        return self.add(*arguments)

    def delete_variable(self, name: str) -> None:
        """Take such a variable away; all with an empty name."""
        if not name:
            self.core.user_variables.clear()
        elif self.core.user_variables.pop(name, None) is None:
            raise EcflowError(f"there is no variable '{name}' to delete")

    def add_extern(self, path: str) -> None:
        """Allow a path, or ``path:name``, to be named though it is not here."""
        if path not in self.core.externs:
            self.core.externs.append(path)

    def auto_add_externs(self, on: bool) -> None:
        """Declare as externs all that expressions and inlimits name and that is not here, now and later."""
        self._adds_externs = on
        if on:
            self._add_externs()

    def _add_externs(self) -> None:
        for node in self.core.walk():
            for expression in (node.trigger, node.complete):
                if expression is None:
                    continue
                for reference in references(expression.tree):  # type: ignore[arg-type]
                    if reference.path and reference.path != "/" and node.find(reference.path) is None:
                        self.add_extern(f"{reference.path}:{reference.name}" if reference.name else reference.path)
            for inlimit in node.inlimits:
                if inlimit.path and node.find(inlimit.path) is None:
                    self.add_extern(f"{inlimit.path}:{inlimit.name}")

    def sort_attributes(self, kind: AttrType | str, recursive: bool = True, no_sort: Any = ()) -> None:
        """Sort the attributes of all suites: see `Node.sort_attributes`."""
        for suite in self.suites:
            suite.sort_attributes(kind, recursive, no_sort)

    # -- what is in it -------------------------------------------------------------------------------------------------

    @property
    def suites(self) -> Iterator[Suite]:
        """The suites."""
        return map(cover, self.core.suites)

    @property
    def externs(self) -> Iterator[str]:
        """What may be named though it is not here."""
        return iter(list(self.core.externs))

    @property
    def user_variables(self) -> Iterator[Variable]:
        """What users set on the server."""
        return iter([Variable(name, value) for name, value in self.core.user_variables.items()])

    @property
    def server_variables(self) -> Iterator[Variable]:
        """What the server says of itself."""
        return iter([Variable(name, value) for name, value in self.core.server_variables.items()])

    def find_suite(self, name: str) -> Suite | None:
        """The suite of that name; None if there is none."""
        found = self.core.child(name)
        return None if found is None else Suite.of(found)

    def find_abs_node(self, path: str) -> Any:
        """The node at a path; None if there is none."""
        found = self.core.find(path)
        return None if found is None else cover(found)

    def find_node(self, kind: str, path: str) -> Any:
        """The node of a kind (suite, family, task, alias) at a path; None if there is none."""
        found = self.core.find(path) if path.startswith("/") else None
        return cover(found) if found is not None and found.kind == kind else None

    def find_node_path(self, kind: str, name: str) -> str:
        """The path of the first node of that kind and name; "" if there is none."""
        return next((node.path for node in self.core.walk() if node.kind == kind and node.name == name), "")

    def get_all_nodes(self) -> list[Any]:
        """All nodes."""
        return [cover(node) for node in self.core.walk()]

    def get_all_tasks(self) -> list[Any]:
        """All tasks."""
        return [cover(node) for node in self.core.walk() if isinstance(node, tree.Task)]

    def get_state(self) -> State:
        """The state of all suites together."""
        return State(int(self.core.state))

    def get_flag(self) -> Flag:
        """The flags of the server."""
        return Flag(self.core)

    def get_server_state(self) -> SState:
        """The state of the server it is from."""
        return SState[self.core.server_state.value]

    def has_time_dependencies(self) -> bool:
        """Whether anything waits for times or days."""
        return asking.has_time_dependencies(self.core)

    # -- checking, running ---------------------------------------------------------------------------------------------

    def check(self) -> str:
        """What is named and is not here, one line for each; "" if all is well."""
        findings = check_definition(self.core)
        lines = [f"Error: {problem}" for problem in findings.errors]
        lines += [f"Warning: {problem}" for problem in findings.warnings]
        return "".join(f"{line}\n" for line in lines)

    def check_job_creation(
        self,
        control: JobCreationCtrl | bool | None = None,
        verbose: bool = False,
        *,
        throw_on_error: bool = False,
    ) -> str:
        """Make the job files of all tasks, as they would be for a submission; what cannot be made is told.

        Arguments:
            control: which nodes, and where to; then its `get_error_msg` has the answer too.
            verbose: say which jobs are made.
            throw_on_error: raise `EcflowError` with the first problem instead.
        """
        from .jobs import JobCreationCtrl, check_jobs

        if isinstance(control, bool):
            throw_on_error, control = control, None
        chosen = control if control is not None else JobCreationCtrl()
        return check_jobs(self.core, chosen, verbose=verbose, raise_first=throw_on_error)

    def generate_scripts(self) -> None:
        """Write a script for every task that has none, and the files they include; raises `EcflowError`."""
        from .jobs import generate_scripts

        generate_scripts(self.core)

    def simulate(self) -> str:
        """Run all suites on a clock of their own, their jobs ending at once; "" if all complete as they should.

        Else tells which did not complete, and which ``verify`` was not as expected.
        """
        from .simulation import simulate

        with as_ecflow_errors():
            return simulate(self.core)

    # -- files ---------------------------------------------------------------------------------------------------------

    def save_as_defs(self, path: str, style: Style = Style.DEFS) -> None:
        """Write the definition to a file; raises `EcflowError`."""
        _write(path, text_of(self.core, style))

    def save_as_checkpt(self, path: str) -> None:
        """Write a checkpoint, with all state, to a file; raises `EcflowError`."""
        _write(path, text_of(self.core, Style.MIGRATE))

    def restore_from_checkpt(self, path: str) -> None:
        """Be what a checkpoint says; raises `EcflowError`."""
        self._take(_read(path), file=path)

    # -- as a value ----------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """A suite or variable of that name; raises `NoSuchName`."""
        if name.startswith("__") or name in ("core", "_adds_externs"):
            raise AttributeError(name)
        if (suite := self.core.child(name)) is not None:
            return cover(suite)
        for variables in (self.core.user_variables, self.core.server_variables):
            if name in variables:
                return Variable(name, variables[name])
        raise NoSuchName(f"the definition has no method, suite or variable '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        """What ``defs.suite += thing`` ends with: the suite is what it was. Nothing else can be set."""
        if name in ("core", "_adds_externs"):
            object.__setattr__(self, name, value)
        elif not isinstance(value, Suite) or value.core is not self.core.child(name):
            raise NoSuchName(f"'{name}' of a definition cannot be set: use add_suite, add_variable, or +=")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def __str__(self) -> str:
        return text_of(self.core)

    def __repr__(self) -> str:
        return f"<ecflow.Defs {' '.join(suite.name for suite in self.core.suites)}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Defs) and (self.core is other.core or same_tree(self.core, other.core))

    def __hash__(self) -> int:
        return id(self.core)

    def __copy__(self) -> Self:
        return type(self).of(copy.deepcopy(self.core))

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.core.suites)

    def __iter__(self) -> Iterator[Suite]:
        return self.suites

    def __contains__(self, name: str) -> bool:
        return self.core.child(name) is not None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise EcflowError(f"the definition {path} cannot be read: {error.strerror}") from None


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise EcflowError(f"{path} cannot be written: {error.strerror}") from None
