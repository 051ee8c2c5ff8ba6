"""From when to when a certificate is valid, read from what a server shows."""

from __future__ import annotations

import shutil
import ssl
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.peers.certificate import self_signed
from tests.unit.probes.servers import answer, answering, serving
from watchdog.core.model import Verdict
from watchdog.core.service import HttpCheck
from watchdog.probes.certificate import Validity, validity
from watchdog.probes.http import make_http_probe

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")

DAY = 86400.0


@pytest.fixture(name="tls", scope="module")
def fixture_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1", days=5)


@needs_openssl
async def test_the_end_of_a_servers_certificate_is_known_though_it_is_not_verified(
    tls: tuple[ssl.SSLContext, Path],
) -> None:
    shown: list[bytes] = []
    async with serving(answering(answer(b"fine")), tls[0]) as port:
        check = HttpCheck(f"https://127.0.0.1:{port}/", verify_tls=False)
        observation = await make_http_probe(check, show=shown.append)()
    assert observation.verdict is Verdict.PASS
    [certificate] = shown
    begins, ends = validity(certificate)
    assert ends - begins == 5 * DAY
    assert abs(ends - time.time() - 5 * DAY) < 3600


@needs_openssl
def test_what_is_read_is_what_openssl_reads(tls: tuple[ssl.SSLContext, Path]) -> None:
    pem = tls[1].read_text()
    context = ssl.create_default_context(cadata=pem)
    [read] = context.get_ca_certs()
    expected = [ssl.cert_time_to_seconds(str(read[key])) for key in ("notBefore", "notAfter")]
    assert list(validity(ssl.PEM_cert_to_DER_cert(pem))) == expected


def element(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def certificate(begins: bytes, ends: bytes, *, version: bool = True) -> bytes:
    """Return as much of a certificate as is looked at, and something after it."""
    first = element(0xA0, element(0x02, b"\x02")) if version else b""
    names = element(0x02, b"\x01") + element(0x30, b"") + element(0x30, b"x" * 200)
    fields = first + names + element(0x30, begins + ends) + element(0x30, b"")
    return element(0x30, element(0x30, fields) + element(0x30, b"") + element(0x03, b"\x00"))


def utc(text: str) -> bytes:
    return element(0x17, text.encode())


def generalized(text: str) -> bytes:
    return element(0x18, text.encode())


def test_both_forms_of_a_time_are_read() -> None:
    made = certificate(utc("490101000000Z"), generalized("20500101000000Z"))
    assert validity(made) == Validity(2493072000.0, 2524608000.0)
    assert validity(certificate(utc("500101000000Z"), utc("490101000000Z"))).begins < 0


def test_a_certificate_of_version_1_is_read() -> None:
    made = certificate(utc("250101000000Z"), utc("260101000000Z"), version=False)
    assert validity(made).ends == 1767225600.0


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x30",
        b"\x30\x05\x30\x00",
        element(0x04, b""),
        certificate(utc("250101000000Z"), element(0x04, b"260101000000Z")),
        certificate(utc("259901000000Z"), utc("260101000000Z")),
        certificate(utc("250101000000Z"), b""),
        certificate(utc("250101000000Z"), utc("2601010000+0900")),
        certificate(utc("ab0101000000Z"), utc("260101000000Z")),
        certificate(utc("250101000000Z"), utc("26 101000000Z")),
        certificate(utc("250101000000Z"), utc("2601010000Z")),
        certificate(utc("250101000000Z"), utc("2601010000000")),
        element(0x30, element(0x30, element(0x02, b"") * 5)),
    ],
)
def test_what_is_no_certificate_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="not a certificate"):
        validity(broken)


@given(st.binary(max_size=300))
def test_bytes_of_a_stranger_break_nothing(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a certificate"):
        validity(data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_certificate_breaks_nothing(place: int, byte: int) -> None:
    made = bytearray(certificate(utc("250101000000Z"), utc("260101000000Z")))
    made[place % len(made)] = byte
    try:
        begins, ends = validity(bytes(made))
    except ValueError as error:
        assert str(error) == "not a certificate"  # noqa: PT017 - either will do
    else:
        assert isinstance(begins, float)
        assert isinstance(ends, float)
