"""From the text of a handler in ``flow.cylc`` to the command line to run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .exceptions import TemplateError

_TEMPLATE = re.compile(r"%[(%]")


def handlers_for(events: Mapping[str, Any], event: str) -> list[str]:
    """The handlers of an event: its own, else the general ones if ``handler events`` names it (Cylc 8.5 behaviour).

    Arguments:
        events: an ``[events]`` section.
        event: name of the event.
    """
    own = events.get(f"{event} handlers")
    if own:
        return list(own)
    if event in (events.get("handler events") or ()):
        return list(events.get("handlers") or ())
    return []


def is_template(handler: str) -> bool:
    """Whether a handler is a template, rather than called with the standard arguments."""
    return _TEMPLATE.search(handler) is not None


def command_line(handler: str, values: Mapping[str, str], plain: Sequence[str]) -> str:
    """The shell command of a handler.

    Arguments:
        handler: as written: with ``%(key)s`` it is a template, without it is called with standard arguments.
        values: what keys stand for, quoted for the shell.
        plain: the standard arguments.

    Raises:
        TemplateError: the template has a key there is no value for, or is not well formed.
    """
    if not is_template(handler):
        return " ".join([handler, *(quoted(argument) for argument in plain)])
    try:
        return handler % values
    except KeyError as error:
        raise TemplateError(f"there is no %({error.args[0]})s here; there is {', '.join(sorted(values))}") from None
    except (ValueError, TypeError) as error:
        raise TemplateError(f"{error}: write %(key)s for a value and %% for a per cent sign") from None


def quoted(text: str) -> str:
    """A text as one shell word, in single quotes."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
