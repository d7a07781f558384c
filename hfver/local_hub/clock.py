"""Times as the Hub writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def hub_time(moment: datetime) -> str:
    """ISO 8601 ending in ``Z``: the client refuses ``+00:00``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def now() -> str:
    return hub_time(datetime.now(UTC))


def from_seconds(seconds: int) -> str:
    return hub_time(datetime.fromtimestamp(seconds, UTC))
