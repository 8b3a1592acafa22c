"""Lines of the port manager: words quoted as Tcl quotes them, and read back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.contact.exceptions import PortRequestError
from tidemill.contact.ports.tcl_list import join_words, split_words

AWKWARD = [
    "",
    "plain",
    "my svc",
    "{",
    "}",
    "a{b",
    "a}{b",
    "{a b}",
    'a"b',
    '"',
    "\\",
    "a\\",
    "a\\ b",
    "a\\{ b",
    "$HOME",
    "[exit]",
    "a;b",
    "#first",
    "line\nbreak",
    "tab\there",
    "ünï",
    "東 京",
    "🌊",
    "no\u00a0break",
    "{unbalanced",
]


@given(st.lists(st.text()))
def test_words_come_back_as_they_were(words: list[str]) -> None:
    """Whatever text words hold, the line made of them is one line and gives them back."""
    line = join_words(words)
    assert "\n" not in line
    assert "\r" not in line
    assert split_words(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("GIMME svcA alice", ["GIMME", "svcA", "alice"]),
        ("  GIMME\t{my svc}   alice  ", ["GIMME", "my svc", "alice"]),
        ("{} {}", ["", ""]),
        ('"a b" c', ["a b", "c"]),
        ('"a\\"b" c', ['a"b', "c"]),
        ("{a {b c} d} e", ["a {b c} d", "e"]),
        ("a\\ b", ["a b"]),
        ("\\x41\\u00fc\\101\\t", ["AüA\t"]),
        ("{a\\{b}", ["a\\{b"]),
        ('x{ a"b', ["x{", 'a"b']),
        ("a\u00a0b", ["a\u00a0b"]),
        ("", []),
    ],
)
def test_lines_are_read_as_tcl_reads_lists(line: str, words: list[str]) -> None:
    """Braces, quotes, backslashes and bare words mean what they mean in a Tcl list."""
    assert split_words(line) == words


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("GIMME {unbalanced u", "unmatched open brace in list"),
        ('GIMME "open', "unmatched open quote in list"),
        ("{a}b", 'list element in braces followed by "b" instead of space'),
        ('"a"b c', 'list element in quotes followed by "b" instead of space'),
    ],
)
def test_what_is_no_list_is_refused(line: str, problem: str) -> None:
    """A brace or quote that is not closed is an error, in Tcl's words."""
    with pytest.raises(PortRequestError, match="^" + problem.replace("(", r"\(") + "$"):
        split_words(line)


READ_AND_WRITE = """
foreach channel {stdin stdout} {fconfigure $channel -encoding utf-8}
set words [gets stdin]
puts [llength $words]
foreach word $words {binary scan [encoding convertto utf-8 $word] H* written; puts x$written}
puts [lmap word $words {set word}]
"""


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")
def test_tcl_reads_our_lists_and_we_read_its(tmp_path: Path) -> None:
    """A real Tcl takes our line apart into the same words, and we take apart the line that it makes of them."""
    script = tmp_path / "words.tcl"
    script.write_text(READ_AND_WRITE)
    words = [word for word in AWKWARD if word.isascii() or max(word) < "\U00010000"]
    done = subprocess.run(
        ["tclsh", str(script)], input=f"{join_words(words)}\n".encode(), capture_output=True, check=True, timeout=20
    )
    count, *lines = done.stdout.decode().split("\n", len(words) + 1)
    assert int(count) == len(words)
    assert [bytes.fromhex(line[1:]).decode() for line in lines[: len(words)]] == words
    assert split_words(lines[len(words)]) == words
