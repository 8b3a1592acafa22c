"""Where the script of a task is: ``ECF_SCRIPT``, ``ECF_FETCH`` or ``ECF_SCRIPT_CMD``, ``ECF_FILES``, ``ECF_HOME``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from ...suite.variables import substitute
from .exceptions import NoScript

FETCH_TIMEOUT_SECONDS = 60


@frozen
class Script:
    """The text of a script and where it is from."""

    text: str
    source: str
    """A path, or the command that printed it."""


def find_script(path: str, variables: Mapping[str, str]) -> Script:
    """The script of the task at `path`, looked for as ecFlow does.

    In turn: the file ``ECF_SCRIPT``; the output of ``ECF_FETCH`` or ``ECF_SCRIPT_CMD``; below ``ECF_FILES``, then below
    ``ECF_HOME``, the path of the task with ever more of its beginning left out (``ECF_FILES_LOOKUP=prune_leaf``: of
    its end).

    Arguments:
        path: of the task, ``/suite/family/task``.
        variables: all that the task sees; values may name others.

    Raises:
        NoScript: there is none; the message says where it was looked for.
    """
    tried = []
    for candidate in candidates(path, variables):
        if isinstance(candidate, str):
            return Script(_fetch(candidate), candidate)
        tried.append(str(candidate))
        try:
            return Script(candidate.read_text(encoding="utf-8", errors="surrogateescape"), str(candidate))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            raise NoScript(f"{path}: the script {candidate} cannot be read: {error.strerror}") from error
    places = "\n  ".join(dict.fromkeys(tried))
    raise NoScript(
        f"{path}: there is no script for it; looked for\n  {places}\nCreate one, or set ECF_FILES or ECF_HOME"
    )


def candidates(path: str, variables: Mapping[str, str]) -> Iterator[Path | str]:
    """Where to look, in order: files, and as text the command that prints a script."""

    def value(name: str) -> str:
        return substitute(variables.get(name, ""), variables)

    if script := value("ECF_SCRIPT"):
        yield Path(script)
    if fetch := value("ECF_FETCH"):
        yield f"{fetch} -s {script}"
        return
    if command := value("ECF_SCRIPT_CMD"):
        yield command
        return
    extension = value("ECF_EXTN") or ".ecf"
    words = [word for word in path.split("/") if word]
    prune_leaf = value("ECF_FILES_LOOKUP") == "prune_leaf"
    for root in (value("ECF_FILES"), value("ECF_HOME")):
        if not root:
            continue
        for count in range(len(words)):
            if prune_leaf:
                kept = words[: len(words) - 1 - count]
            else:
                kept = words[count:-1]
            yield Path(root, *kept, words[-1] + extension)


def _fetch(command: str) -> str:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=FETCH_TIMEOUT_SECONDS,
            check=False,
            text=True,
            errors="surrogateescape",
        )
    except subprocess.TimeoutExpired:
        raise NoScript(f"the command for the script, {command}, took more than {FETCH_TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise NoScript(f"the command for the script, {command}, cannot be run: {error}") from error
    if done.returncode or not done.stdout:
        said = done.stderr.strip() or "it printed nothing"
        raise NoScript(f"the command for the script, {command}, failed with status {done.returncode}: {said}")
    return done.stdout
