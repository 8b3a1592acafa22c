"""One kind of element on its way out: which exist, which are new, changed or gone since the last delta, and their
checksum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from ...proto.field_numbers import TPDeltas as Deltas
from . import wire
from .checksum import Checksum
from .elements import Element
from .encode import Kind

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
        """What has changed since the last call as the bytes of a delta, and the references of what is new."""
        kind, published, checksum = self._kind, self._published, self._checksum
        parts = [wire.double(Deltas.time, time)]
        new_references: list[bytes] = []
        for id in self._pruned:
            checksum.remove(published.pop(id))
            del self._references[id]
        for element in self._added:
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
            parts += wire.pieces(Deltas.added, kind.new(element, stamp))
        for element in self._updated:
            id = element.id
            stamp = f"{id}@{time_text}" if self._has_stamps else id
            checksum.remove(published[id])
            published[id] = stamp
            checksum.add(stamp)
            parts.append(wire.message(Deltas.updated, kind.update(element, stamp)))
        if self._pruned:
            parts.append(wire.references(Deltas.pruned, self._pruned.values()))
        if new_references or self._pruned:
            self._joined = None
        if reloaded:
            parts.append(wire.boolean(Deltas.reloaded, True))
        self._added, self._updated, self._pruned = {}, {}, {}
        self.sequence += 1
        parts.append(wire.integer(Deltas.checksum, checksum.value()))
        parts.append(wire.integer(Deltas.sequence, self.sequence))
        return b"".join(parts), new_references

    def whole(self, number: int) -> Iterator[list[bytes]]:
        """Every published element as a field of a message, in pieces; there must be no news."""
        whole, published = self._kind.whole, self._published
        for id, element in self.elements.items():
            yield wire.pieces(number, whole(element, published[id]))

    def everything(self, time: float) -> bytes:
        """A delta that adds everything: what a subscriber that has lost track asks for."""
        parts: list[bytes] = [wire.double(Deltas.time, time)]
        for pieces in self.whole(Deltas.added):
            parts += pieces
        parts.append(wire.integer(Deltas.sequence, self.sequence))
        return b"".join(parts)

    def start_over(self) -> None:
        """Forget every element; subscribers will be told that all was reloaded."""
        self.elements.clear()
        self._published.clear()
        self._references.clear()
        self._joined = None
        self._added, self._updated, self._pruned = {}, {}, {}
        self._checksum = Checksum()


AnyChannel = Channel[Any]
