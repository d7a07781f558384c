"""From chunks on disk back to the bytes of a file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from hfver.local_hub.chunks import HEADER_BYTES, Buffer, decode, parse_header
from hfver.local_hub.content_errors import DamagedContentError, FormatError
from hfver.local_hub.stored_xorbs import StoredXorb

BLOCK_BYTES = 2 << 20
_READ_BYTES = 2 << 20

Group = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of chunks of one xorb, as part of a file."""

    xorb: StoredXorb
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.xorb.table.raw[self.end] - self.xorb.table.raw[self.start]

    def cut(self, start: int, end: int) -> tuple[Span, int]:
        """The chunks that hold bytes [start, end) of this span, and how many bytes of the first come before."""
        raw = self.xorb.table.raw
        base = raw[self.start]
        first = bisect_right(raw, base + start, self.start, self.end) - 1
        last = bisect_right(raw, base + end - 1, self.start, self.end)
        return Span(self.xorb, first, last), base + start - raw[first]


class Unpacker:
    """Reads chunks in file order."""

    def chunks(self, span: Span) -> Iterator[Buffer]:
        """One chunk after the other; each is valid until the next is asked for or longer."""
        groups = list(_groups(span))
        for index, (first, last) in enumerate(groups):
            packed = self._packed(span.xorb, groups, index)
            offsets, raw = span.xorb.table.offsets, span.xorb.table.raw
            for at in range(first, last):
                yield _unpack(packed, offsets[at] - offsets[first], raw[at + 1] - raw[at], span.xorb)

    def _packed(self, xorb: StoredXorb, groups: list[Group], index: int) -> memoryview:
        return xorb.file.read(*_extent(xorb, groups[index]))


class EagerUnpacker(Unpacker):
    """For a whole shard: reads the next part of a large file while the caller works on this one, and what follows a
    small file along with it."""

    def __init__(self, readers: Executor) -> None:
        self._readers = readers
        self._coming: tuple[int, Group, Future[memoryview]] | None = None
        self._xorb_id = -1
        self._base = 0
        self._window = memoryview(b"")

    def _packed(self, xorb: StoredXorb, groups: list[Group], index: int) -> memoryview:
        if len(groups) == 1:
            return self._from_window(xorb, *_extent(xorb, groups[0]))
        coming, self._coming = self._coming, None
        if index + 1 < len(groups):
            following = groups[index + 1]
            self._coming = (xorb.id, following, self._readers.submit(xorb.file.read, *_extent(xorb, following)))
        if coming is not None and coming[:2] == (xorb.id, groups[index]):
            return coming[2].result()
        return super()._packed(xorb, groups, index)

    def _from_window(self, xorb: StoredXorb, start: int, end: int) -> memoryview:
        if self._xorb_id != xorb.id or start < self._base or end > self._base + len(self._window):
            self._window = xorb.file.read(start, min(max(end, start + _READ_BYTES), xorb.file.size))
            self._xorb_id, self._base = xorb.id, start
        return self._window[start - self._base : end - self._base]


def _groups(span: Span) -> Iterator[Group]:
    """Runs of chunks that are read at once."""
    offsets = span.xorb.table.offsets
    at = span.start
    while at < span.end:
        stop = min(max(bisect_right(offsets, offsets[at] + _READ_BYTES, at, span.end + 1) - 1, at + 1), span.end)
        yield at, stop
        at = stop


def _extent(xorb: StoredXorb, group: Group) -> tuple[int, int]:
    return xorb.table.offsets[group[0]], xorb.table.offsets[group[1]]


def read_blocks(spans: Iterable[Span], start: int, end: int) -> Iterator[bytes]:
    """Bytes [start, end) of the file the spans make up, in blocks of about BLOCK_BYTES."""
    unpacker = Unpacker()
    held: list[Buffer] = []
    size = 0
    for data in _trimmed(unpacker, spans, start, end):
        held.append(data)
        size += len(data)
        if size >= BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _trimmed(unpacker: Unpacker, spans: Iterable[Span], start: int, end: int) -> Iterator[Buffer]:
    position = 0
    for span in spans:
        size = span.size
        first, last = max(start - position, 0), min(end - position, size)
        if first < last:
            part, skip = span.cut(first, last)
            wanted = last - first
            for data in unpacker.chunks(part):
                piece = memoryview(data)[skip : skip + wanted]
                yield piece
                wanted -= len(piece)
                skip = 0
        position += size
        if position >= end:
            return


def _unpack(packed: memoryview, at: int, unpacked: int, xorb: StoredXorb) -> Buffer:
    try:
        scheme, length, _ = parse_header(packed, at)
        return decode(scheme, packed[at + HEADER_BYTES : at + HEADER_BYTES + length], unpacked)
    except FormatError as exc:
        raise DamagedContentError(xorb.file.path.name, str(exc)) from exc
