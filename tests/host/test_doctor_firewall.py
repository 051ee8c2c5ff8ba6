"""The packet filter of a real host: each test closes it, and the world is asked as well."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.host.image import Images
from tests.host.storefront import HOST, HOST6, SHOP, SITE, URLS, Storefront, storefront

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def booted(images: Images) -> Iterator[Storefront]:
    with storefront(images, images.firewalls()) as shop:
        yield shop


@pytest.fixture
def shop(booted: Storefront) -> Storefront:
    booted.heal()
    return booted


def reaches(shop: Storefront, address: str = HOST, port: int = 80) -> bool:
    """Tell whether a connection from the router comes about."""

    def connect() -> bool:
        try:
            socket.create_connection((address, port), timeout=0.5).close()
        except OSError:
            return False
        return True

    return shop.wires.from_router(connect)


def nft(shop: Storefront, *rules: str, policy: str = "drop") -> None:
    chain = f"{{ type filter hook input priority 0; policy {policy}; }}"
    shop.host.sh(f"nft add table inet guard; nft 'add chain inet guard input {chain}'")
    shop.host.sh("nft add rule inet guard input iifname lo accept")
    for rule in rules:
        shop.host.sh(f"nft 'add rule inet guard input {rule}'")


def test_an_open_host_has_no_finding(shop: Storefront) -> None:
    assert shop.is_well()
    assert reaches(shop)
    # What ufw has set up stays as empty chains.
    assert shop.examine()["steps"]["firewall"] == ["good", "the packet filter lets port 80 in"]


def test_ufw_is_closed(shop: Storefront) -> None:
    shop.host.sh("ufw --force reset; ufw --force enable")
    assert not reaches(shop)
    found = shop.finding()
    assert found["rule"] == "ufw-closed"
    assert found["fact"] == "ufw does not let port 80 in"
    assert found["remedy"] == {"commands": ["ufw allow 80/tcp"], "safe": False}
    shop.mend(found)
    assert shop.is_well()
    assert reaches(shop)
    assert shop.examine()["steps"]["firewall"] == ["good", "ufw lets port 80 in"]


def test_ufw_lets_http_in_and_the_url_is_https(shop: Storefront) -> None:
    shop.host.sh("ufw --force reset; ufw allow 80/tcp; ufw --force enable")
    shop.configure(f'external = {{ url = "https://{SHOP}/health", verify_tls = false }}\n')
    pair = "ssl_certificate /etc/shop.pem; ssl_certificate_key /etc/shop.pem;"
    tls = f"listen 443 ssl; {pair} listen 80;"
    shop.host.sh(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        "-subj /CN=x -keyout /etc/shop.pem -out /etc/shop.crt; cat /etc/shop.crt >>/etc/shop.pem"
    )
    shop.load(SITE.replace("listen 80;", tls))
    found = shop.finding()
    assert found["fact"] == "ufw does not let port 443 in"
    assert found["remedy"]["commands"] == ["ufw allow 443/tcp"]


@pytest.mark.parametrize(
    "rule",
    [
        "limit 80/tcp",
        "allow 'Nginx Full'",
        "allow in on eth0 to any port 70:90 proto tcp; ufw prepend deny from 192.0.2.0/24",
        "default allow incoming; ufw deny 22",
    ],
)
def test_each_way_of_ufw_to_let_it_in_is_understood(shop: Storefront, rule: str) -> None:
    shop.host.sh(f"ufw --force reset; ufw {rule}; ufw --force enable")
    assert reaches(shop)
    assert shop.examine()["steps"]["firewall"] == ["good", "ufw lets port 80 in"]


def test_open_to_some_is_not_judged(shop: Storefront) -> None:
    shop.host.sh("ufw --force reset; ufw allow from 10.0.0.0/8 to any port 80; ufw --force enable")
    mark, text = shop.examine()["steps"]["firewall"]
    assert mark == "unknown"
    assert text.startswith("port 80 is open to some, by IPv4: -A ufw-user-input -s 10.0.0.0/8")


def test_ufw_without_ipv6_and_a_name_that_has_it(shop: Storefront) -> None:
    shop.host.write("/etc/hosts", f"{HOST} {SHOP}\n{HOST6} {SHOP}\n")
    shop.host.sh("ufw --force reset; sed -i s/^IPV6=.*/IPV6=no/ /etc/default/ufw")
    shop.host.sh("ufw allow 80/tcp; ufw --force enable")
    found = shop.finding()
    assert reaches(shop)
    assert not reaches(shop, HOST6)
    assert found["rule"] == "ufw-closed"
    assert found["fact"] == "ufw lets port 80 in by IPv4 only"
    shop.host.sh("sed -i s/^IPV6=.*/IPV6=yes/ /etc/default/ufw; ufw allow 80/tcp; ufw reload")
    assert shop.is_well()
    assert reaches(shop, HOST6)


def test_ufw_without_ipv6_before_a_name_whose_ipv6_is_another_hosts(shop: Storefront) -> None:
    shop.host.write("/etc/hosts", f"{HOST} {SHOP}\n2606:4700::1 {SHOP}\n")
    shop.host.sh("ufw --force reset; sed -i s/^IPV6=.*/IPV6=no/ /etc/default/ufw")
    shop.host.sh("ufw allow 80/tcp; ufw --force enable")
    assert shop.is_well()


def test_the_port_of_a_load_balancer_is_not_this_hosts_to_open(shop: Storefront) -> None:
    shop.host.sh("ufw --force reset; ufw allow 80/tcp; ufw --force enable")
    shop.host.write("/etc/hosts", f"{HOST} {SHOP}\n203.0.113.5 balanced.example\n")
    shop.configure(URLS + 'external = "https://balanced.example/health"\n')
    assert shop.examine()["steps"]["firewall"] == ["good", "ufw lets port 80 in"]


def test_a_policy_of_nft_drops_it(shop: Storefront) -> None:
    nft(shop, "ct state established,related accept", "tcp dport 22 accept")
    assert not reaches(shop)
    found = shop.finding()
    assert found["rule"] == "packets-dropped"
    assert found["fact"] == "port 80 is closed by: policy of inet guard input"
    shop.mend(found)
    assert shop.is_well()
    assert reaches(shop)


def test_a_rule_of_nft_rejects_it(shop: Storefront) -> None:
    nft(shop, "tcp dport { 80, 443 } reject with tcp reset", policy="accept")
    assert not reaches(shop)
    found = shop.finding()
    assert "inet guard: input handle" in found["fact"]
    assert found["fact"].endswith("tcp dport { 80, 443 } reject")
    shop.mend(found)
    assert reaches(shop)


@pytest.mark.parametrize(
    "rules",
    [
        ("ct state vmap { established : accept, invalid : drop }", "tcp dport { 80, 443 } accept"),
        ("ip saddr 192.0.2.0/24 drop", "meta l4proto tcp tcp dport 1-1024 accept"),
        ("iifname eth0 tcp dport vmap { 22 : drop, 80 : accept }",),
    ],
)
def test_rules_of_nft_that_let_it_in_are_understood(
    shop: Storefront, rules: tuple[str, ...]
) -> None:
    nft(shop, *rules)
    assert reaches(shop)
    assert shop.is_well()


def test_plain_iptables(shop: Storefront) -> None:
    shop.host.sh("iptables -A INPUT -i lo -j ACCEPT; iptables -P INPUT DROP")
    found = shop.finding()
    assert found["rule"] == "packets-dropped"
    assert found["fact"] == "port 80 is closed by: policy of iptables filter INPUT"
    shop.mend(found)
    assert shop.is_well()
    assert reaches(shop)


def test_a_container_that_docker_publishes_is_not_ufws_to_close(shop: Storefront) -> None:
    shop.host.sh("ufw --force reset; ufw --force enable")
    shop.host.sh(
        "iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL "
        "-j DOCKER; iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 80 "
        "-j DNAT --to-destination 172.17.0.2:80"
    )
    assert shop.examine()["steps"]["firewall"] == [
        "unknown",
        "port 80 goes to a container, past the rules for this host",
    ]


def test_firewalld_is_closed(shop: Storefront) -> None:
    shop.host.sh(
        "sed -i s/^FirewallBackend=.*/FirewallBackend=nftables/ /etc/firewalld/firewalld.conf"
    )
    shop.host.systemctl("start", "firewalld")
    shop.host.wait_for(lambda: not reaches(shop))  # it is ready before its rules are
    found = shop.finding()
    assert found["rule"] == "firewalld-closed"
    assert found["fact"] == "the zone public of firewalld does not let port 80 in"
    assert found["remedy"]["commands"] == [
        "firewall-cmd --permanent --zone=public --add-service=http",
        "firewall-cmd --reload",
    ]
    shop.mend(found)
    assert reaches(shop)
    assert shop.is_well()
    shop.host.sh("firewall-cmd --permanent --remove-service=http")
