"""Jinja2: a workflow source to the source it generates, each line still knowing its template line.

Only imported for files whose first line asks for Jinja2.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, TracebackType
from typing import Any

import jinja2
from attrs import define, field
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import SandboxedEnvironment

from .exceptions import TemplateError
from .source import Location, Origin, Source
from .template_functions import FILTERS, GLOBALS, UserError

CYLC_VERSION = "8.5.4"
"""The version of Cylc whose workflows these are, as templates see it."""

_MAIN = "<workflow template>"
_MARKER = re.compile("\x02(\\d+)\x03")
_PYTHON_PREFIX = "__python__."
_MODULE_NAME = re.compile(r"[A-Za-z_][\w.]*\Z")
_EXTRA_DIRECTORIES = ("Jinja2Filters", "Jinja2Tests", "Jinja2Globals")


def render(source: Source, directory: str, variables: Mapping[str, Any], environment: Mapping[str, str]) -> Source:
    """The lines a template generates; its hashbang and blank lines are dropped (Cylc 8 behaviour).

    The template is rendered twice: the text of the first time is the result, the second time carries
    invisible line marks. Where the marks would change the text, lines are matched to the template by their
    content instead.

    Args:
        source: The template, starting with its hashbang line.
        directory: The workflow directory, where ``include`` and ``import`` look for files.
        variables: Template variables, typed.
        environment: The process environment: ``environ``, and every ``CYLC_*`` variable by its own name.

    Raises:
        TemplateError: With the line of the template at fault.
    """
    text = "\n" + "\n".join(source.lines[1:])
    marks = _Marks(source, directory)
    with _module_path(directory):
        plain = _render(text, _environment(marks, variables, environment, marked=False), variables, marks)
        marked = None
        if "\x02" not in plain and "\x02" not in text:
            with contextlib.suppress(TemplateError):
                marked = _render(text, _environment(marks, variables, environment, marked=True), variables, marks)
    if marked is None or _MARKER.sub("", marked) != plain:
        return _matched_by_content(plain, source)
    return _unmarked(marked, marks, source.origins[0])


def _render(text: str, environment: SandboxedEnvironment, variables: Mapping[str, Any], marks: _Marks) -> str:
    try:
        code = environment.compile(text, None, _MAIN)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        return template.render(variables)
    except jinja2.TemplateSyntaxError as error:
        filename = error.filename or _MAIN
        raise _failure(error, marks, (filename, error.lineno)) from error
    except Exception as error:
        raise _failure(error, marks, _template_frame(error.__traceback__, marks)) from error


def _failure(error: Exception, marks: _Marks, place: tuple[str, int] | None) -> TemplateError:
    """The error for a person: the reason in plain words and the template line."""
    if isinstance(error, UserError):
        reason = str(error)
    elif isinstance(error, jinja2.TemplateNotFound):
        reason = f"template or Python module not found: {error.name or error.message}"
    elif isinstance(error, jinja2.TemplateError):
        reason = f"Jinja2 error: {error.message or type(error).__name__}"
    elif isinstance(error, TemplateError):
        reason = error.reason
    else:
        reason = f"Jinja2 error: {type(error).__name__}: {error}"
    if place is None:
        return TemplateError(reason)
    filename, number = place
    location = Location(*marks.origin(filename, number))
    line = marks.template_line(filename, number)
    hint = line.strip() if line and line.strip() else None
    if isinstance(error, jinja2.UndefinedError) and hint:
        hint += "\n  Give a value with --set NAME=VALUE, or test for it: {% if NAME is defined %}."
    return TemplateError(reason, location=location, hint=hint)


def _template_frame(trace: TracebackType | None, marks: _Marks) -> tuple[str, int] | None:
    """The innermost template line of a traceback, as file name and line."""
    found = None
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename == _MAIN or filename in marks.files:
            found = (filename, trace.tb_lineno)
        trace = trace.tb_next
    return found


@define(eq=False)
class _Marks:
    """The table behind the line marks: which mark stands for which line of which file."""

    source: Source
    directory: str
    files: set[str] = field(factory=set)
    """Absolute paths of the templates the main one includes or imports."""
    origins: list[Origin] = field(factory=list)

    def origin(self, filename: str | None, number: int) -> Origin:
        """The origin of a template line (1-based)."""
        if filename is None or filename == _MAIN:
            index = min(max(number - 1, 0), len(self.source.origins) - 1)
            return self.source.origins[index]
        relative = os.path.relpath(filename, self.directory)
        return (filename if relative.startswith("..") else relative, number)

    def template_line(self, filename: str | None, number: int) -> str | None:
        """The text of a template line (1-based)."""
        if filename is None or filename == _MAIN:
            return self.source.lines[number - 1] if 0 < number <= len(self.source.lines) else None
        with contextlib.suppress(OSError, UnicodeDecodeError), open(filename, encoding="utf-8") as stream:
            lines = stream.read().split("\n")
            return lines[number - 1] if 0 < number <= len(lines) else None
        return None

    def mark(self, filename: str | None, number: int) -> str:
        """A new mark for a line."""
        self.origins.append(self.origin(filename, number))
        return f"\x02{len(self.origins) - 1}\x03"


class _LineMarks(Extension):
    """Puts a mark at the start of every line of plain template text.

    It works on the tokens, after white space control and outside of tags and comments. Text that ends up in
    a value (macros, call and filter blocks, block assignments, recursive loops) is left alone: its length
    may matter there.
    """

    _CAPTURING = {"macro": "endmacro", "call": "endcall", "filter": "endfilter", "block": "endblock"}

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Pass the tokens on, with marks in the data tokens."""
        marks: _Marks = self.environment.line_marks  # type: ignore[attr-defined]
        filename = stream.filename
        open_tags: list[tuple[str, bool]] = []
        after_tag = True
        tag: list[Token] | None = None
        for token in stream:
            if tag is not None:
                tag.append(token)
            if token.type == "block_begin":
                tag = []
            elif token.type == "block_end" and tag is not None:
                self._note_tag(tag, open_tags)
                tag = None
                after_tag = True
            elif token.type == "variable_end":
                after_tag = False
            elif token.type == "data" and not any(captured for _, captured in open_tags):
                yield Token(token.lineno, "data", self._marked(token, after_tag, filename, marks))
                after_tag = False
                continue
            yield token

    def _note_tag(self, tag: list[Token], open_tags: list[tuple[str, bool]]) -> None:
        name = tag[0].value if tag else ""
        if open_tags and name == open_tags[-1][0]:
            open_tags.pop()
        elif name in self._CAPTURING:
            open_tags.append((self._CAPTURING[name], True))
        elif name == "for":
            open_tags.append(("endfor", any(token.value == "recursive" for token in tag[1:])))
        elif name == "set" and not _assigns(tag):
            open_tags.append(("endset", True))

    @staticmethod
    def _marked(token: Token, after_tag: bool, filename: str | None, marks: _Marks) -> str:
        lines = token.value.split("\n")
        pieces = [marks.mark(filename, token.lineno) + lines[0] if after_tag else lines[0]]
        pieces += [marks.mark(filename, token.lineno + step) + line for step, line in enumerate(lines[1:], 1)]
        return "\n".join(pieces)


def _assigns(tag: list[Token]) -> bool:
    """Whether a ``set`` tag has a value of its own, rather than opening a block."""
    for token in tag[1:]:
        if token.type == "assign":
            return True
        if token.type not in ("name", "comma", "dot"):
            return False
    return False


class _Loader(jinja2.BaseLoader):
    """Templates from files of the workflow directory, then Python modules in the guise of templates."""

    def __init__(self, directory: str, files: set[str]) -> None:
        self.directory = directory
        self.files = files

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The text of a template file; raises `TemplateNotFound`."""
        path = os.path.normpath(os.path.join(self.directory, template))
        try:
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
        except (OSError, UnicodeDecodeError, ValueError):
            raise jinja2.TemplateNotFound(template) from None
        self.files.add(path)
        return text, path, lambda: True

    def load(self, environment: jinja2.Environment, name: str, globals: Any = None) -> jinja2.Template:
        """A template, or a module that the template wants to import from."""
        if not name.startswith(_PYTHON_PREFIX):
            try:
                return super().load(environment, name, globals)
            except jinja2.TemplateNotFound as missing:
                if missing.name != name or not _MODULE_NAME.match(name):
                    raise
        module_name = name.removeprefix(_PYTHON_PREFIX)
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and module_name.startswith(error.name):
                raise jinja2.TemplateNotFound(name) from None
            raise
        return _ModuleTemplate(module)  # type: ignore[return-value]


class _ModuleTemplate:
    """What ``{% import %}`` needs of a template, answered by a Python module."""

    is_up_to_date = True

    def __init__(self, module: ModuleType) -> None:
        self.globals: dict[str, Any] = {}
        self._module = module

    def make_module(self, *_: Any, **__: Any) -> ModuleType:
        """The module, whatever the context."""
        return self._module

    def _get_default_module(self, *_: Any) -> ModuleType:
        return self._module


class _Environment(SandboxedEnvironment):
    """The sandbox, with everything of an imported Python module in reach."""

    line_marks: _Marks

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read an attribute."""
        return isinstance(obj, ModuleType) or super().is_safe_attribute(obj, attr, value)


def _environment(
    marks: _Marks, variables: Mapping[str, Any], environment: Mapping[str, str], *, marked: bool
) -> SandboxedEnvironment:
    directory = marks.directory
    extensions: list[Any] = ["jinja2.ext.do", _LineMarks] if marked else ["jinja2.ext.do"]
    loader = _Loader(directory, marks.files)
    result = _Environment(loader=loader, undefined=jinja2.StrictUndefined, extensions=extensions, auto_reload=False)
    result.line_marks = marks
    result.filters.update(FILTERS)
    result.globals.update(GLOBALS)
    result.globals["environ"] = dict(environment)
    result.globals["CYLC_VERSION"] = CYLC_VERSION
    result.globals["CYLC_WORKFLOW_SRC_DIR"] = source_directory(directory)
    result.globals.update({name: value for name, value in environment.items() if name.startswith("CYLC_")})
    result.globals["CYLC_TEMPLATE_VARS"] = {"CYLC_VERSION": CYLC_VERSION, **variables}
    home = environment.get("HOME")
    for base in (os.path.join(home, ".cylc") if home else None, directory):
        if base:
            _add_extras(base, result)
    return result


def source_directory(directory: str) -> str:
    """Where an installed workflow was installed from; the directory itself if it was not installed."""
    for base in (directory, os.path.dirname(directory)):
        link = os.path.join(base, "_cylc-install", "source")
        if os.path.islink(link):
            return os.path.realpath(link)
    return directory


def _add_extras(base: str, environment: SandboxedEnvironment) -> None:
    """Filters, tests and globals of the workflow or the user: one function per file, named as the file."""
    places: tuple[dict[str, Any], ...] = (environment.filters, environment.tests, environment.globals)
    for folder, place in zip(_EXTRA_DIRECTORIES, places, strict=True):
        path = os.path.join(base, folder)
        if not os.path.isdir(path):
            continue
        for file_name in sorted(os.listdir(path)):
            name, extension = os.path.splitext(file_name)
            if extension == ".py" and name != "__init__":
                place[name] = _function_of_file(os.path.join(path, file_name), name)


def _function_of_file(path: str, name: str) -> Any:
    # Run from its source, not by the import system: that would leave compiled files in the workflow's directory, and
    # take an old one for a file that was changed within the second.
    module = types.ModuleType(name)
    module.__file__ = path
    try:
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), module.__dict__)
        return getattr(module, name)
    except AttributeError:
        raise TemplateError(f"{path} has no function {name}", hint="The function is named as its file.") from None
    except Exception as error:
        raise TemplateError(f"cannot load {path}: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _module_path(directory: str) -> Iterator[None]:
    """``lib/python`` of the workflow can be imported from; its modules are forgotten afterwards."""
    path = os.path.join(directory, "lib", "python")
    if not os.path.isdir(path):
        yield
        return
    sys.path.append(path)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(path)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(path + os.sep):
                del sys.modules[name]


def _unmarked(marked: str, marks: _Marks, first: Origin) -> Source:
    """The text without marks, each line with the origin its mark says."""
    result = Source([], [])
    current = first
    for line in marked.split("\n"):
        pieces = _MARKER.split(line)
        origin = current
        seen_text = False
        for position, piece in enumerate(pieces):
            if position % 2:
                current = marks.origins[int(piece)]
                if not seen_text:
                    origin = current
            elif piece.strip():
                seen_text = True
        if seen_text:
            result.lines.append("".join(pieces[::2]))
            result.origins.append(origin)
    return result


def _matched_by_content(plain: str, source: Source) -> Source:
    """Origins guessed from equal lines, in order; a line like no other takes the place of the one before."""
    places: dict[str, list[int]] = {}
    for index, line in enumerate(source.lines):
        places.setdefault(line.strip(), []).append(index)
    result = Source([], [])
    position = 0
    for line in plain.split("\n"):
        stripped = line.strip()
        if not stripped:
            continue
        candidates = places.get(stripped, ())
        position = next((index for index in candidates if index >= position), position)
        result.lines.append(line)
        result.origins.append(source.origins[position])
    return result
