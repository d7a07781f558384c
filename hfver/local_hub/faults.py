"""Misbehaviour on request, for tests of those who talk to a hub: an explicit switch each, never a magic name."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request. Without a status and without `cut` it is only late."""

    status: int | None = None
    message: str = "a fault was asked for"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    work_first: bool = False
    cut_after_bytes: int | None = None
    echo: bool = False  # repeat in the refusal what the request is authorised with, as some servers and proxies do


@dataclass(slots=True)
class _Switch:
    method: str
    path: re.Pattern[str]
    fault: Fault
    skip: int
    times: int


class Faults:
    """Switches match by method and by a pattern searched in the raw path and query; the first that is due acts."""

    def __init__(self) -> None:
        self._expired_tokens = 0
        self.connections: dict[tuple[str, int], asyncio.Transport] = {}
        self._switches: list[_Switch] = []
        self._mutex = threading.Lock()

    def fail(
        self,
        method: str,
        path: str,
        status: int,
        *,
        nth: int = 1,
        times: int = 1,
        message: str = "a fault was asked for",
        headers: Mapping[str, str] | None = None,
        work_first: bool = False,
        echo: bool = False,
    ) -> None:
        """Answer `times` requests from the `nth` matching one on with `status`; `work_first`: after doing the work."""
        fault = Fault(status=status, message=message, headers=dict(headers or {}), work_first=work_first, echo=echo)
        self._add(method, path, fault, nth, times)

    def cut(
        self,
        method: str,
        path: str,
        *,
        nth: int = 1,
        times: int = 1,
        work_first: bool = True,
        after_bytes: int | None = None,
    ) -> None:
        """Close the connection instead of answering, or in the middle of the answer's body."""
        fault = Fault(cut=True, work_first=work_first, cut_after_bytes=after_bytes)
        self._add(method, path, fault, nth, times)

    def delay(self, method: str, path: str, seconds: float, *, nth: int = 1, times: int = 1) -> None:
        self._add(method, path, Fault(delay=seconds), nth, times)

    def expire_tokens(self, count: int = 1) -> None:
        """The next transfer tokens have expired already when the client gets them."""
        with self._mutex:
            self._expired_tokens = count

    def token_seconds(self, usual: int) -> int:
        with self._mutex:
            if self._expired_tokens == 0:
                return usual
            self._expired_tokens -= 1
            return -60

    def clear(self) -> None:
        with self._mutex:
            self._switches.clear()
            self._expired_tokens = 0

    def due(self, method: str, target: str) -> Fault | None:
        with self._mutex:
            for switch in self._switches:
                if switch.method in (method, "*") and switch.times > 0 and switch.path.search(target):
                    if switch.skip > 0:
                        switch.skip -= 1
                        continue
                    switch.times -= 1
                    return switch.fault
        return None

    def _add(self, method: str, path: str, fault: Fault, nth: int, times: int) -> None:
        with self._mutex:
            self._switches.append(_Switch(method, re.compile(path), fault, nth - 1, times))
