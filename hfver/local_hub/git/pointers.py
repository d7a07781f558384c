"""Git LFS pointers: what git holds in place of a large file."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 200
POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:(?P<sha256>[0-9a-f]{64})\nsize (?P<size>[0-9]{1,15})\n"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    sha256: str
    size: int

    def text(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()


def parse_pointer(data: bytes) -> Pointer | None:
    match = POINTER.fullmatch(data)
    return Pointer(match["sha256"].decode(), int(match["size"])) if match else None
