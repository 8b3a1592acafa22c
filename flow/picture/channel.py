"""One kind of element on its way out: which exist, which are new, changed or gone since the last delta, and their
checksum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from ...proto.field_numbers import TPDeltas as Deltas
from . import wire
from .checksum import Checksum
from .elements import Chunk, Element
from .kind import Kind

CHUNK = 128
"""How many elements are written together."""

E = TypeVar("E", bound=Element)


class Channel(Generic[E]):
    """The elements of one kind, by id.

    Args:
        topic: What its deltas are published as.
        kind: How its elements are written.
        has_stamps: Edges have none: their ids stand for them in the checksum.
    """

    def __init__(self, topic: str, kind: Kind[E], *, has_stamps: bool = True) -> None:
        self.topic = topic
        self.elements: dict[str, E] = {}
        self.sequence = 0
        """How many deltas have been made."""
        self._kind = kind
        self._has_stamps = has_stamps
        self._published: dict[str, str] = {}
        """By id: the stamp that subscribers know."""
        self._references: dict[str, bytes] = {}
        self._joined: bytes | None = None
        self._added: dict[E, None] = {}
        self._updated: dict[E, None] = {}
        self._pruned: dict[str, bytes] = {}
        self._chunks: list[Chunk] = []
        self._checksum = Checksum()

    def add(self, element: E) -> None:
        """An element has come into being."""
        self.elements[element.id] = element
        self._pruned.pop(element.id, None)
        self._added[element] = None

    def touch(self, element: E) -> bool:
        """An element has changed; False if it is new, so that all of it will be told anyway."""
        if element in self._added:
            return False
        self._updated[element] = None
        return True

    def is_new(self, element: E) -> bool:
        """Whether all of an element will be told in the next delta."""
        return element in self._added

    def is_news_of(self, id: str) -> bool:
        """Whether subscribers know no element of this id, so that lists of ids must be told of it."""
        return id not in self._published

    def prune(self, element: E) -> None:
        """An element is gone."""
        del self.elements[element.id]
        chunk = element.chunk
        if chunk is not None:
            del chunk.elements[element]
            chunk.data = None
        self._added.pop(element, None)
        self._updated.pop(element, None)
        if element.id in self._published:
            self._pruned[element.id] = element.reference

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._added or self._updated or self._pruned)

    def listed(self, number: int) -> bytes:
        """The ids of all published elements as a repeated field."""
        if self._joined is None:
            self._joined = wire.references(number, self._references.values())
        return self._joined

    def delta(self, time: float, time_text: str, *, reloaded: bool = False) -> tuple[bytes, list[bytes]]:
        """What has changed since the last call as the bytes of a delta, and the references of what is new.

        Args:
            time: Of the delta, in seconds since the epoch.
            time_text: The same as text, for stamps.
            reloaded: Whether subscribers are to forget what they had before.
        """
        kind, published, checksum = self._kind, self._published, self._checksum
        parts = [wire.double(Deltas.time, time)]
        new_references: list[bytes] = []
        added, self._added = self._added, {}
        updated, self._updated = self._updated, {}
        pruned, self._pruned = self._pruned, {}
        for id in pruned:
            checksum.remove(published.pop(id))
            del self._references[id]
        for element in added:
            id = element.id
            stamp = f"{id}@{time_text}" if self._has_stamps else id
            before = published.get(id)
            if before is not None:
                checksum.remove(before)
            else:
                new_references.append(element.reference)
            published[id] = stamp
            checksum.add(stamp)
            self._references[id] = element.reference
            self._place(element)
            parts += wire.pieces(Deltas.added, kind.new(element, stamp))
        for element in updated:
            id = element.id
            stamp = f"{id}@{time_text}" if self._has_stamps else id
            checksum.remove(published[id])
            published[id] = stamp
            checksum.add(stamp)
            if element.chunk is not None:
                element.chunk.data = None
            parts.append(wire.message(Deltas.updated, kind.update(element, stamp)))
        if pruned:
            parts.append(wire.references(Deltas.pruned, pruned.values()))
        if new_references or pruned:
            self._joined = None
        if reloaded:
            parts.append(wire.boolean(Deltas.reloaded, True))
        self.sequence += 1
        parts.append(wire.integer(Deltas.checksum, checksum.value()))
        parts.append(wire.integer(Deltas.sequence, self.sequence))
        return b"".join(parts), new_references

    def _place(self, element: E) -> None:
        """Put a newly published element into a chunk."""
        if not self._chunks or len(self._chunks[-1].elements) >= CHUNK:
            self._chunks = [chunk for chunk in self._chunks if chunk.elements]
            self._chunks.append(Chunk())
        chunk = element.chunk = self._chunks[-1]
        chunk.elements[element] = None
        chunk.data = None

    def whole(self, number: int) -> list[bytes]:
        """Every published element as a field of the whole picture's message; there must be no news.

        Only chunks in which something has changed since are written again.
        """
        written = []
        for chunk in self._chunks:
            if chunk.data is None:
                chunk.data = b"".join(self._write(number, chunk.elements))
            written.append(chunk.data)
        return written

    def _write(self, number: int, elements: Iterable[Any]) -> list[bytes]:
        whole, published = self._kind.whole, self._published
        tag, varint = wire.length_tag(number), wire.varint
        parts: list[bytes] = []
        for element in elements:
            pieces = whole(element, published[element.id])
            parts.append(tag)
            parts.append(varint(sum(map(len, pieces))))
            parts += pieces
        return parts

    def everything(self, time: float) -> bytes:
        """A delta that adds everything: what a subscriber that has lost track asks for."""
        return b"".join(
            [
                wire.double(Deltas.time, time),
                *self._write(Deltas.added, self.elements.values()),
                wire.integer(Deltas.sequence, self.sequence),
            ]
        )

    def start_over(self) -> None:
        """Forget every element; subscribers will be told that all was reloaded."""
        self.elements.clear()
        self._published.clear()
        self._references.clear()
        self._joined = None
        self._chunks = []
        self._added, self._updated, self._pruned = {}, {}, {}
        self._checksum = Checksum()


AnyChannel = Channel[Any]
