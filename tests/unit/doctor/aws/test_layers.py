from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from watchdog.doctor.aws.addresses import EVERYBODY, INTERNET, Address, Addresses, Network
from watchdog.doctor.aws.layers import (
    ANY,
    EPHEMERAL,
    TCP,
    Acl,
    AclEntry,
    Group,
    GroupRule,
    Route,
    RouteTable,
    denier,
    free_number,
    let_in,
    passed,
)

UDP = 17
NOBODY = Addresses(4)
ALL = ip_network("0.0.0.0/0")
TEN = ip_network("10.0.0.0/8")
OFFICE = ip_network("203.0.113.0/24")


def of(*networks: Network) -> Addresses:
    return Addresses.of(4, networks)


# --- network ACLs -------------------------------------------------------------------------------

NETWORKS = st.sampled_from(
    [
        *map(ip_network, ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.1.0.0/16")),
        *map(ip_network, ("203.0.113.0/24", "203.0.113.7/32", "::/0", "2001:db8::/32")),
    ]
)
ADDRESSES = st.sampled_from(
    [
        *map(ip_address, ("10.1.2.3", "10.2.0.1", "203.0.113.7", "203.0.113.8", "9.9.9.9")),
        *map(ip_address, ("198.51.100.1", "2001:db8::1", "2a00::1")),
    ]
)
PORTS = st.sampled_from([0, 22, 80, 443, 1023, 1024, 32767, 32768, 40000, 49152, 65535])
ENTRIES = st.lists(
    st.builds(
        lambda number, allow, network, protocol, ports: AclEntry(
            number, allow, network, protocol, min(ports), max(ports)
        ),
        st.integers(1, 200),
        st.booleans(),
        NETWORKS,
        st.sampled_from([ANY, TCP, TCP, UDP]),
        st.tuples(PORTS, PORTS),
    ),
    max_size=7,
    unique_by=lambda entry: entry.number,
)


def packet_passes(entries: list[AclEntry], address: Address, port: int) -> bool:
    """Decide one packet, as AWS's documentation tells it."""
    for entry in sorted(entries, key=lambda each: each.number):
        about = entry.protocol in {ANY, TCP} and entry.first <= port <= entry.last
        if about and address.version == entry.network.version and address in entry.network:
            return entry.allow
    return False


@given(ENTRIES, ADDRESSES, PORTS)
def test_who_passes_is_who_is_let_through_packet_by_packet(
    entries: list[AclEntry], address: Address, port: int
) -> None:
    let_through = packet_passes(entries, address, port)
    assert (address in passed(entries, address.version, port)) == let_through


@given(ENTRIES, ADDRESSES)
def test_who_is_answered_is_who_is_answered_on_every_ephemeral_port(
    entries: list[AclEntry], address: Address
) -> None:
    acl = Acl("acl-1", (), tuple(entries))
    first, last = EPHEMERAL
    # An entry's edges are all taken from PORTS, so between two of these nothing changes.
    ports = {first, last, 40000, 40001, 49152, 49153, 39999, 49151}
    answered = all(packet_passes(entries, address, port) for port in ports)
    assert (address in acl.answered(address.version)) == answered


@given(ENTRIES, st.sampled_from([80, 443]))
def test_the_remedy_lets_part_of_the_internet_through_where_nobody_was(
    entries: list[AclEntry], port: int
) -> None:
    if passed(entries, 4, port) & INTERNET[4]:
        return
    entry = denier(entries, 4, port)
    number = free_number(entries, entry)
    if number is None:  # the entry is to be deleted
        assert entry is not None
        assert {each.number for each in entries} >= set(range(1, entry.number))
        return
    assert number not in {each.number for each in entries}
    mended = [*entries, AclEntry(number, True, ALL, TCP, port, port)]
    assert passed(mended, 4, port) & INTERNET[4]


def test_the_lowest_number_decides_wherever_it_stands() -> None:
    allow = AclEntry(200, True, ALL)
    deny = AclEntry(100, False, ALL, TCP, 80, 80)
    assert passed([allow, deny], 4, 80) == NOBODY
    assert passed([allow, deny], 4, 443) == EVERYBODY[4]
    assert passed([allow, replace(deny, number=300)], 4, 80) == EVERYBODY[4]


def test_a_list_of_the_unwanted_shuts_out_these_alone() -> None:
    entries = [AclEntry(10, False, OFFICE), AclEntry(100, True, ALL)]
    assert passed(entries, 4, 80) == EVERYBODY[4] - of(OFFICE)


def test_answers_need_every_ephemeral_port() -> None:
    acl = Acl("acl-1", (), (AclEntry(100, True, ALL, TCP, 1024, 65535),))
    assert acl.answered(4) == EVERYBODY[4]
    assert acl.answered(6) == Addresses(6)
    part = replace(acl, outbound=(AclEntry(100, True, ALL, TCP, 1024, 40000),))
    assert part.answered(4) == NOBODY
    assert part.silent_port(4) == 40001


def test_who_denies_is_the_entry_that_denies_most() -> None:
    unwanted = AclEntry(10, False, OFFICE)
    closed = AclEntry(90, False, ALL, TCP, 80, 80)
    allowed = AclEntry(100, True, ALL)
    assert denier([allowed, closed, unwanted], 4, 80) == closed
    assert denier([unwanted], 4, 80) is None
    assert denier([AclEntry(100, True, TEN)], 4, 80) is None


def test_a_new_entry_comes_right_before_the_one_that_denies_or_after_all() -> None:
    closed = AclEntry(90, False, ALL)
    entries = [AclEntry(89, False, OFFICE), closed]
    assert free_number(entries, closed) == 88
    assert free_number([replace(closed, number=1)], replace(closed, number=1)) is None
    assert free_number(entries, None) == 100
    assert free_number([], None) == 10
    assert free_number([replace(closed, number=32765)], None) == 32766


# --- route tables -------------------------------------------------------------------------------


def test_the_longest_prefix_decides_where_a_packet_goes() -> None:
    table = RouteTable(
        "rtb-1",
        (Route(ALL, "igw-1"), Route(TEN, "local"), Route(OFFICE, "nat-1")),
    )
    assert table.sent(4, "igw-") == EVERYBODY[4] - of(TEN, OFFICE)
    assert table.sent(6, "igw-") == Addresses(6)


def test_a_route_whose_target_is_gone_leads_nowhere() -> None:
    table = RouteTable("rtb-1", (Route(ALL, "igw-1", active=False),))
    assert table.sent(4, "igw-") == NOBODY
    assert table.default(4) == Route(ALL, "igw-1", active=False)
    assert table.default(6) is None


# --- security groups ----------------------------------------------------------------------------


def test_security_groups_let_in_whom_any_of_their_rules_does() -> None:
    first = Group("sg-1", (GroupRule(TCP, 80, 80, (OFFICE,)), GroupRule(UDP, 0, 65535, (ALL,))))
    second = Group("sg-2", (GroupRule(ANY, 0, 65535, (TEN,)),))
    found = let_in([first, second], 4, 80, {})
    assert found.addresses == of(OFFICE, TEN)
    assert found.others == ()
    assert let_in([first], 4, 443, {}).addresses == NOBODY


def test_members_of_groups_and_unknown_lists_are_named() -> None:
    rule = GroupRule(TCP, 443, 443, groups=("sg-2",), lists=("pl-1", "pl-2"))
    found = let_in([Group("sg-1", (rule,))], 4, 443, {"pl-2": (OFFICE,)})
    assert found.addresses == of(OFFICE)
    assert found.others == ("members of sg-2", "prefix list pl-1")
