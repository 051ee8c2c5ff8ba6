"""Rules as ``iptables-save`` and ``ip6tables-save`` print them; ufw's and Docker's among them."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from watchdog.doctor.packets.ruleset import (
    Chain,
    Fate,
    Matches,
    Rule,
    Table,
    Test,
    always,
    destination,
    interface,
    ports,
    source,
)

_HOOKS = {"INPUT": "input", "PREROUTING": "prerouting"}
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_FATES = {"ACCEPT": Fate.ACCEPTED, "DROP": Fate.DROPPED, "REJECT": Fate.DROPPED}
_GO_ON = frozenset({
    "AUDIT", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "LOG", "MARK", "NFLOG", "SECMARK", "SET",
    "TCPMSS", "TOS", "TRACE", "TTL",
})  # fmt: skip
_DECIDING: Mapping[str, Mapping[str, Any]] = {
    "RETURN": {"returns": True},
    "DNAT": {"fate": Fate.REDIRECTED},
    "REDIRECT": {"fate": Fate.REDIRECTED},
    "NFQUEUE": {"undecided": True},
    "QUEUE": {"undecided": True},
    "SYNPROXY": {"undecided": True},
    "TPROXY": {"undecided": True},
}
_PROTOCOLS = {"tcp": Matches.YES, "6": Matches.YES, "all": Matches.YES, "0": Matches.YES}
# Of some senders: those on a list, those who come too often, those who pretend to be elsewhere.
_OF_SENDERS = frozenset({"connlimit", "geoip", "hashlimit", "recent", "rpfilter", "set"})
# Of headers that the first packet of a connection does not have.
_OF_OTHERS = frozenset({
    "ah", "dccp", "dst", "esp", "frag", "hbh", "icmp", "icmp6", "mh", "rt", "sctp", "srh", "udp",
})  # fmt: skip
_NEW = frozenset({"NEW", "UNTRACKED"})


def parse_iptables(saved: str, family: int) -> list[Table]:
    """Return the tables in *saved*, of IPv4 or of IPv6 (4, 6)."""
    tables: list[Table] = []
    chains: dict[str, Chain] = {}
    name = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            name, chains = line[1:].strip(), {}
            tables.append(Table(f"{_command(family)} {name}", (family,), chains))
        elif line.startswith(":"):
            chain, policy, *_ = line[1:].split()
            chains[chain] = Chain(
                chain,
                hook=_HOOKS.get(chain, ""),
                kind="nat" if name == "nat" else "filter",
                priority=_PRIORITIES.get(name, 0),
                policy=_FATES.get(policy, Fate.ACCEPTED),
            )
        elif line.startswith("-A "):
            words = _words(line)
            if len(words) > 1 and words[1] in chains:
                chains[words[1]].rules.append(_rule(line, words[2:]))
    return tables


def _command(family: int) -> str:
    return "iptables" if family == 4 else "ip6tables"  # noqa: PLR2004 - as in IPv4


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


class _Words:
    """The words of a rule, taken from the front."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(words)

    def __bool__(self) -> bool:
        return bool(self._words)

    def next(self) -> str:
        return self._words.pop(0) if self._words else ""

    def until_option(self) -> list[str]:
        """Return what follows, up to the next option."""
        found: list[str] = []
        while self._words and not self._words[0].startswith("-") and self._words[0] != "!":
            found.append(self._words.pop(0))
        return found


def _rule(text: str, words: Iterable[str]) -> Rule:
    rest = _Words(words)
    tests: list[Test] = []
    jump, leaves = "", False
    negated = False
    module = ""
    while rest:
        word = rest.next()
        if word == "!":
            negated = True
            continue
        if word in {"-j", "-g"}:
            jump, leaves = rest.next(), word == "-g"
            break
        if word in {"-m", "--match"}:
            module = rest.next()
            if module in _OF_SENDERS:
                tests.append(always(Matches.SOME))
            if module in _OF_OTHERS:
                tests.append(always(Matches.NO))
            continue
        values = rest.until_option()
        test = _test(word, values, module)
        if test is not None:
            tests.append(_not(test) if negated else test)
        negated = False
    options = list(iter(rest.next, ""))
    return _deciding(text, tuple(tests), jump, options, leaves=leaves)


def _deciding(
    text: str, tests: tuple[Test, ...], jump: str, options: list[str], *, leaves: bool
) -> Rule:
    rule = Rule(text, tests)
    if jump in _FATES:
        return replace(rule, fate=_FATES[jump])
    if jump == "REDIRECT" and "--to-ports" in options:
        to = options[options.index("--to-ports") + 1]
        return replace(rule, fate=Fate.REDIRECTED, to_port=int(to) if to.isdigit() else None)
    if jump in _DECIDING:
        return replace(rule, **_DECIDING[jump])
    if not jump or jump in _GO_ON:
        return rule
    return replace(rule, jump=jump, leaves=leaves)


def _test(option: str, values: list[str], module: str) -> Test | None:
    """Return what an option asks; None if it asks nothing that its module has not said."""
    value = values[0] if values else ""
    make = _OPTIONS.get(option)
    if make is not None:
        return make(value)
    if module in _OF_SENDERS or module == "comment":
        return None
    return always(Matches.MAYBE)


def _network(
    value: str, test: Callable[[ipaddress.IPv4Network | ipaddress.IPv6Network], Test]
) -> Test:
    try:
        return test(ipaddress.ip_network(value, strict=False))
    except ValueError:
        return always(Matches.MAYBE)


def _interface(value: str) -> Test:
    return interface("", any_after=value[:-1]) if value.endswith("+") else interface(value)


def _ports(value: str) -> Test:
    ranges = []
    for each in value.split(","):
        low, _, high = each.partition(":")
        if not low.isdigit() or not (high.isdigit() or not high):
            return always(Matches.MAYBE)
        ranges.append((int(low), int(high or low)))
    return ports(ranges)


def _state(value: str) -> Test:
    return always(Matches.YES if _NEW & set(value.split(",")) else Matches.NO)


def _kind(value: str) -> Test:
    return always(Matches.YES if "LOCAL" in value.split(",") else Matches.NO)


_OPTIONS: Mapping[str, Callable[[str], Test]] = {
    "-s": lambda value: _network(value, source),
    "-d": lambda value: _network(value, destination),
    "-i": _interface,
    "-o": lambda _: always(Matches.NO),
    "-p": lambda value: always(_PROTOCOLS.get(value, Matches.NO)),
    "--dport": _ports,
    "--dports": _ports,
    "--sport": lambda _: always(Matches.MAYBE),
    "--sports": lambda _: always(Matches.MAYBE),
    "--ctstate": _state,
    "--state": _state,
    "--dst-type": _kind,
    "--syn": lambda _: always(Matches.YES),
    "--tcp-flags": lambda _: always(Matches.MAYBE),
    "--icmp-type": lambda _: always(Matches.NO),
    "--icmpv6-type": lambda _: always(Matches.NO),
}


def _not(test: Test) -> Test:
    return lambda packet: ~test(packet)
