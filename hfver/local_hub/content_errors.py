"""What can go wrong with stored bytes; the routes turn these into HTTP answers."""

from __future__ import annotations


class ContentError(Exception):
    """Base of everything the content store raises on purpose."""


class FormatError(ContentError):
    """Bytes from outside are not what they claim to be."""


class UnknownXorbError(FormatError):
    """A shard names a xorb the store does not have: the client's memory of this store is out of date."""


class MissingContentError(ContentError):
    """Nothing readable is stored under this hash."""


class DamagedContentError(ContentError):
    """Stored bytes no longer match the checksum kept at ingest."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem
