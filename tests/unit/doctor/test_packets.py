"""What becomes of a packet by rules of iptables and nft; what is not certain is not guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watchdog.doctor.facts.filter import UNREADABLE, read_filter
from watchdog.doctor.packets.iptables import parse_iptables
from watchdog.doctor.packets.nft import parse_nft
from watchdog.doctor.packets.ruleset import Fate, Outcome, Packet, judge
from watchdog.tool import Ran

WEB = Packet(4, 80, "eth0", ("203.0.113.7",))
WEB6 = Packet(6, 80, "eth0", ("2001:db8::7",))


def by_iptables(*rules: str, policy: str = "DROP", packet: Packet = WEB) -> str:
    saved = "\n".join([
        "*filter", f":INPUT {policy} [0:0]", ":ours - [0:0]", ":theirs - [0:0]", *rules, "COMMIT",
    ])  # fmt: skip
    return said(judge(parse_iptables(saved, packet.family), packet))


def said(outcome: Outcome) -> str:
    if outcome.is_open:
        return "open"
    if outcome.is_closed:
        return "closed"
    return "redirected" if Fate.REDIRECTED in outcome.causes else "unknown"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT", "open"),
        ("-A INPUT -p tcp -m tcp --dport 79:81 -j ACCEPT", "open"),
        ("-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT", "open"),
        ("-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", "closed"),
        ("-A INPUT -p udp -m udp --dport 80 -j ACCEPT", "closed"),
        ("-A INPUT -i lo -j ACCEPT", "closed"),
        ("-A INPUT ! -i lo -j ACCEPT", "open"),
        ("-A INPUT -i eth+ -j ACCEPT", "open"),
        ("-A INPUT -i eth1 -p tcp --dport 80 -j ACCEPT", "closed"),
        ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "closed"),
        ("-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 80 -j ACCEPT", "open"),
        ("-A INPUT -d 203.0.113.7/32 -p tcp --dport 80 -j ACCEPT", "open"),
        ("-A INPUT -d 203.0.113.8/32 -p tcp --dport 80 -j ACCEPT", "closed"),
        ("-A INPUT -s 0.0.0.0/0 -p tcp --dport 80 -j ACCEPT", "open"),
        ("-A INPUT -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT", "unknown"),
        ("-A INPUT -m set --match-set known src -j ACCEPT", "unknown"),
        ("-A INPUT -p tcp --dport 80 -m limit --limit 3/min -j ACCEPT", "unknown"),
        ("-A INPUT -m u32 --u32 0 -j ACCEPT", "unknown"),
        ("-A INPUT -p tcp --dport 80 -j NFQUEUE --queue-num 1", "unknown"),
        ('-A INPUT -p tcp --dport 80 -m comment --comment "it\'s -j DROP" -j ACCEPT', "open"),
        ("-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT", "closed"),
        ("-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT", "closed"),
        ("-A INPUT -j LOG --log-prefix x", "closed"),
    ],
)
def test_a_policy_of_drop_and_one_rule(rule: str, expected: str) -> None:
    assert by_iptables(rule) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("-A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset", "closed"),
        ("-A INPUT -s 192.0.2.1/32 -j DROP", "open"),  # the banned are not whom we ask for
        ("-A INPUT -m set --match-set banned src -j REJECT", "open"),
        ("-A INPUT ! -s 10.0.0.0/8 -p tcp --dport 80 -j DROP", "unknown"),
        ("-A INPUT -p tcp --dport 80 -m hashlimit --hashlimit-above 9/sec -j DROP", "open"),
        ("-A INPUT -m statistic --mode random --probability 0.5 -j DROP", "unknown"),
        ("-A INPUT -p tcp --dport 22 -j DROP", "open"),
        ("-A INPUT -m rt --rt-type 0 -j DROP", "open"),
        ("-A INPUT -m rpfilter --invert -j DROP", "open"),
    ],
)
def test_a_policy_of_accept_and_one_rule(rule: str, expected: str) -> None:
    assert by_iptables(rule, policy="ACCEPT") == expected


def test_jumps_returns_and_gotos() -> None:
    jump = "-A INPUT -j ours"
    assert by_iptables(jump, "-A ours -p tcp --dport 80 -j ACCEPT") == "open"
    assert by_iptables(jump, "-A INPUT -j ACCEPT", "-A ours -j RETURN", "-A ours -j DROP") == "open"
    assert by_iptables("-A INPUT -g ours", "-A INPUT -j ACCEPT", "-A ours -p udp -j DROP") == (
        "closed"  # back to the policy, not to the rule after the goto
    )
    assert by_iptables(jump, "-A ours -j theirs", "-A theirs -j ours", policy="ACCEPT") == "open"
    assert by_iptables("-A INPUT -j nowhere", policy="ACCEPT") == "open"


def test_what_comes_first_counts() -> None:
    accept, drop = (f"-A INPUT -p tcp --dport 80 -j {target}" for target in ("ACCEPT", "DROP"))
    assert by_iptables(accept, drop) == "open"
    assert by_iptables(drop, accept) == "closed"


def test_dockers_dnat_takes_it_past_the_rules_for_this_host() -> None:
    nat = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"
        "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
        "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80\n"
        "COMMIT\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
    )
    tables = parse_iptables(nat, 4)
    assert said(judge(tables, WEB)) == "redirected"
    assert said(judge(tables, Packet(4, 443, "eth0"))) == "closed"


def test_a_redirect_to_another_port_is_followed() -> None:
    nat = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j REDIRECT"
        " --to-ports 8080\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 8080 -j ACCEPT\nCOMMIT\n"
    )
    assert judge(parse_iptables(nat, 4), WEB).is_open


def test_without_a_known_interface_a_rule_about_one_decides_nothing() -> None:
    rule = "-A INPUT -i eth0 -p tcp --dport 80 -j ACCEPT"
    assert by_iptables(rule, packet=Packet(4, 80, "")) == "unknown"


def test_the_rule_that_closes_is_named() -> None:
    saved = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 80 -j DROP\nCOMMIT\n"
    assert judge(parse_iptables(saved, 4), WEB).causes[Fate.DROPPED] == (
        "iptables filter: -A INPUT -p tcp --dport 80 -j DROP"
    )
    assert judge(parse_iptables("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", 6), WEB6).causes == {
        Fate.DROPPED: "policy of ip6tables filter INPUT"
    }


# --- nft -----------------------------------------------------------------------------------------


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


DPORT = payload("tcp", "dport")
ACCEPT: dict[str, Any] = {"accept": None}
DROP: dict[str, Any] = {"drop": None}


def listed(*rules: list[Any], policy: str = "drop", more: tuple[Any, ...] = ()) -> str:
    where = {"family": "inet", "table": "filter"}
    chain = {**where, "name": "input", "type": "filter", "hook": "input", "prio": 0}
    objects = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "filter", "handle": 1}},
        {"chain": {**chain, "policy": policy}},
        {"chain": {**where, "name": "web"}},
        *more,
        *({"rule": {**where, "chain": "input", "handle": 7, "expr": each}} for each in rules),
    ]
    return json.dumps({"nftables": objects})


def by_nft(*rules: list[Any], policy: str = "drop", packet: Packet = WEB) -> str:
    return said(judge(parse_nft(listed(*rules, policy=policy)), packet))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ([match(DPORT, 80), ACCEPT], "open"),
        ([match(DPORT, {"set": [22, 80, 443]}), ACCEPT], "open"),
        ([match(DPORT, {"set": [{"range": [8000, 9000]}, 443]}), ACCEPT], "closed"),
        ([match(DPORT, 80, "!="), ACCEPT], "closed"),
        ([match(DPORT, "@unknown"), ACCEPT], "unknown"),
        ([match({"meta": {"key": "iifname"}}, "lo"), ACCEPT], "closed"),
        ([match({"meta": {"key": "iifname"}}, "eth*"), ACCEPT], "open"),
        ([match({"meta": {"key": "l4proto"}}, "tcp"), ACCEPT], "open"),
        ([match({"meta": {"key": "nfproto"}}, "ipv6"), ACCEPT], "closed"),
        ([match({"ct": {"key": "state"}}, ["established", "related"], "in"), ACCEPT], "closed"),
        ([match({"ct": {"key": "state"}}, "new", "in"), match(DPORT, 80), ACCEPT], "open"),
        ([match(payload("ip", "saddr"), {"prefix": {"addr": "10.0.0.0", "len": 8}}), ACCEPT],
         "unknown"),
        ([match(payload("ip6", "saddr"), {"prefix": {"addr": "fe80::", "len": 10}}), ACCEPT],
         "closed"),
        ([match(payload("udp", "dport"), 80), ACCEPT], "closed"),
        ([{"limit": {"rate": 1, "per": "second"}}, ACCEPT], "unknown"),
        ([{"xt": None}], "unknown"),
        ([match({"socket": {"key": "cgroupv2"}}, "x"), ACCEPT], "unknown"),
        ([{"counter": {"packets": 1, "bytes": 1}}, {"log": None}], "closed"),
        ([{"vmap": {"key": DPORT, "data": {"set": [[22, DROP], [80, ACCEPT]]}}}], "open"),
        ([{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", DROP],
          ["new", {"jump": {"target": "web"}}]]}}}], "closed"),
        ([{"vmap": {"key": DPORT, "data": "@ports"}}], "unknown"),
    ],
)  # fmt: skip
def test_a_policy_of_drop_and_one_rule_of_nft(rule: list[Any], expected: str) -> None:
    assert by_nft(rule) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ([match(DPORT, 80), {"reject": {"type": "tcp reset"}}], "closed"),
        ([match(payload("ip", "saddr"), "@banned"), DROP], "open"),
        ([match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), DROP], "open"),
        ([match(payload("ip", "saddr"), {"set": ["192.0.2.1", "192.0.2.2"]}), DROP], "open"),
        ([match(payload("ip", "saddr"), "@office", "!="), match(DPORT, 80), DROP], "unknown"),
    ],
)
def test_a_policy_of_accept_and_one_rule_of_nft(rule: list[Any], expected: str) -> None:
    assert by_nft(rule, policy="accept") == expected


def test_a_named_set_is_looked_into_unless_it_changes_by_itself() -> None:
    ports = {
        "family": "inet",
        "table": "filter",
        "name": "ports",
        "elem": [80, {"elem": {"val": 443}}],
    }
    rule = [match(DPORT, "@ports"), ACCEPT]
    known = parse_nft(listed(rule, more=({"set": ports},)))
    assert said(judge(known, WEB)) == "open"
    assert said(judge(known, Packet(4, 443, "eth0"))) == "open"
    assert said(judge(known, Packet(4, 22, "eth0"))) == "closed"
    changing = parse_nft(listed(rule, more=({"set": {**ports, "flags": ["dynamic"]}},)))
    assert said(judge(changing, WEB)) == "unknown"


def test_a_drop_in_one_table_cannot_be_mended_by_another() -> None:
    tables = [
        *parse_nft(listed([match(DPORT, 80), ACCEPT])),
        *parse_iptables("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", 4),
    ]
    assert said(judge(tables, WEB)) == "closed"


def test_rules_of_another_family_do_not_count() -> None:
    assert said(judge(parse_iptables("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", 6), WEB)) == "open"


def test_what_closes_is_said_as_nft_would() -> None:
    found = judge(parse_nft(listed([match(DPORT, 80), {"counter": None}, DROP])), WEB)
    assert found.causes[Fate.DROPPED] == "inet filter: input handle 7: tcp dport 80 drop"


# --- what the tools say together -----------------------------------------------------------------

MISSING = Ran(None, trouble="cannot run it: No such file or directory")
NOTHING = Ran(0)


def tools(**given: Ran) -> dict[str, Ran]:
    names = ("nft", "iptables", "ip6tables", "ufw", "firewalld")
    return {name: given.get(name, MISSING) for name in names}


def test_without_any_tool_nothing_is_known() -> None:
    assert read_filter(tools()).unread == "cannot run it: No such file or directory"


def test_a_table_that_both_show_is_taken_from_iptables_which_says_more() -> None:
    opaque = json.dumps({
        "nftables": [
            {"table": {"family": "ip", "name": "filter"}},
            {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "type": "filter",
                       "hook": "input", "prio": 0, "policy": "drop"}},
            {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "expr": [
                {"xt": None}, ACCEPT]}},
        ]
    })  # fmt: skip
    clear = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"
    assert said(judge(read_filter(tools(nft=Ran(0, opaque))).tables, WEB)) == "unknown"
    both = read_filter(tools(nft=Ran(0, opaque), iptables=Ran(0, clear), ip6tables=NOTHING))
    assert said(judge(both.tables, WEB)) == "open"
    assert not both.unread


def test_rules_that_nobody_can_read_are_told() -> None:
    incompatible = "# Table `filter' is incompatible, use 'nft' tool."
    known = read_filter(tools(iptables=Ran(0, incompatible), ip6tables=NOTHING))
    assert known.unread == (
        "there are rules of nft, and no nft to read them: apt-get install nftables"
    )
    legacy = Ran(0, err="# Warning: iptables-legacy tables present, use iptables-legacy-save")
    assert "iptables-legacy" in read_filter(tools(iptables=legacy, ip6tables=NOTHING)).unread


@pytest.mark.parametrize(
    "said",
    [
        *({"nft": text} for text in ("", "[]", "{", '{"a": 1}', "[" * 100_000)),
        {"nft": '{"nftables": [7]}'},
        {"nft": '{"nftables": [{"rule": {}}]}'},
        {"nft": listed([match({"meta": {"key": "nfproto"}}, {"prefix": 4}), ACCEPT])},
        {"iptables": "*\n"},
        {"iptables": "*filter\n:INPUT\n"},
        {"iptables": "*nat\n:INPUT - \n-A INPUT -j REDIRECT --to-ports\n"},
    ],
)
def test_what_is_no_ruleset_is_an_error_that_the_caller_expects(said: dict[str, str]) -> None:
    with pytest.raises(UNREADABLE):
        read_filter(tools(**{tool: Ran(0, text) for tool, text in said.items()}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"hook": "input"', '"hook": ["input"]'),
        ('{"accept": null}', '{"jump": {"target": ["x"]}}'),
    ],
)
def test_a_rule_that_is_read_can_be_judged(before: str, after: str) -> None:
    rules = listed([match(DPORT, 80), ACCEPT])
    assert before in rules
    judge(read_filter(tools(nft=Ran(0, rules.replace(before, after)))).tables, WEB)
