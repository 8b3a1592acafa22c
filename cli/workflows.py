"""Which workflow an argument means: names, paths and globs of the command line to workflows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..contact.exceptions import IdentifierError
from ..contact.identifiers import Identifier, is_glob, match_names, parse_identifiers
from ..contact.paths import is_run, resolve_workflow, run_root
from ..contact.scan import RUNNING, STOPPED, scan
from .exceptions import InputError

DEFINITIONS = ("flow.cylc", "suite.rc")


class Definition(NamedTuple):
    """Where a workflow definition was found."""

    directory: Path
    name: str
    """The id of the run it belongs to, or the name of its source."""
    installed: bool
    """Whether it lies in the run root."""


def source_directories() -> list[Path]:
    """Where workflow sources are looked for: the site's ``[install]source dirs``, default ``~/cylc-src``."""
    from ..flow.language.globals import load_global_config

    given = load_global_config(os.environ).section("install").get("source dirs") or ["~/cylc-src"]
    return [Path(os.path.expandvars(os.path.expanduser(directory))).absolute() for directory in given]


def is_path(text: str) -> bool:
    """Whether an argument is a path rather than a name: it begins with ``.``, ``/`` or ``~/``."""
    return text in (".", "..", "~") or text.startswith(("./", "../", "/", "~/"))


def find_definition(text: str) -> Definition:
    """The workflow definition an argument means: a path, a run, or a source by name, in this order.

    Arguments:
        text: a directory or its ``flow.cylc`` (``./dir``, ``/dir/flow.cylc``), an installed workflow
            (``name``, ``name/runN``), or a name in the source directories.

    Raises:
        InputError: there is none; says where was looked.
    """
    if is_path(text):
        return _definition_at(text)
    if "//" in text:
        raise InputError(f"{text}: a workflow is needed here, not a cycle or task of one")
    run = resolve_workflow(text)
    directory = run_root() / run
    if has_definition(directory):
        return Definition(directory, run, installed=True)
    for root in source_directories():
        if has_definition(root / text):
            return Definition(root / text, text, installed=False)
    looked = ", ".join(map(str, [run_root(), *source_directories()]))
    message = f"workflow not found: {text}; looked in {looked}"
    if has_definition(Path(text)) or (text.endswith(DEFINITIONS) and Path(text).is_file()):
        message += f"; for the directory here write ./{text}"
    raise InputError(message)


def find_source(text: str) -> Definition:
    """The workflow source to install: a path, or a name in the source directories.

    Raises:
        InputError: there is none; says where was looked.
    """
    if is_path(text):
        return _definition_at(text)
    for root in source_directories():
        if has_definition(root / text):
            return Definition(root / text, text, installed=False)
    message = f"workflow source not found: {text}; looked in {', '.join(map(str, source_directories()))}"
    if has_definition(Path(text)):
        message += f"; for the directory here write ./{text}"
    raise InputError(message)


def find_run(text: str) -> str:
    """The id of the run an argument means: ``name`` is the latest of its numbered runs.

    Raises:
        InputError: there is no such run; says where was looked.
    """
    run = resolve_workflow(text)
    directory = run_root() / run
    if not directory.is_dir():
        from ..contact.ports.discovery import advertised_schedulers

        if run in advertised_schedulers():
            return run  # below another run root, but running: whoever asks it finds it
        raise InputError(f"workflow not found: {text}; looked in {run_root()}")
    if not is_run(directory):
        raise InputError(f"{directory} is not a run: it has no flow.cylc; 'tidemill scan --states=all' lists the runs")
    return run


def find_runs(texts: Sequence[str], *, running: bool) -> list[str]:
    """The runs that names and globs mean, each once, in order.

    Arguments:
        texts: workflow ids; a glob (``'ocean*'``) means every match.
        running: globs match only runs with a contact file.

    Raises:
        InputError: a name is not there, or a glob matches nothing.
    """
    known: list[str] | None = None
    found: dict[str, None] = {}
    for text in texts:
        if not is_glob(text):
            found[find_run(text)] = None
            continue
        if known is None:
            known = sorted(installed_runs(running=running))
        matched = match_names(text, known)
        # 'oc*' means ocean/run2 too, as 'ocean' means its latest run.
        matched += [run for run in known if run not in matched and match_names(text, [run.rpartition("/")[0]])]
        if not matched:
            kind = "running workflow" if running else "workflow"
            raise InputError(f"no {kind} matches {text!r}; looked in {run_root()}")
        found.update(dict.fromkeys(matched))
    return list(found)


def find_job_identifier(texts: Sequence[str]) -> Identifier:
    """The identifier of a workflow or a task, with the run resolved: ``wf//1/foo``, or ``wf //1/foo``.

    Raises:
        InputError, IdentifierError: it is more than one, or not valid, or there is no such run.
    """
    identifiers = parse_identifiers(texts)
    if len(identifiers) != 1:
        raise InputError(f"one workflow or task is needed, found {len(identifiers)}: {' '.join(texts)}")
    identifier = identifiers[0]
    if identifier.workflow is None:
        raise IdentifierError(f"{texts[0]} names no workflow")
    return identifier._replace(user=None, workflow=find_run(identifier.workflow))


def has_definition(directory: Path) -> bool:
    """Whether a directory holds a workflow definition."""
    return any((directory / name).is_file() for name in DEFINITIONS)


def installed_runs(*, running: bool = False, root: Path | None = None) -> Iterator[str]:
    """The ids of the runs in the run root, in order of names.

    Arguments:
        running: only those with the contact file of a scheduler that may be running.
        root: another directory to look through.
    """
    states = (RUNNING,) if running else (RUNNING, STOPPED)
    return (found.workflow for found in scan(root, states=states))


def installed_sources() -> list[str]:
    """The names of the workflow sources in the source directories, each once, sorted."""
    return sorted({name for root in source_directories() for name in installed_runs(root=root)})


def _definition_at(text: str) -> Definition:
    path = Path(os.path.expanduser(text)).absolute()
    directory = path.parent if path.name in DEFINITIONS and path.is_file() else path
    # normpath, not resolve: the user's own name for a linked directory is kept.
    directory = Path(os.path.normpath(directory))
    if not directory.is_dir():
        raise InputError(f"directory not found: {directory}")
    if not has_definition(directory):
        raise InputError(f"no {' or '.join(DEFINITIONS)} in {directory}")
    root = run_root()
    if directory.is_relative_to(root) and directory != root:
        name = str(directory.relative_to(root))
        return Definition(directory, name, installed=True)
    return Definition(directory, directory.name, installed=False)
