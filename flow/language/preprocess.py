"""What happens to the lines of a file before they are parsed: its template engine, then continuations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .exceptions import ConfigError
from .source import Source, join_continuations

_HASHBANG = re.compile(r"#!([jJ]inja2|[eE]m[pP]y)\b")


def process(source: Source, directory: str, variables: Mapping[str, Any], environment: Mapping[str, str]) -> Source:
    """Run the template engine that the first line asks for, and join continuation lines.

    Raises:
        TemplateError: The template fails.
        ConfigError: The engine is not supported, or a continuation line is malformed.
    """
    return join_continuations(fill_in(source, directory, variables, environment))


def fill_in(source: Source, directory: str, variables: Mapping[str, Any], environment: Mapping[str, str]) -> Source:
    """Run the template engine that the first line asks for; raises as `process` does."""
    match = _HASHBANG.match(source.lines[0]) if source.lines else None
    engine = match[1].lower() if match else ""
    if engine == "jinja2":
        from .template import render  # heavy: only files that ask for it pay for Jinja2

        return render(source, directory, variables, environment)
    if engine == "empy":
        raise ConfigError(
            "EmPy templates are not supported",
            location=source.location(0),
            hint="Rewrite the template in Jinja2 and start the file with: #!Jinja2",
        )
    return source
