"""What an address is, however it is written, and that connections go to the one that was looked at."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.addresses import Reach, connecting, is_private_by_name, reach_of, refuse_number
from hfver.errors import RefusedError
from tests.support.resolving import Names
from tests.support.world import LeftLoopbackError

PUBLIC, PRIVATE, NEVER = Reach.PUBLIC, Reach.PRIVATE, Reach.NEVER


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("93.184.216.34", PUBLIC),
        ("2606:2800:220:1::1", PUBLIC),
        ("127.0.0.1", PRIVATE),
        ("127.255.0.1", PRIVATE),
        ("10.1.2.3", PRIVATE),
        ("172.31.0.1", PRIVATE),
        ("192.168.1.1", PRIVATE),
        ("100.64.0.1", PRIVATE),  # shared by carriers
        ("192.0.2.1", PRIVATE),  # documentation
        ("::1", PRIVATE),
        ("fd00::1", PRIVATE),
        ("fec0::1", PRIVATE),
        ("0.0.0.0", NEVER),
        ("::", NEVER),
        ("169.254.169.254", NEVER),
        ("169.254.10.1", NEVER),
        ("fe80::1", NEVER),
        ("fe80::1%eth0", NEVER),
        ("fd00:ec2::254", NEVER),
        ("fd00:ec2::254%eth0", NEVER),
        ("fd20:ce::254", NEVER),
        ("100.100.100.200", NEVER),
        ("168.63.129.16", NEVER),
        ("224.0.0.1", NEVER),
        ("ff02::1", NEVER),
        ("255.255.255.255", NEVER),
        ("240.0.0.1", NEVER),
        ("::ffff:127.0.0.1", PRIVATE),
        ("::ffff:169.254.169.254", NEVER),
        ("::ffff:93.184.216.34", PUBLIC),
        ("::127.0.0.1", PRIVATE),
        ("64:ff9b::169.254.169.254", NEVER),
        ("64:ff9b::93.184.216.34", PUBLIC),
        ("64:ff9b:1::1", PRIVATE),
        ("2002:a9fe:a9fe::1", NEVER),
        ("2002:7f00:1::1", PRIVATE),
    ],
)
def test_an_address_is_public_private_or_never_reached(address: str, reach: Reach) -> None:
    assert reach_of(address) is reach


@given(st.ip_addresses(v=4).filter(lambda ip: int(ip) > 1))
def test_wrapped_in_ipv6_an_address_is_what_it_was(ip: IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::", "::"):
        assert reach_of(f"{prefix}{ip}") is reach_of(str(ip))


@pytest.mark.parametrize(
    ("host", "says_so"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.0.0.5", True),
        ("169.254.169.254", False),
        ("93.184.216.34", False),
        ("hooks.internal", False),
        ("2130706433", False),  # how 127.0.0.1 can be written, but nobody reads it so
        ("127.1", False),
        ("localhost.example", False),
    ],
)
def test_only_an_address_in_plain_notation_and_localhost_say_that_they_are_private(host: str, says_so: bool) -> None:
    assert is_private_by_name(host) is says_so


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    return made


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_connection_goes_to_the_first_address_that_may_be_reached(names: Names, listening: int) -> None:
    names["hooks.example"] = ["169.254.169.254", "127.0.0.1"]
    with connecting(private=True, consent="")(("hooks.example", listening), 5.0) as made:
        assert made.getpeername() == ("127.0.0.1", listening)
        assert made.gettimeout() == 5.0


def test_where_one_address_does_not_answer_the_next_is_tried(names: Names, listening: int) -> None:
    names["hooks.example"] = ["::1", "127.0.0.1"]
    with connecting(private=True, consent="")(("hooks.example", listening), 5.0) as made:
        assert made.getpeername()[0] == "127.0.0.1"
    names["nobody.example"] = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        connecting(private=True, consent="")(("nobody.example", closed), 5.0)


@pytest.mark.parametrize(
    ("addresses", "private", "message", "hints"),
    [
        (["127.0.0.1"], False, "hooks.example (127.0.0.1) is on this machine or in a private network", 1),
        (["169.254.1.1", "10.0.0.5"], False, "hooks.example (10.0.0.5) is on this machine or in a private network", 1),
        (["169.254.169.254"], True, "hooks.example (169.254.169.254) is an address nothing is sent to", 0),
        (["fe80::1"], True, "hooks.example (fe80::1) is an address nothing is sent to", 0),
    ],
)
def test_a_name_that_leads_nowhere_else_is_refused(
    names: Names, addresses: list[str], private: bool, message: str, hints: int
) -> None:
    names["hooks.example"] = addresses
    with pytest.raises(RefusedError) as caught:
        connecting(private=private, consent="hfver trust X")(("hooks.example", 1), 5.0)
    assert (caught.value.message, caught.value.hints) == (message, ["if that is meant: hfver trust X"] * hints)


def test_a_name_that_says_something_else_a_moment_later_is_not_asked_again(names: Names) -> None:
    names.then("hooks.example", ["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(LeftLoopbackError, match=r"93\.184\.216\.34"):  # where tests do not go, and it would have gone
        connecting(private=False, consent="")(("hooks.example", 443), 5.0)
    assert names.asked == ["hooks.example"]


@pytest.mark.parametrize(
    "host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "::ffff:a9fe:a9fe"]
)
def test_a_number_is_an_address_in_any_notation(host: str) -> None:
    with pytest.raises(RefusedError, match="is an address nothing is sent to$"):
        refuse_number(host, 80, private=True, consent="")


def test_a_name_is_no_number_and_nobody_is_asked_for_it() -> None:
    refuse_number("hooks.example", 80, private=False, consent="")
    with pytest.raises(RefusedError, match=r"^127\.1 \(127\.0\.0\.1\) is on this machine or in a private network$"):
        refuse_number("127.1", 80, private=False, consent="")
    refuse_number("127.1", 80, private=True, consent="")
