"""Rules as ``nft --json list ruleset`` prints them: libnftables-json(5)."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any

from watchdog.doctor.packets.ruleset import (
    Chain,
    Fate,
    Matches,
    Packet,
    Rule,
    Table,
    Test,
    always,
    destination,
    interface,
    ports,
    source,
)

_FAMILIES = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50}
_FATES = {"accept": Fate.ACCEPTED, "drop": Fate.DROPPED, "reject": Fate.DROPPED}
_GO_ON = frozenset({
    "ct count", "ct helper", "comment", "counter", "flow", "last", "log", "mangle", "meter",
    "notrack", "quota", "set", "map", "tproxy",
})  # fmt: skip
_NEW = frozenset({"new", "untracked"})
_NUMBER_OF_NEW = 8  # NF_CT_STATE_BIT(IP_CT_NEW)

Expression = Any
"""What json makes of nftables' expressions: numbers, strings, and mappings with one key."""


def parse_nft(listed: str) -> list[Table]:
    """Return the tables in *listed*. Raises ValueError."""
    tables: dict[tuple[str, str], dict[str, Chain]] = {}
    sets: dict[tuple[str, str, str], list[Expression]] = {}
    objects = json.loads(listed)["nftables"]
    for kind, each in (pair for entry in objects for pair in entry.items()):
        if kind in {"set", "map"}:
            if "elem" in each and not {"dynamic", "timeout"} & set(each.get("flags", ())):
                sets[each["family"], each["table"], each["name"]] = each["elem"]
        elif kind == "table":
            tables[each["family"], each["name"]] = {}
        elif kind == "chain":
            tables[each["family"], each["table"]][each["name"]] = _chain(each)
    for kind, each in (pair for entry in objects for pair in entry.items()):
        if kind == "rule":
            where = each["family"], each["table"]
            known = {name: found for (*at, name), found in sets.items() if tuple(at) == where}
            tables[where][each["chain"]].rules += _Rule(each, known).read()
    return [
        Table(f"{family} {name}", _FAMILIES.get(family, ()), chains)
        for (family, name), chains in tables.items()
    ]


def _chain(each: Mapping[str, Any]) -> Chain:
    priority = each.get("prio", 0)
    return Chain(
        each["name"],
        hook=str(each.get("hook", "")),
        kind=each.get("type", "filter"),
        priority=priority if isinstance(priority, int) else _PRIORITIES.get(priority, 0),
        policy=_FATES.get(each.get("policy", "accept"), Fate.ACCEPTED),
    )


class _Rule:
    """Reads one rule, which may become several: a verdict map has one for each of its keys."""

    def __init__(self, rule: Mapping[str, Any], sets: Mapping[str, list[Expression]]) -> None:
        self._sets = sets
        self._expressions = rule.get("expr", [])
        words = rule.get("comment") or _words(self._expressions)
        self._text = f"{rule['chain']} handle {rule.get('handle', '?')}: {words}"

    def read(self) -> list[Rule]:
        tests: list[Test] = []
        found: list[Rule] = []
        for expression in self._expressions:
            ((kind, value),) = expression.items()
            if kind == "match":
                tests.append(self._test(value["op"], value["left"], value["right"]))
            elif kind == "vmap":
                found += self._map(tests, value)
            elif kind == "limit":
                tests.append(always(Matches.MAYBE))
            elif kind in {"set", "meter", "ct count"} and "stmt" in str(value):
                tests.append(always(Matches.SOME))
            elif kind not in _GO_ON:
                found.append(self._deciding(tuple(tests), kind, value))
        return found

    def _deciding(self, tests: tuple[Test, ...], kind: str, value: Expression) -> Rule:
        if kind in _FATES:
            return Rule(self._text, tests, fate=_FATES[kind])
        if kind == "return":
            return Rule(self._text, tests, returns=True)
        if kind in {"jump", "goto"}:
            return Rule(self._text, tests, jump=str(value["target"]), leaves=kind == "goto")
        if kind == "dnat":
            return Rule(self._text, tests, fate=Fate.REDIRECTED)
        if kind == "redirect":
            port = value.get("port") if isinstance(value, dict) else None
            to_port = port if isinstance(port, int) else None
            return Rule(self._text, tests, fate=Fate.REDIRECTED, to_port=to_port)
        return Rule(self._text, tests, undecided=kind not in {"masquerade", "snat"})

    def _map(self, tests: list[Test], value: Expression) -> list[Rule]:
        elements = self._elements(value["data"])
        if elements is None:
            return [Rule(self._text, tuple(tests), undecided=True)]
        found = []
        for key, verdict in elements:
            ((kind, target),) = verdict.items() if isinstance(verdict, dict) else ((verdict, None),)
            test = self._test("==", value["key"], key)
            found.append(self._deciding((*tests, test), kind, target))
        return found

    def _elements(self, right: Expression) -> list[Expression] | None:
        """Return what a set holds; None if that is not known."""
        if isinstance(right, str) and right.startswith("@"):
            return self._sets.get(right[1:])
        if isinstance(right, dict) and "set" in right:
            inner = right["set"]
            return inner if isinstance(inner, list) else [inner]
        return right if isinstance(right, list) else [right]

    def _test(self, op: str, left: Expression, right: Expression) -> Test:
        if op not in {"==", "!=", "in"}:
            return always(Matches.MAYBE)
        elements = self._elements(right)
        if elements is None:
            test = always(Matches.SOME if _is_source(left) else Matches.MAYBE)
        else:
            test = _any([_element(left, _bare(each)) for each in elements])
        return _not(test) if op == "!=" else test


def _any(tests: list[Test]) -> Test:
    def test(packet: Packet) -> Matches:
        answers = [each(packet) for each in tests]
        return min(answers, key=lambda each: each.value, default=Matches.NO)

    return test


def _not(test: Test) -> Test:
    return lambda packet: ~test(packet)


def _bare(element: Expression) -> Expression:
    """Return the element of a set without its timeout, counter or comment."""
    if isinstance(element, dict) and "elem" in element:
        return element["elem"]["val"]
    return element


def _is_source(left: Expression) -> bool:
    return isinstance(left, dict) and left.get("payload", {}).get("field") == "saddr"


def _element(left: Expression, right: Expression) -> Test:  # noqa: C901, PLR0911, PLR0912 - a table
    """Return whether *left*, a property of the packet, is *right*."""
    match left:
        case {"payload": {"protocol": "tcp" | "th", "field": "dport"}}:
            return _ports(right)
        case {"payload": {"protocol": "ip" | "ip6", "field": "saddr"}}:
            return _network(right, source)
        case {"payload": {"protocol": "ip" | "ip6", "field": "daddr"}}:
            return _network(right, destination)
        case {"payload": {"protocol": "ip", "field": "protocol"}} | {
            "payload": {"protocol": "ip6", "field": "nexthdr"}
        }:
            return always(_yes(right in {"tcp", 6}))
        case {"payload": {"protocol": "udp" | "icmp" | "icmpv6" | "sctp" | "dccp" | "igmp"}}:
            return always(Matches.NO)
        case {"meta": {"key": "l4proto"}}:
            return always(_yes(right in {"tcp", 6}))
        case {"meta": {"key": "nfproto"}}:
            family = {"ipv4": 4, "ipv6": 6}.get(right)
            return lambda packet: _yes(packet.family == family)
        case {"meta": {"key": "iifname" | "iif"}} if isinstance(right, str):
            star = right.endswith("*")
            return interface("", any_after=right[:-1]) if star else interface(right)
        case {"meta": {"key": "iiftype"}}:
            return always(Matches.NO if right == "loopback" else Matches.MAYBE)
        case {"ct": {"key": "state"}}:
            return always(_yes(right in _NEW or right == _NUMBER_OF_NEW))
        case {"ct": {"key": "status"}} if right in {"dnat", "snat"}:
            return always(Matches.NO)  # what is redirected was taken out before
        case {"fib": {"flags": [*flags]}} if "saddr" in flags:
            return always(Matches.SOME)  # senders that pretend to be elsewhere
        case {"fib": {"result": "type"}}:
            return always(_yes(right == "local"))
        case _:
            return always(Matches.MAYBE)


def _ports(right: Expression) -> Test:
    match right:
        case int():
            return ports([(right, right)])
        case {"range": [int(low), int(high)]}:
            return ports([(low, high)])
        case _:
            return always(Matches.MAYBE)


def _network(right: Expression, test: Callable[..., Test]) -> Test:
    if isinstance(right, dict) and "prefix" in right:
        right = f"{right['prefix']['addr']}/{right['prefix']['len']}"
    if isinstance(right, dict) and "range" in right:
        return always(Matches.SOME if test is source else Matches.MAYBE)
    try:
        return test(ipaddress.ip_network(right, strict=False))
    except ValueError:
        return always(Matches.MAYBE)


def _yes(value: bool) -> Matches:  # noqa: FBT001 - it is the answer
    return Matches.YES if value else Matches.NO


def _words(expressions: list[Expression]) -> str:
    """Say what a rule does, in a line that nft's own listing resembles."""
    said = []
    for expression in expressions:
        ((kind, value),) = expression.items()
        if kind == "match":
            said.append(f"{_name(value['left'])} {_name(value['right'])}")
        elif kind in {"jump", "goto"}:
            said.append(f"{kind} {value['target']}")
        elif kind not in {"counter", "log"}:
            said.append(kind)
    return " ".join(said)


def _name(value: Expression) -> str:  # noqa: PLR0911 - a table
    match value:
        case {"payload": {"protocol": protocol, "field": field}}:
            return f"{protocol} {field}"
        case {"meta": {"key": key}}:
            return str(key)
        case {"ct": {"key": key}}:
            return f"ct {key}"
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"range": [low, high]}:
            return f"{low}-{high}"
        case {"set": [*members]}:
            return "{ " + ", ".join(map(_name, members)) + " }"
        case list():
            return ", ".join(map(_name, value))
        case str() | int():
            return str(value)
        case _:
            return "…"
