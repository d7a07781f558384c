"""Where on the network a name leads, and connections to addresses that were looked at.

Who trusts a server by its name does not trust whatever the name stands for: its DNS can say 127.0.0.1, an address of
the office, or 169.254.169.254, where clouds hand out credentials, and something else a moment later (DNS rebinding). So
a name is resolved once, each address is looked at, and the connection is made to one of those and no other.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from hfver.errors import RefusedError

# Addresses outside link-local networks at which clouds give credentials to whoever asks: AWS, Google, Alibaba, Azure.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16")))
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_GLOBAL_UNICAST = ip_network("2000::/3")  # all that IANA gives out; Python takes fec0::/10 for global
_COMPATIBLE = ip_network("::/96")  # RFC 4291, deprecated; :: and ::1 are none
LOCALHOST = "localhost"


class Reach(Enum):
    PUBLIC = "on the internet"
    PRIVATE = "on this machine or in a private network"  # or in any other that is not the internet
    NEVER = "an address nothing is sent to"  # link-local, metadata, unspecified, multicast, reserved


Connect = Callable[[tuple[str, int], float | None], socket.socket]  # to a host and port, with a timeout in seconds


def reach_of(address: str) -> Reach:
    """What network an IP address in its usual notation belongs to; one of IPv4 counts, whatever IPv6 wraps it."""
    ip = ip_address(address.partition("%")[0])  # without the interface, which makes it another address to Python
    ip = (isinstance(ip, IPv6Address) and _wrapped(ip)) or ip
    never = ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA
    if never or (isinstance(ip, IPv4Address) and ip.is_reserved):
        return Reach.NEVER
    is_public = ip.is_global and (isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST)
    return Reach.PUBLIC if is_public else Reach.PRIVATE


def is_private_by_name(host: str) -> bool:
    """Whether a host says itself that it is no place on the internet: a private address, or ``localhost``."""
    if host == LOCALHOST:
        return True
    try:
        return reach_of(host) is Reach.PRIVATE
    except ValueError:  # a name
        return False


def connecting(*, private: bool, consent: str) -> Connect:
    """A function that connects to what may be reached; with ``private`` that includes private networks.

    ``consent`` is the command that allows it. The function raises RefusedError when a name leads nowhere else, OSError
    when no connection comes about.
    """

    def connect(address: tuple[str, int], timeout: float | None) -> socket.socket:
        host, port = address
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        refuse_unreachable(host, [str(place[0]) for *_, place in found], private=private, consent=consent)
        problem: OSError = OSError(f"{host} has no address")
        for family, kind, protocol, _, place in found:
            if not _is_allowed(str(place[0]), private=private):
                continue
            try:
                return _connected(socket.socket(family, kind, protocol), place, timeout)
            except OSError as error:
                problem = error
        raise problem

    return connect


def refuse_number(host: str, port: int, *, private: bool, consent: str) -> None:
    """For a host that somebody else resolves (a proxy): what it says itself, in any notation of an address.

    RefusedError as ``connecting`` has it: ``2852039166`` and ``0xa9fea9fe`` are 169.254.169.254, too.
    """
    with suppress(socket.gaierror):  # a name
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        refuse_unreachable(host, [str(place[0]) for *_, place in found], private=private, consent=consent)


def refuse_unreachable(host: str, addresses: list[str], *, private: bool, consent: str) -> None:
    """RefusedError when none of the addresses of a host may be reached."""
    if not addresses or any(_is_allowed(address, private=private) for address in addresses):
        return
    address = next((one for one in addresses if reach_of(one) is Reach.PRIVATE), addresses[0])
    reach = reach_of(address)
    raise RefusedError(
        f"{host if host == address else f'{host} ({address})'} is {reach.value}",
        hints=[f"if that is meant: {consent}"] if reach is Reach.PRIVATE else [],
    )


def _connected(made: socket.socket, place: Any, timeout: float | None) -> socket.socket:
    try:
        made.settimeout(timeout)
        made.connect(place)
    except BaseException:
        made.close()
        raise
    return made


def _is_allowed(address: str, *, private: bool) -> bool:
    return reach_of(address) in ((Reach.PUBLIC, Reach.PRIVATE) if private else (Reach.PUBLIC,))


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
