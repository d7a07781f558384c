"""A line of limited bandwidth between a client and a hub on the same machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_BLOCK = 1 << 16


class _Line:
    """So many bytes a second, shared by all connections."""

    def __init__(self, rate: float) -> None:
        self._rate, self._free, self._mutex = rate, 0.0, threading.Lock()

    def carry(self, size: int) -> None:
        """Wait until the bytes have arrived at the other end."""
        with self._mutex:
            self._free = max(self._free, time.monotonic()) + size / self._rate
            arrived = self._free
        time.sleep(max(0.0, arrived - time.monotonic()))


@contextmanager
def limited(endpoint: str, rate: float) -> Iterator[str]:
    """An address of ``endpoint`` to and from which at most ``rate`` bytes go each second."""
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    up, down = _Line(rate), _Line(rate)

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection((host, int(port))) as hub:
            for end in (client, hub):  # or small messages would wait 40 ms for an acknowledgement
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pump, args=(client, hub, up.carry), daemon=True).start()
            _pump(hub, client, down.carry)

    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:

        def accept() -> None:
            with suppress(OSError):  # closed: the end
                while True:
                    client, _ = server.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket, carry: Callable[[int], None]) -> None:
    """Until one end closes; then nothing more goes that way."""
    with suppress(OSError):
        while data := source.recv(_BLOCK):
            carry(len(data))
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
