"""One chunk of a xorb: an 8-byte header and a payload that is stored, LZ4, or byte-grouped LZ4.

0  version (0) | 1  packed length, 3 bytes | 4  scheme | 5  unpacked length, 3 bytes | 8  payload
"""

from __future__ import annotations

import struct

import lz4.frame

from hfver.local_hub.content_errors import FormatError

HEADER_BYTES = 8
MAX_UNPACKED = 131_072
MAX_PACKED = 262_144

STORED, LZ4, GROUPED_LZ4 = 0, 1, 2

Buffer = bytes | bytearray | memoryview

_HEADER = struct.Struct("<Q")


def parse_header(buffer: Buffer, at: int = 0) -> tuple[int, int, int]:
    """(scheme, packed length, unpacked length) of the chunk at `at`."""
    if at + HEADER_BYTES > len(buffer):
        raise FormatError("chunk header is cut short")
    word = _HEADER.unpack_from(buffer, at)[0]
    version, packed, scheme, unpacked = word & 0xFF, word >> 8 & 0xFFFFFF, word >> 32 & 0xFF, word >> 40
    if version != 0 or scheme > GROUPED_LZ4:
        raise FormatError(f"unknown chunk version {version} or compression scheme {scheme}")
    if not 0 < unpacked <= MAX_UNPACKED or not 0 < packed <= MAX_PACKED:
        raise FormatError(f"chunk lengths out of bounds: {packed} packed, {unpacked} unpacked")
    return scheme, packed, unpacked


def decode(scheme: int, payload: Buffer, unpacked: int) -> Buffer:
    data: Buffer = payload
    if scheme != STORED:
        data = _inflate(payload, unpacked)
    if len(data) != unpacked:
        raise FormatError(f"chunk unpacks to {len(data)} bytes, its header says {unpacked}")
    return _ungroup(data) if scheme == GROUPED_LZ4 else data


def _inflate(payload: Buffer, unpacked: int) -> bytes:
    """Never allocates more than the header promised, whatever the frame holds."""
    frame = lz4.frame.LZ4FrameDecompressor()
    try:
        data: bytes = frame.decompress(payload, max_length=unpacked + 1)
    except (RuntimeError, ValueError, EOFError, MemoryError) as exc:
        raise FormatError(f"chunk is not an LZ4 frame: {exc}") from exc
    if not frame.eof or frame.unused_data:
        raise FormatError("chunk payload is not exactly one LZ4 frame")
    return data


def _ungroup(grouped: Buffer) -> bytearray:
    """Bytes 0, 4, 8, … came first, then 1, 5, 9, … and so on."""
    size = len(grouped)
    data = bytearray(size)
    start = 0
    for lane in range(4):
        end = start + (size - lane + 3) // 4
        data[lane::4] = grouped[start:end]
        start = end
    return data
