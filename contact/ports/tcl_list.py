"""Words to a line and back, quoted as Tcl quotes lists: what the port manager's line protocol is written in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..exceptions import PortRequestError

_PLAIN = re.compile(r'[^\s{}\[\]"$;\\#]+')
_SPACE = " \t\n\r\f\v"
_WORDS = re.compile(r"[^ \t\n\r\f\v]+")
# A word as most are: in braces that hold no others, or bare; without backslashes.
_SIMPLE = re.compile(r"""[ \t\n\r\f\v]*(?:\{([^{}\\]*)\}|([^ \t\n\r\f\v{"\\][^ \t\n\r\f\v\\]*))(?=[ \t\n\r\f\v]|\Z)""")
_NAMED = {"\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}
_MEANING = {written[1]: character for character, written in _NAMED.items()}
_TO_ESCAPE = re.compile(r'[\s{}\[\]"$;\\#]')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|\n[ \t]*|.)", re.DOTALL)


def join_words(words: Iterable[str]) -> str:
    """Words as one Tcl list that holds no line break."""
    return " ".join([quote(word) for word in words])


def quote(word: str) -> str:
    """One word of a list: as it is, in braces, or with backslashes where braces cannot hold it."""
    if _PLAIN.fullmatch(word):
        return word
    if not word:
        return "{}"
    if "\\" in word or not word.isprintable() or not _is_balanced(word):
        return _TO_ESCAPE.sub(lambda found: _NAMED.get(found[0], "\\" + found[0]), word)
    return f"{{{word}}}"


def split_words(text: str) -> list[str]:
    """The words of a Tcl list.

    Raises:
        PortRequestError: a brace or quote is not closed, or something follows a closed one; in Tcl's words.
    """
    if not any(mark in text for mark in '{}"\\'):
        return _WORDS.findall(text)
    words: list[str] = []
    position, end = 0, len(text)
    while True:
        while found := _SIMPLE.match(text, position):
            braced = found[1]
            words.append(found[2] if braced is None else braced)
            position = found.end()
        while position < end and text[position] in _SPACE:
            position += 1
        if position == end:
            return words
        mark = text[position]
        if mark == "{":
            word, position = _braced(text, position + 1)
        elif mark == '"':
            word, position = _quoted(text, position + 1)
        else:
            start = position
            while position < end and text[position] not in _SPACE:
                position += 2 if text[position] == "\\" else 1
            position = min(position, end)
            word = _without_escapes(text[start:position])
        words.append(word)


def _braced(text: str, start: int) -> tuple[str, int]:
    depth, position = 1, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                _check_end(text, position + 1, "braces")
                return text[start:position], position + 1
        position += 1
    raise PortRequestError("unmatched open brace in list")


def _quoted(text: str, start: int) -> tuple[str, int]:
    position = start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == '"':
            _check_end(text, position + 1, "quotes")
            return _without_escapes(text[start:position]), position + 1
        position += 1
    raise PortRequestError("unmatched open quote in list")


def _check_end(text: str, position: int, kind: str) -> None:
    if position < len(text) and text[position] not in _SPACE:
        found = text[position:].split()[0]
        raise PortRequestError(f'list element in {kind} followed by "{found}" instead of space')


def _without_escapes(word: str) -> str:
    return _ESCAPE.sub(_meaning, word) if "\\" in word else word


def _meaning(found: re.Match[str]) -> str:
    escaped = found[1]
    first = escaped[0]
    if len(escaped) > 1 and first in "xuU":
        number = int(escaped[1:], 16)
        # Halves of characters cannot be written in UTF-8.
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    if first in "01234567":
        return chr(int(escaped, 8) & 0xFF)
    if first == "\n":
        return " "
    return _MEANING.get(escaped, escaped)


def _is_balanced(word: str) -> bool:
    if "{" not in word and "}" not in word:
        return True
    depth = 0
    for character in word:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return not depth
