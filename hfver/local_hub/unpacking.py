"""From chunks on disk back to the bytes of a file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hfver.local_hub.chunks import HEADER_BYTES, Buffer, decode, parse_header
from hfver.local_hub.content_errors import DamagedContentError, FormatError
from hfver.local_hub.stored_xorbs import StoredXorb

BLOCK_BYTES = 2 << 20
_READ_BYTES = 2 << 20


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
    """Reads chunks in file order; `ahead` also keeps what follows, for many small files of one xorb."""

    def __init__(self, *, ahead: bool = False) -> None:
        self._ahead = ahead
        self._xorb_id = -1
        self._base = 0
        self._window = memoryview(b"")

    def chunks(self, span: Span) -> Iterator[Buffer]:
        """One chunk after the other; each is valid until the next is asked for or longer."""
        offsets, raw = span.xorb.table.offsets, span.xorb.table.raw
        at = span.start
        while at < span.end:
            stop = min(max(bisect_right(offsets, offsets[at] + _READ_BYTES, at, span.end + 1) - 1, at + 1), span.end)
            packed = self._bytes(span.xorb, offsets[at], offsets[stop])
            base = offsets[at]
            for index in range(at, stop):
                yield _unpack(packed, offsets[index] - base, raw[index + 1] - raw[index], span.xorb)
            at = stop

    def _bytes(self, xorb: StoredXorb, start: int, end: int) -> memoryview:
        held = self._xorb_id == xorb.id and self._base <= start and end <= self._base + len(self._window)
        if not held:
            stop = min(max(end, start + _READ_BYTES), xorb.file.size) if self._ahead else end
            self._window = xorb.file.read(start, stop)
            self._xorb_id, self._base = xorb.id, start
        return self._window[start - self._base : end - self._base]


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
