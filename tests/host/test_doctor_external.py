"""Names, certificates and IPv6 of a real host, with an authority of the test's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.host.image import Images
from tests.host.storefront import ENABLED, HOST, HOST6, SHOP, SITE, Storefront, storefront
from tests.host.wires import WORLD

pytestmark = pytest.mark.timeout(180)

EXTERNAL = f'external = {{ url = "https://{SHOP}/health", timeout = "3s" }}\n'

TLS_SITE = SITE.replace(
    "listen 80;",
    "listen 80; listen 443 ssl; listen [::]:443 ssl;\n"
    "    ssl_certificate /etc/tls/shop.pem;\n    ssl_certificate_key /etc/tls/shop.key;",
)

# An authority and an intermediate one below it; `openssl ca` can be told the dates.
AUTHORITY = """
set -e
mkdir -p /etc/tls; cd /etc/tls
cat >ca.cnf <<'END'
[ca]
default_ca = here
[here]
dir = /etc/tls
database = $dir/index.txt
new_certs_dir = /etc/tls
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
[leaf]
basicConstraints = CA:FALSE
END
: >index.txt
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key; }
key root; key middle; key shop
openssl req -x509 -new -key root.key -subj '/CN=Test Root' -days 30 -out root.pem
openssl req -new -key middle.key -subj '/CN=Test Intermediate' -out middle.csr
openssl ca -batch -notext -config ca.cnf -extensions authority -days 30 \
    -cert root.pem -keyfile root.key -in middle.csr -out middle.pem
cp root.pem /usr/local/share/ca-certificates/test-root.crt
update-ca-certificates
"""

ISSUE = """
set -e; cd /etc/tls
openssl req -new -key shop.key -subj "/CN=$1" -addext "subjectAltName=DNS:$1" -out shop.csr
openssl ca -batch -notext -config ca.cnf -extensions leaf -startdate $2 -enddate $3 \
    -cert middle.pem -keyfile middle.key -in shop.csr -out leaf.pem
cat leaf.pem middle.pem >shop.pem
"""


@pytest.fixture(scope="module")
def booted(images: Images) -> Iterator[Storefront]:
    with storefront(images) as shop:
        shop.host.run("bash", "-c", AUTHORITY)
        yield shop


@pytest.fixture
def shop(booted: Storefront) -> Storefront:
    issue(booted)
    booted.heal(urls=EXTERNAL)
    booted.load(TLS_SITE)
    return booted


def issue(
    shop: Storefront,
    name: str = SHOP,
    begins: str = "20200101000000Z",
    ends: str = "20991231000000Z",
) -> None:
    shop.host.run("bash", "-c", ISSUE, "issue", name, begins, ends)


def test_a_healthy_host_has_no_finding(shop: Storefront) -> None:
    assert shop.is_well()
    assert shop.examine()["steps"]["external"][0] == "good"


def test_the_certificate_has_expired(shop: Storefront) -> None:
    issue(shop, ends="20210203000000Z")
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "tls-expired"
    assert found["fact"] == f"the certificate of {SHOP} expired on 2021-02-03"
    assert found["details"] == ["ssl_certificate /etc/tls/shop.pem"]
    issue(shop)
    shop.reload()
    assert shop.is_well()


def test_a_certificate_that_was_renewed_and_not_loaded(shop: Storefront) -> None:
    issue(shop, ends="20210203000000Z")
    shop.reload()
    issue(shop)
    found = shop.finding()
    assert found["rule"] == "tls-renewed-not-loaded"
    assert found["remedy"] == {"commands": ["nginx -t", "systemctl reload nginx"], "safe": True}
    shop.mend(found)
    assert shop.is_well()


def test_the_certificates_time_has_not_come(shop: Storefront) -> None:
    issue(shop, begins="20950101000000Z")
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "tls-not-yet-valid"
    assert "valid only from 2095-01-01 on" in found["fact"]


def test_the_certificate_is_for_another_name(shop: Storefront) -> None:
    issue(shop, "www.shop.example")
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "tls-wrong-name"
    assert found["fact"] == (
        f"the certificate at {HOST}:443 is for www.shop.example, not for {SHOP}"
    )


def test_a_star_does_not_stand_for_all_of_a_domain_of_the_first_level(shop: Storefront) -> None:
    issue(shop, "*.example")
    shop.reload()
    assert shop.finding()["rule"] == "tls-wrong-name"


def test_a_star_stands_for_one_label(shop: Storefront) -> None:
    issue(shop, "*.shop.example")
    shop.reload()
    shop.host.write("/etc/hosts", f"{HOST} www.shop.example\n")
    shop.configure(EXTERNAL.replace(SHOP, f"www.{SHOP}"))
    assert shop.is_well()


def test_the_chain_is_incomplete(shop: Storefront) -> None:
    shop.host.sh("cp /etc/tls/leaf.pem /etc/tls/shop.pem")
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "tls-untrusted"
    assert found["fact"] == (
        f"{SHOP} presents a certificate of Test Intermediate without the certificate of that "
        "authority"
    )
    assert found["details"][0] == "/etc/tls/shop.pem: 1 certificate"


def test_nobody_knows_the_authority(shop: Storefront) -> None:
    shop.host.sh(
        "openssl req -x509 -new -key /etc/tls/shop.key -subj /CN=Home -days 3 "
        f"-addext subjectAltName=DNS:{SHOP} -out /etc/tls/shop.pem"
    )
    shop.reload()
    found = shop.finding()
    assert found["rule"] == "tls-untrusted"
    assert found["fact"] == (
        f"the certificate of {SHOP} comes from Home, whom this host does not trust"
    )


def test_plain_http_at_the_port_of_https(shop: Storefront) -> None:
    shop.load(TLS_SITE.replace("443 ssl", "443"))
    found = shop.finding()
    assert found["rule"] == "tls-plain-http"
    assert found["fact"] == f"port 443 at {HOST}:443 does not speak TLS"
    assert found["details"] == [f"{ENABLED}:2: listen 443;"]


def test_versions_that_do_not_meet(shop: Storefront) -> None:
    shop.load(TLS_SITE.replace("listen 80;", "listen 80; ssl_protocols TLSv1;"))
    found = shop.finding()
    assert found["rule"] == "tls-refused"


def test_the_name_does_not_exist(shop: Storefront) -> None:
    shop.configure('external = "https://shop.invalid/health"\n')
    found = shop.finding()
    assert found["rule"] == "dns-no-such-name"
    assert found["fact"] == "shop.invalid has no address"


def test_the_name_leads_to_another_host(shop: Storefront) -> None:
    # As where an address of the world is the interface's own.
    shop.host.sh("ip address add 8.9.10.11/32 dev eth0")
    shop.host.write("/etc/hosts", f"8.8.9.9 {SHOP}\n")
    shop.wires.on_router("ip address add 8.8.9.9/32 dev lo")
    found = shop.finding()
    shop.host.sh("ip address del 8.9.10.11/32 dev eth0")
    assert found["rule"] == "dns-elsewhere"
    assert found["fact"] == f"{SHOP} leads to 8.8.9.9; this host has 8.9.10.11"


def test_behind_an_address_translation_it_is_not_guessed_whose_address_it_is(
    shop: Storefront,
) -> None:
    shop.host.write("/etc/hosts", f"{WORLD} {SHOP}\n")
    told = shop.examine()
    assert told["steps"]["proxy-port"][0] == "skipped"
    assert told["steps"]["external"][0] == "bad"
    assert told["finding"]["rule"] == "nobody-answers"


def test_cloudflare_answers_because_it_cannot_reach_this_host(shop: Storefront) -> None:
    shop.host.write("/etc/hosts", f"{WORLD} {SHOP}\n")
    shop.configure(f'external = "http://{SHOP}/health"\n')
    listening = shop.wires.from_router(lambda: socket.create_server((WORLD, 80)))

    def answer() -> None:
        for _ in range(2):  # the check and the doctor
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 521 \r\nServer: cloudflare\r\n\r\n")

    edge = threading.Thread(target=answer)
    edge.start()
    found = shop.finding()
    edge.join()
    listening.close()
    assert found["rule"] == "cdn-cannot-reach-us"
    assert found["fact"] == (
        f"Cloudflare answers 521 for {SHOP}: this host refuses its connections"
    )


def test_the_key_belongs_to_another_certificate(shop: Storefront) -> None:
    shop.host.sh("cd /etc/tls; cp shop.key saved.key; cp middle.key shop.key")
    found = shop.finding()
    shop.host.sh("cd /etc/tls; mv saved.key shop.key")
    assert found["rule"] == "nginx-key-of-another-certificate"
    assert found["fact"] == "/etc/tls/shop.key does not belong to its certificate"


def test_the_name_has_ipv6_and_nginx_does_not_listen_there(shop: Storefront) -> None:
    shop.host.write("/etc/hosts", f"{HOST} {SHOP}\n{HOST6} {SHOP}\n")
    shop.load(TLS_SITE.replace("listen [::]:443 ssl;", ""))
    found = shop.finding()
    assert found["rule"] == "nginx-listens-elsewhere"
    assert found["fact"] == "no server block of nginx listens on port 443 by IPv6"
    assert found["remedy"]["commands"][0].endswith("# add: listen [::]:443 ssl;")


def test_https_and_http_send_each_other_in_circles(shop: Storefront) -> None:
    shop.load(
        "server { listen 80; server_name shop.example; return 301 https://$host$request_uri; }\n"
        + TLS_SITE.replace("listen 80; ", "")
        .replace("listen [::]:80;", "")
        .replace("proxy_pass http://127.0.0.1:8000;", "return 301 http://$host$request_uri;")
    )
    found = shop.finding()
    assert found["rule"] == "redirect-loop"
    assert found["fact"].count("→") == 2
