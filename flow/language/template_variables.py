"""Template variables from the command line: ``--set``, ``--set-list`` and ``--set-file`` to typed values."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from .exceptions import TemplateError
from .source import Location
from .values import split_list

_NAME = re.compile(r"[A-Za-z_]\w*\Z")


def parse_template_variables(
    *, set_: Sequence[str] = (), set_list: Sequence[str] = (), set_files: Sequence[str] = ()
) -> dict[str, Any]:
    """Typed template variables; ``--set`` counts over ``--set-list``, both over files, later over earlier.

    Args:
        set_: ``NAME=VALUE`` with a Python literal as value; a string is quoted.
        set_list: ``NAME=a,b,c`` for a list of strings.
        set_files: Files of ``NAME=VALUE`` lines, as for `set_`; ``#`` starts a comment line.

    Raises:
        TemplateError: Not of that form, with what to write instead.
    """
    variables: dict[str, Any] = {}
    for path in set_files:
        variables.update(_read_file(path))
    for text in set_list:
        name, value = _split(text, "--set-list", "NAME=a,b,c")
        try:
            variables[name] = split_list(value)
        except ValueError as error:
            raise TemplateError(f"--set-list {text}: {error}") from error
    for text in set_:
        name, value = _split(text, "--set", "NAME=VALUE")
        variables[name] = _literal(name, value, f"--set {text}", None)
    return variables


def _split(text: str, option: str, form: str, location: Location | None = None) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise TemplateError(f"{option} {text}: there is no =", location=location, hint=f"Write: {option} {form}")
    if not _NAME.match(name):
        raise TemplateError(
            f"{option} {text}: {name!r} is not a variable name",
            location=location,
            hint="A name holds letters, digits and _, and does not start with a digit.",
        )
    return name, value.strip()


def _literal(name: str, value: str, shown: str, location: Location | None) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        quoted = '"' + value.replace('"', '\\"') + '"'
        raise TemplateError(
            f"{shown}: {value or 'nothing'} is not a Python literal",
            location=location,
            hint=f"A string must be quoted: {name}={quoted} (in a shell: '{name}={quoted}').",
        ) from None


def _read_file(path: str) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"cannot read the template variables in {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            location = Location(path, number)
            name, value = _split(text, "--set-file", "NAME=VALUE", location)
            variables[name] = _literal(name, value, text, location)
    return variables
