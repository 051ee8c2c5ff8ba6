from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from watchdog.doctor.aws.addresses import EVERYBODY, INTERNET, Addresses, Network

EDGE = 0xFFFFFFFF


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Networks that meet and overlap: few bits differ."""
    length = draw(st.integers(0, 32))
    number = draw(st.integers(0, 15)) << draw(st.sampled_from([0, 4, 28]))
    return ip_network((number, length), strict=False)


SETS = st.lists(networks(), max_size=5)


def of(*texts: str) -> Addresses:
    return Addresses.of(ip_network(texts[0]).version, map(ip_network, texts))


def test_neighbours_are_one() -> None:
    assert of("10.0.0.0/9", "10.128.0.0/9") == of("10.0.0.0/8")
    assert of("0.0.0.0/1", "128.0.0.0/1") == EVERYBODY[4]
    assert (EVERYBODY[4] - of("0.0.0.0/1")).networks() == [ip_network("128.0.0.0/1")]


def test_the_other_family_is_left_out() -> None:
    mixed = Addresses.of(6, [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")])
    assert mixed == of("2001:db8::/32")
    assert ip_address("10.0.0.1") not in EVERYBODY[6]


def test_private_addresses_are_not_of_the_internet() -> None:
    for private in ("10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254"):
        assert ip_address(private) not in INTERNET[4]
    assert ip_address("198.51.100.7") in INTERNET[4]
    assert ip_address("fd00::1") not in INTERNET[6]


@given(SETS, SETS, st.integers(0, EDGE))
def test_sets_do_what_the_language_s_own_do(
    left: list[Network], right: list[Network], number: int
) -> None:
    a, b = Addresses.of(4, left), Addresses.of(4, right)
    ends = {end for pairs in (a.intervals, b.intervals) for pair in pairs for end in pair}
    near = {end + by for end in ends for by in (-1, 0, 1)}
    for each in (each for each in {number, *near} if 0 <= each <= EDGE):
        address = ip_address(each)
        in_a = any(address in network for network in left)
        in_b = any(address in network for network in right)
        assert (address in a) == in_a
        assert (address in (a | b)) == (in_a or in_b)
        assert (address in (a & b)) == (in_a and in_b)
        assert (address in (a - b)) == (in_a and not in_b)


@given(SETS)
def test_what_is_equal_is_written_alike(some: list[Network]) -> None:
    whole = Addresses.of(4, some)
    assert Addresses.of(4, whole.networks()) == whole
    assert whole.size == sum(each.num_addresses for each in whole.networks())
    assert (whole | whole) == whole == (whole & EVERYBODY[4])
