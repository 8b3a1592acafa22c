"""The checksum over all stamps of one kind of element, kept as they change: O(square root of n) for each change."""

from __future__ import annotations

from bisect import bisect_left, insort
from zlib import adler32

_MODULUS = 65521
_BLOCK = 256


class Checksum:
    """Adler-32 of many texts joined in sorted order.

    The texts lie in sorted blocks, each with its own checksum; the checksums of blocks are joined as those of two
    concatenated texts can be (see ``adler32_combine`` of zlib).
    """

    def __init__(self) -> None:
        self._blocks: list[list[str]] = []
        self._firsts: list[str] = []
        self._sums: list[tuple[int, int] | None] = []
        """Checksum and length in bytes of each block; None where it has changed."""

    def add(self, text: str) -> None:
        """Take a text in."""
        blocks = self._blocks
        if not blocks:
            blocks.append([text])
            self._firsts.append(text)
            self._sums.append(None)
            return
        index = self._index(text)
        block = blocks[index]
        insort(block, text)
        self._firsts[index] = block[0]
        self._sums[index] = None
        if len(block) > 2 * _BLOCK:
            half = block[_BLOCK:]
            del block[_BLOCK:]
            blocks.insert(index + 1, half)
            self._firsts.insert(index + 1, half[0])
            self._sums.insert(index + 1, None)

    def remove(self, text: str) -> None:
        """Let a text go that was taken in."""
        index = self._index(text)
        block = self._blocks[index]
        position = bisect_left(block, text)
        assert block[position] == text
        del block[position]
        if block:
            self._firsts[index] = block[0]
            self._sums[index] = None
        else:
            del self._blocks[index], self._firsts[index], self._sums[index]

    def value(self) -> int:
        """The checksum as it stands."""
        low, high = 1, 0
        for index, known in enumerate(self._sums):
            if known is None:
                data = "".join(self._blocks[index]).encode()
                known = self._sums[index] = (adler32(data), len(data))
            checksum, length = known
            high = (high + (checksum >> 16) + length * (low - 1)) % _MODULUS
            low = (low + (checksum & 0xFFFF) - 1) % _MODULUS
        return high << 16 | low

    def _index(self, text: str) -> int:
        index = bisect_left(self._firsts, text)
        if index == len(self._firsts) or self._firsts[index] != text:
            index -= 1
        return max(index, 0)
