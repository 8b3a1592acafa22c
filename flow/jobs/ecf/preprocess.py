"""From the script of a task to its job: includes, comments, manuals, ``%nopp``, and variables put in (ecFlow 5.9).

A directive begins its line. ``%manual`` and ``%comment`` are left out of the job, ``%nopp`` is handed on untouched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, field, frozen

from ...suite.exceptions import SuiteError
from ...suite.variables import substitute
from .exceptions import ScriptError
from .search import Script

MOST_INCLUDES = 100
"""A file included more often than this includes itself."""
MANUAL, COMMENT, NOPP = "manual", "comment", "nopp"


@frozen
class Line:
    """One line of a script, and where it stands."""

    text: str
    file: str
    number: int
    is_raw: bool = False
    """From a file that is not to be processed."""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"


def make_job(path: str, script: Script, variables: Mapping[str, str]) -> str:
    """The text of the job of a task; raises `ScriptError`, which names file and line.

    Arguments:
        path: of the task.
        script: what was found for it.
        variables: all that the task sees.
    """
    return Preprocessor(path, script, variables).job()


def manual_of(path: str, script: Script, variables: Mapping[str, str]) -> str:
    """What the script says between ``%manual`` and ``%end``, variables put in."""
    return Preprocessor(path, script, variables).manual()


def expand(path: str, script: Script, variables: Mapping[str, str]) -> str:
    """The script with its includes put in and nothing else done."""
    return "".join(f"{line.text}\n" for line in Preprocessor(path, script, variables).lines())


@define
class Preprocessor:
    """One pass over one script."""

    path: str
    script: Script
    variables: Mapping[str, str]
    micro: str = field(init=False)
    _counts: dict[str, int] = field(factory=dict, init=False)
    _block: str = field(default="", init=False)
    _opened: Line | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.micro = self.variables.get("ECF_MICRO") or "%"

    def job(self) -> str:
        """The job."""
        made = []
        for line, block in self._marked():
            if block == NOPP or (not block and line.is_raw):
                made.append(line.text)
            elif not block:
                made.append(self._substituted(line))
        return "\n".join(made) + "\n"

    def manual(self) -> str:
        """The manual pages, one after the other."""
        made = [self._substituted(line) for line, block in self._marked() if block == MANUAL]
        return "".join(f"{text}\n" for text in made)

    def lines(self) -> Iterator[Line]:
        """The lines of the script, those of included files in their places."""
        yield from self._lines(self.script.text, self.script.source, depth=0)

    def _marked(self) -> Iterator[tuple[Line, str]]:
        """Each line that is not a directive, with the block it stands in ("" for none)."""
        for line in self.lines():
            if not line.is_raw and line.text.startswith(self.micro) and self._directive(line):
                continue
            yield line, self._block
        if self._opened is not None:
            raise ScriptError(f"{self._opened.place}: {self.micro}{self._block} has no {self.micro}end")

    def _directive(self, line: Line) -> bool:
        words = line.text[len(self.micro) :].split()
        word = words[0] if words else ""
        if word == "end":
            if self._opened is None:
                raise ScriptError(f"{line.place}: {self.micro}end, but nothing is open: no manual, comment or nopp")
            self._block, self._opened = "", None
            return True
        if self._block == NOPP:
            return False
        if word in (MANUAL, COMMENT, NOPP):
            if self._opened is not None:
                opened = f"{self.micro}{self._block} of line {self._opened.number}"
                raise ScriptError(f"{line.place}: {self.micro}{word} inside {opened}: end that first")
            self._block, self._opened = word, line
            return True
        if self._block:
            return False
        if word == "ecfmicro":
            if len(words) != 2 or len(words[1]) != 1:
                raise ScriptError(f"{line.place}: {self.micro}ecfmicro needs one character: {line.text}")
            self.micro = words[1]
            return True
        if line.text.count(self.micro) % 2 == 0:
            return False
        known = "include, includeonce, includenopp, manual, comment, nopp, end, ecfmicro"
        raise ScriptError(f"{line.place}: {self.micro}{word} is not a directive; there are {known}")

    def _lines(self, text: str, file: str, *, depth: int) -> Iterator[Line]:
        in_nopp = False
        for number, content in enumerate(_lines_of(text), 1):
            line = Line(content, file, number)
            micro = self.micro
            if content.startswith(micro):
                word = content[len(micro) :].split(maxsplit=1)[0] if content[len(micro) :].strip() else ""
                if word == NOPP:
                    in_nopp = True
                elif word == "end":
                    in_nopp = False
                elif word in ("include", "includeonce", "includenopp") and not in_nopp:
                    yield from self._included(word, line, depth=depth)
                    continue
            yield line

    def _included(self, word: str, line: Line, *, depth: int) -> Iterator[Line]:
        if self._block == COMMENT:
            return
        named = line.text[len(self.micro) + len(word) :].strip()
        if not named:
            raise ScriptError(f"{line.place}: {self.micro}{word} of what? Name a file: {self.micro}{word} <head.h>")
        place = self._place(named, line)
        key = str(place)
        if word == "includeonce" and key in self._counts:
            return
        self._counts[key] = self._counts.get(key, 0) + 1
        if depth > MOST_INCLUDES or self._counts[key] > MOST_INCLUDES:
            raise ScriptError(f"{line.place}: {place} is included more than {MOST_INCLUDES} times: it includes itself")
        try:
            text = place.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ScriptError(f"{line.place}: cannot include {place}: {error.strerror}") from error
        if word == "includenopp":
            for number, content in enumerate(_lines_of(text), 1):
                yield Line(content, key, number, is_raw=True)
        else:
            yield from self._lines(text, key, depth=depth + 1)

    def _place(self, named: str, line: Line) -> Path:
        """The file an include names, read as ecFlow reads it."""
        if named.startswith("<"):
            name = self._name(named[1:].partition(">")[0], line)
            first = Path(self._value("ECF_HOME"), name)
            for folder in self._value("ECF_INCLUDE").split(":"):
                if folder and (found := Path(folder, name)).is_file():
                    return found
            return first
        if named.startswith('"'):
            name = self._name(named[1:].partition('"')[0], line)
            if name.startswith(("./", "../")):
                return Path(os.path.normpath(Path(self.script.source).parent / name))
            if name.startswith("/"):
                return Path(name)
            family = self.variables.get("FAMILY", "")
            return Path(self._value("ECF_HOME"), self.variables.get("SUITE", ""), family, name)
        return Path(self._name(named.split()[0], line))

    def _name(self, name: str, line: Line) -> str:
        return self._put_in(name, line)

    def _value(self, name: str) -> str:
        return substitute(self.variables.get(name, ""), self.variables)

    def _substituted(self, line: Line) -> str:
        return self._put_in(line.text, line)

    def _put_in(self, text: str, line: Line) -> str:
        if self.micro not in text:
            return text
        try:
            return substitute(text, self.variables, micro=self.micro)
        except SuiteError as error:
            raise ScriptError(f"{line.place}: {error}") from error


def _lines_of(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines
