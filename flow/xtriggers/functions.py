"""Finding the function of an external trigger, in its newest form, and calling it."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .builtin import FUNCTIONS
from .exceptions import XtriggerError

ENTRY_POINTS = "cylc.xtriggers"
LIBRARY = "lib/python"
_HERE = str(Path(__file__).parent)

Stamp = tuple[int, int]
"""Time of the last change and size of a file."""


class Functions:
    """The functions a workflow can call.

    Looked for in ``lib/python`` of the run directory, among those that come with Tidemill, in the installed entry
    points `cylc.xtriggers`, and wherever Python imports from (``PYTHONPATH``), in this order. A source file that has
    changed is loaded again.
    """

    def __init__(self, run_directory: str | os.PathLike[str]) -> None:
        self.library = os.path.realpath(Path(run_directory) / LIBRARY)
        self._stamps: dict[str, Stamp] = {}
        """By module: its file as it was when loaded."""
        self._module_count = 0
        """How many modules there were when files were last noted."""
        self._entry_points: dict[str, Any] | None = None

    def find(self, name: str) -> tuple[Callable[..., Any], Callable[[dict[str, Any]], Any] | None]:
        """A function, and the check of its arguments if it has one.

        Raises:
            XtriggerError: there is none of that name.
            Exception: whatever its module raises when loaded.
        """
        self._forget_changed()
        if not self.is_own(name):
            if name in FUNCTIONS:
                return FUNCTIONS[name]
            target = self._entry_point(name)
            if callable(target):
                return target, None
            if isinstance(target, ModuleType):
                return self._of_module(target, name)
        return self._of_module(self._load(name), name)

    def is_own(self, name: str) -> bool:
        """Whether ``lib/python`` of the workflow has a module of that name."""
        base = os.path.join(self.library, *name.split("."))
        return os.path.exists(f"{base}.py") or os.path.exists(os.path.join(base, "__init__.py"))

    def _of_module(
        self, module: ModuleType, name: str
    ) -> tuple[Callable[..., Any], Callable[[dict[str, Any]], Any] | None]:
        function = getattr(module, name.rpartition(".")[2], None)
        if not callable(function):
            raise XtriggerError(f"{module.__file__ or module.__name__} has no function {name}: it is named as its file")
        validate = getattr(module, "validate", None)
        return function, validate if callable(validate) else None

    def _load(self, name: str) -> ModuleType:
        if name in self._stamps:
            return sys.modules[name]
        if name not in sys.modules:
            importlib.invalidate_caches()
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise XtriggerError(
                f"there is no function {name}: expected {self.library}/{name}.py, an entry point of {ENTRY_POINTS},"
                f" or a module {name} on PYTHONPATH"
            ) from None
        self._note_stamps(name)
        return module

    def _entry_point(self, name: str) -> Any:
        if self._entry_points is None:
            from importlib.metadata import entry_points

            self._entry_points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
        point = self._entry_points.get(name)
        return None if point is None else point.load()

    # -- what has changed ----------------------------------------------------------------------------------------------

    def _note_stamps(self, name: str) -> None:
        """Remember the files of the workflow's own modules, and of the one asked for."""
        self._module_count = len(sys.modules)
        for other, module in list(sys.modules.items()):
            if other in self._stamps:
                continue
            file = getattr(module, "__file__", None)
            if file is not None and (other == name or file.startswith(self.library + os.sep)):
                stamp = _stamp(file)
                if stamp is not None:
                    self._stamps[other] = stamp

    def _forget_changed(self) -> None:
        """If a module's file is not what it was, load all the workflow's modules anew: they may use each other."""
        if all(_stamp(_file_of(name)) == stamp for name, stamp in self._stamps.items()):
            return
        for name in self._stamps:
            sys.modules.pop(name, None)
        self._stamps.clear()
        importlib.invalidate_caches()

    # -- use -----------------------------------------------------------------------------------------------------------

    def call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
        """Whether a function is satisfied, and its results.

        Raises:
            XtriggerError: it returned something else.
            Exception: whatever it raised.
        """
        function, _ = self.find(name)
        try:
            answer = function(*args, **kwargs)
        finally:
            if len(sys.modules) != self._module_count:
                # It has imported something only now.
                self._note_stamps("")
        if (
            not isinstance(answer, tuple | list)
            or len(answer) != 2
            or not (answer[1] is None or isinstance(answer[1], Mapping))
        ):
            raise XtriggerError(f"{name} must return (satisfied, results), True or False and a dict, not {answer!r}")
        return bool(answer[0]), {str(key): value for key, value in (answer[1] or {}).items()}

    def check(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """See if a function can be called so: it exists, takes such arguments, and does not object to them.

        Templates such as ``%(point)s`` are not filled in yet (Cylc 8.5 behaviour).

        Raises:
            XtriggerError: it cannot.
            Exception: whatever its module, or its check, raised.
        """
        function, validate = self.find(name)
        try:
            bound = inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise XtriggerError(f"{name}: {error}") from None
        bound.apply_defaults()
        if validate is not None:
            arguments = dict(bound.arguments)
            if name in FUNCTIONS and not self.is_own(name):
                arguments.update(arguments.pop("kwargs", {}))
            validate(arguments)


def use_library(functions: Functions) -> None:
    """Import from the workflow's ``lib/python`` first, leaving no compiled files in it."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, functions.library)


def explain(error: BaseException) -> str:
    """What an exception says, with where in the user's code it was raised."""
    if isinstance(error, XtriggerError):
        return str(error)
    frames: Iterable[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    own = [entry for entry in frames if not entry.filename.startswith((_HERE, "<frozen"))]
    lines = traceback.format_exception_only(error)
    if own:
        lines = ["Traceback (most recent call last):\n", *traceback.format_list(own), *lines]
    return "".join(lines).rstrip()


def _file_of(name: str) -> str | None:
    return getattr(sys.modules.get(name), "__file__", None)


def _stamp(file: str | None) -> Stamp | None:
    if file is None:
        return None
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
