"""Who holds which port under which name."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.contact.exceptions import PortManagerError, PortRequestError
from tidemill.contact.ports.address import VARIABLE, manager_address, parse_address
from tidemill.contact.ports.names import Names
from tidemill.contact.ports.pool import PortPool, is_bound
from tidemill.contact.ports.registry import Registry


def test_names_get_suffixes_and_keep_them() -> None:
    """The second and third of a name get _1 and _2, and nobody's name changes when another leaves."""
    names = Names()
    assert [names.grant("anna", "svc") for _ in range(3)] == ["svc", "svc_1", "svc_2"]
    names.give_back("anna", "svc")
    assert names.grant("anna", "svc") == "svc"
    names.give_back("anna", "svc_1")
    assert names.grant("anna", "svc") == "svc_1"
    assert names.grant("anna", "svc") == "svc_3"


def test_a_literal_clash_gets_a_suffix_of_its_own() -> None:
    """A service really called svc_1 does not share that name with the second svc, whichever comes first."""
    names = Names()
    assert [names.grant("anna", name) for name in ("svc", "svc", "svc_1")] == ["svc", "svc_1", "svc_1_1"]
    assert [names.grant("ben", name) for name in ("svc_1", "svc", "svc")] == ["svc_1", "svc", "svc_2"]


def test_users_do_not_share_names() -> None:
    """Two users may have services of one name."""
    names = Names()
    assert names.grant("anna", "svc") == names.grant("ben", "svc") == "svc"


@given(st.lists(st.tuples(st.sampled_from(["s", "s_1", "s_1_1", "s_", "_1"]), st.booleans(), st.integers(0, 99))))
def test_names_in_use_are_never_granted_again(steps: list[tuple[str, bool, int]]) -> None:
    """Whatever is granted and given back in whatever order, no two services of a user have one name."""
    names = Names()
    used: list[str] = []
    for wanted, leaves, index in steps:
        if leaves and used:
            names.give_back("anna", used.pop(index % len(used)))
        name = names.grant("anna", wanted)
        assert name not in used
        assert name.startswith(wanted)
        used.append(name)


def test_an_enormous_number_in_a_name_is_only_a_name() -> None:
    """A suffix of thousands of digits is granted and given back like any other name."""
    names = Names()
    name = "svc_" + "1" * 10_000
    assert names.grant("anna", name) == name
    names.give_back("anna", name)
    assert names.grant("anna", name) == name


def test_the_highest_port_comes_first_and_a_returned_one_last() -> None:
    """Ports are given from the top, and one that comes back rests as long as there are others."""
    pool = PortPool(5, 1, is_bound=lambda port: False)
    assert [pool.take() for _ in range(3)] == [5, 4, 3]
    pool.give_back(5)
    assert [pool.take() for _ in range(4)] == [2, 1, 5, None]


def test_a_bound_port_is_passed_over_until_it_is_free() -> None:
    """A port that something else has is not given, and is when that has gone."""
    bound = {3}
    pool = PortPool(1, 3, is_bound=bound.__contains__)
    assert [pool.take(), pool.take(), pool.take()] == [2, 1, None]
    bound.clear()
    assert pool.take() == 3


@pytest.fixture
def holder() -> Iterator[socket.socket]:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held


def test_bound_is_seen_whether_listening_or_not(holder: socket.socket) -> None:
    """A port is bound as soon as a socket has it under any address, even if it could be shared and nobody listens."""
    port = holder.getsockname()[1]
    assert is_bound(port)
    holder.listen()
    assert is_bound(port)
    holder.close()
    assert not is_bound(port)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
@pytest.mark.parametrize(
    ("address", "both"),
    [("127.0.0.1", False), ("127.0.0.9", False), ("0.0.0.0", False), ("::1", False), ("::", False), ("::", True)],
)
def test_bound_is_seen_under_any_address(address: str, both: bool) -> None:
    """A port is bound whatever address it is bound at, IPv4, IPv6 or both."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family, dualstack_ipv6=both) as held:
        assert is_bound(held.getsockname()[1])


def test_a_holder_gives_back_what_is_its_own() -> None:
    """One port can be given back, of one's own only, and all go with their holder."""
    registry = Registry(1, 3, is_bound=lambda port: False)
    first, second = registry.grant("a", "s", "anna", {}), registry.grant("a", "s", "anna", {})
    registry.grant("b", "s", "anna", {})
    with pytest.raises(PortRequestError, match="port 3 is not held by this connection"):
        registry.give_back("b", first.port)
    registry.give_back("a", first.port)
    assert registry.listing(with_details=False) == b"OK 2\r\n2 s_1 anna\r\n1 s_2 anna\r\n"
    assert second.name == "s_1"
    registry.drop("a")
    registry.drop("b")
    assert registry.listing(with_details=False) == b"OK 0\r\n"
    assert not registry.holds("a")


def test_a_service_with_a_port_of_its_own_can_be_listed() -> None:
    """A port that is bound can be listed by who has it, once, and is not given while it is."""
    bound = {3, 4711}
    registry = Registry(1, 3, is_bound=bound.__contains__)
    assert registry.advertise("a", 4711, "s", "anna", {}).name == "s"
    assert registry.advertise("a", 3, "s", "anna", {}).name == "s_1"
    with pytest.raises(PortRequestError, match="port 3 is held by s_1 of anna"):
        registry.advertise("b", 3, "t", "anna", {})
    with pytest.raises(PortRequestError, match="nothing listens at port 2"):
        registry.advertise("b", 2, "t", "anna", {})
    with pytest.raises(PortRequestError, match="70000 is not a port"):
        registry.advertise("b", 70000, "t", "anna", {})
    bound.clear()
    assert {registry.grant("b", "t", "anna", {}).port for _ in range(2)} == {1, 2}
    with pytest.raises(PortRequestError, match="no free ports"):
        registry.grant("b", "t", "anna", {})
    registry.drop("a")
    assert registry.grant("b", "t", "anna", {}).port == 3


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("node7", ("node7", 30000)),
        ("node7:123", ("node7", 123)),
        (":123", ("localhost", 123)),
        ("[::1]:123", ("::1", 123)),
        ("[::1]", ("::1", 30000)),
        ("fe80::1", ("fe80::1", 30000)),
    ],
)
def test_addresses_are_read(text: str, address: tuple[str, int]) -> None:
    """Host, port or both; IPv6 addresses in brackets or alone."""
    assert parse_address(text) == address


def test_the_environment_names_the_port_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    """TIDEMILL_PORT_MANAGER is an address, or empty for none; without it, it is the usual one."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert manager_address() == ("localhost", 30000, False)
    monkeypatch.setenv(VARIABLE, "localhost:30990")
    assert manager_address() == ("localhost", 30990, True)
    monkeypatch.setenv(VARIABLE, "")
    assert manager_address() is None
    monkeypatch.setenv(VARIABLE, "localhost:http")
    with pytest.raises(PortManagerError, match="TIDEMILL_PORT_MANAGER=localhost:http is not an address"):
        manager_address()
