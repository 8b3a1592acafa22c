"""Cutting a line of a definition into words: comments, quotes, names, numbers."""

from __future__ import annotations

import re

from .exceptions import AttributeTextError

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*\Z")
"""A legal name of a node or of an attribute."""

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_COMMENT = re.compile(r"\s#")


def split_words(text: str) -> list[str]:
    """The words of a line before its comment; quotes mean nothing here."""
    words = text.split()
    if "#" in text:
        for index, word in enumerate(words):
            if word[0] == "#":
                return words[:index]
    return words


def split_quoted(text: str) -> list[str]:
    """The words of a line before its comment; what begins with a quote ends at the next one like it that ends a word.

    The quotes are taken off. A quote that nothing closes is a letter like any other.
    """
    if "'" not in text and '"' not in text:
        return split_words(text)
    words = []
    position, length = 0, len(text)
    while position < length:
        if text[position].isspace():
            position += 1
            continue
        start, quote = position, text[position]
        if quote == "#":
            break
        end = _closing(text, start, quote) if quote in "'\"" else -1
        if end > 0:
            words.append(text[start + 1 : end])
            position = end + 1
            continue
        while position < length and not text[position].isspace():
            position += 1
        word = text[start:position]
        words.append(word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word)
    return words


def _closing(text: str, start: int, quote: str) -> int:
    """Where the quote that opens at `start` is closed: by one like it before a space, or at the end."""
    end = text.find(quote, start + 1)
    while end > 0 and end + 1 < len(text) and not text[end + 1].isspace():
        end = text.find(quote, end + 1)
    return end


def quoted_value(text: str, *, last_quote: bool = False) -> str:
    """The value at the end of a line: ``'in quotes' # comment``, ``"in quotes"`` or plain words.

    A value in quotes goes to the last quote like the first, unless what comes before a ``#`` is a whole value already.
    With `last_quote` (checkpoints, whose values may hold anything) it goes to the last in any case. Spaces and ``#``
    inside quotes are kept.
    """
    quote = text[0]
    if quote in "'\"":
        if last_quote and (end := text.rfind(quote)) > 0:
            return text[1:end]
        if text[-1] == quote and len(text) > 1 and "#" not in text:
            return text[1:-1]
        for match in _COMMENT.finditer(text):
            before = text[: match.start()].rstrip()
            if len(before) > 1 and before[-1] == quote:
                return before[1:-1]
        whole = text.rstrip()
        if whole[-1] == quote and len(whole) > 1:
            return whole[1:-1]
        if whole == quote:
            raise AttributeTextError(f"the quote ({quote}) is not closed")
    return " ".join(split_words(text))


def split_statements(line: str) -> list[str]:
    """The statements of a line with ``;`` in it, those in quotes and in comments not counted."""
    text = line.strip()
    first = text.split(None, 1)[0]
    if first == "label" or (first == "edit" and len(re.findall(r"(?:^|;)\s*edit\s", text)) == 1):
        return [line]
    statements: list[str] = []
    start, quote = 0, ""
    before = " "
    for index, letter in enumerate(text):
        if quote:
            if letter == quote and (index + 1 == len(text) or text[index + 1] in " \t;"):
                quote = ""
        elif letter in "'\"" and before.isspace() and text.find(letter, index + 1) > 0:
            quote = letter
        elif letter == "#" and (before.isspace() or before == ";"):
            text = text[:index]
            break
        elif letter == ";":
            statements.append(text[start:index])
            start = index + 1
        before = letter
    statements.append(text[start:])
    return [statement for statement in statements if statement.strip()]


def check_name(name: str, what: str) -> str:
    """The name, if it is a legal one; `what` it is the name of is said if not."""
    if NAME.match(name) is None:
        raise AttributeTextError(
            f"'{name}' is no {what} name: letters, digits, '_' and '.' are allowed, and it cannot begin with '.'"
        )
    return name


def parse_integer(text: str, what: str) -> int:
    """A whole number that fits 32 bits (ecFlow's), if the text is one."""
    if _INTEGER.match(text) is None:
        raise AttributeTextError(f"{what} is to be a whole number, not '{text}'")
    number = int(text)
    if not -(2**31) <= number < 2**31:
        raise AttributeTextError(f"{what} ({text}) does not fit 32 bits")
    return number
