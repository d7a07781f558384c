"""Names that lead where a test says, as somebody else's DNS can."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import repeat
from typing import Any


class Names:
    """Stands before ``socket.getaddrinfo``: known names have these addresses, all else is up to the system."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, Iterator[list[str]]] = {}
        self._system = socket.getaddrinfo

    def __setitem__(self, name: str, addresses: list[str]) -> None:
        self._answers[name] = repeat(addresses)

    def then(self, name: str, *answers: list[str]) -> None:
        """Another answer each time the name is asked for."""
        self._answers[name] = iter(answers)

    def getaddrinfo(self, host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if host not in self._answers or options.get("flags", 0) & socket.AI_NUMERICHOST:
            return self._system(host, port, *more, **options)
        self.asked.append(host)
        addresses = next(self._answers[host])
        return [entry for address in addresses for entry in self._system(address, port, *more, **options)]
