"""Why there is no TLS session that a client would accept."""

from __future__ import annotations

import ssl
from pathlib import Path

from watchdog.doctor.case import Case, Rule
from watchdog.doctor.facts.failing import answer_of
from watchdog.doctor.facts.presented import Presented, day, presented
from watchdog.doctor.facts.reached import Reached
from watchdog.doctor.facts.web import server_for
from watchdog.doctor.finding import Finding, Remedy
from watchdog.probes.certificate import Validity, validity

_END = "-----END CERTIFICATE-----"
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}


async def tls_plain_http(case: Case) -> Finding | None:
    """The port of https answers in plain HTTP: its listen line lacks `ssl`.

    Add it, with a certificate; test and reload.
    """
    found = await answer_of(case)
    if found is None or found[1].tls is None or found[1].tls.reason not in _NOT_TLS:
        return None
    check, reached = found
    server = await server_for(case, check)
    lines = list(server.all("listen")) if server else []
    port = str(reached.target.port)
    listen = next((each for each in lines if port in each.arguments[0]), None)
    edit = (
        (f"editor +{listen.line} {listen.file}  # listen … ssl;", *case.nginx_reload)
        if listen
        else ()
    )
    return Finding(
        "tls-plain-http",
        f"port {port} at {reached.address} does not speak TLS",
        "browsers that come by https show an error",
        Remedy(edit or (f"curl -v http://{reached.target.host}:{port}/",)),
        (f"{listen.place}: listen {' '.join(listen.arguments)};",) if listen else (),
    )


async def tls_renewed_not_loaded(case: Case) -> Finding | None:
    """The certificate that nginx presents is over, and the one on disk is not: renewed since.

    Reload nginx, and have certbot do so whenever it renews (--deploy-hook).
    """
    seen = await _seen(case)
    path, _ = await _chain(case)
    if seen is None or not path or not seen[1].is_expired:
        return None
    on_disk = _validity_of(path)
    if on_disk is None or on_disk.ends <= seen[1].ends:
        return None
    return Finding(
        "tls-renewed-not-loaded",
        f"nginx presents a certificate that expired on {day(seen[1].ends)}; the one in {path} is "
        f"good until {day(on_disk.ends)}",
        "nginx reads certificates when it loads its configuration, and has not done so since",
        Remedy(case.nginx_reload, safe=True),
    )


async def tls_expired(case: Case) -> Finding | None:
    """The certificate's time is over.

    Renew it, and have nginx load it. If it was renewed, only the reload is missing.
    """
    seen = await _seen(case)
    if seen is None or not seen[1].is_expired:
        return None
    reached, certificate = seen
    return Finding(
        "tls-expired",
        f"the certificate of {reached.target.host} expired on {day(certificate.ends)}",
        "browsers and clients turn away",
        Remedy((*_renew(reached), *case.nginx_reload)),
        await _file(case),
    )


async def tls_not_yet_valid(case: Case) -> Finding | None:
    """The certificate's time has not come, or this host's clock is behind.

    Compare the clock, then the certificate.
    """
    seen = await _seen(case)
    if seen is None or not seen[1].is_early:
        return None
    reached, certificate = seen
    return Finding(
        "tls-not-yet-valid",
        f"the certificate of {reached.target.host} is valid only from {day(certificate.begins)} on",
        "browsers and clients turn away; unless it is this host's clock that is wrong",
        Remedy(("timedatectl", *_renew(reached), *case.nginx_reload)),
        await _file(case),
    )


async def tls_wrong_name(case: Case) -> Finding | None:
    """The certificate is for other names than the one that is asked for.

    Get one for this name; or another server block answers than the one that has it.
    """
    seen = await _seen(case)
    if seen is None or not seen[1].names or seen[1].is_for(seen[0].target.host):
        return None
    reached, certificate = seen
    return Finding(
        "tls-wrong-name",
        f"the certificate at {reached.address} is for {', '.join(certificate.names[:5])}, "
        f"not for {reached.target.host}",
        "browsers and clients turn away",
        Remedy((*_renew(reached), *case.nginx_reload)),
        await _file(case),
    )


async def tls_untrusted(case: Case) -> Finding | None:
    """The certificate leads to no authority that this host trusts.

    Mostly the intermediate certificate is missing in ssl_certificate: use fullchain.pem. An
    authority of one's own has to be made known to this host.
    """
    seen = await _seen(case)
    if seen is None or not seen[1].untrusted:
        return None
    reached, certificate = seen
    path, count = await _chain(case)
    if count == 1 and "self" not in certificate.untrusted:
        return Finding(
            "tls-untrusted",
            f"{reached.target.host} presents a certificate of {certificate.issuer} without the "
            "certificate of that authority",
            "browsers that have not met the authority before turn away, as does this host",
            Remedy(
                (f"grep -c BEGIN {path}", f"editor {path}  # use fullchain.pem", *case.nginx_reload)
            ),
            (f"{path}: 1 certificate", certificate.untrusted),
        )
    return Finding(
        "tls-untrusted",
        f"the certificate of {reached.target.host} comes from {certificate.issuer}, whom this host "
        "does not trust",
        "clients that do not know the authority turn away",
        Remedy(("cp AUTHORITY.crt /usr/local/share/ca-certificates/", "update-ca-certificates")),
        (certificate.untrusted,),
    )


async def tls_refused(case: Case) -> Finding | None:
    """There is no TLS session for another reason: versions or ciphers that do not meet.

    See what both sides offer.
    """
    found = await answer_of(case)
    if found is None or found[1].tls is None:
        return None
    reached, error = found[1], found[1].tls
    host, port = reached.target.host, reached.target.port
    return Finding(
        "tls-refused",
        f"no TLS session with {host}:{port}: {_words(error)}",
        "clients that offer the same as this host are turned away too",
        Remedy((f"openssl s_client -connect {host}:{port} -servername {host}",)),
        await _file(case),
    )


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "unknown error").lower().replace("_", " ")


async def _seen(case: Case) -> tuple[Reached, Presented] | None:
    """Return what was reached and its certificate, if TLS is why the check fails."""
    found = await answer_of(case)
    if found is None or not isinstance(found[1].tls, ssl.SSLCertVerificationError):
        return None
    check, reached = found
    certificate = await case.once(("certificate", check.url), lambda: presented(check, reached))
    return None if certificate is None else (reached, certificate)


def _renew(reached: Reached) -> tuple[str, ...]:
    host = reached.target.host
    if Path("/etc/letsencrypt/live", host).exists():
        return (f"certbot renew --cert-name {host} --force-renewal",)
    return (f"certbot --nginx -d {host}",)


async def _file(case: Case) -> tuple[str, ...]:
    path, _ = await _chain(case)
    return (f"ssl_certificate {path}",) if path else ()


def _validity_of(path: str) -> Validity | None:
    try:
        first = Path("/etc/nginx", path).read_text(errors="replace").partition(_END)[0]
        return validity(ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN") :] + _END))
    except (OSError, ValueError):
        return None


async def _chain(case: Case) -> tuple[str, int]:
    """Return the file of the certificates that nginx presents, and how many it has; 0: unknown."""
    found = await answer_of(case)
    server = await server_for(case, found[0]) if found else None
    line = server.first("ssl_certificate") if server else None
    if line is None or not line.arguments:
        return "", 0
    path = line.arguments[0]
    try:
        return path, Path("/etc/nginx", path).read_text(errors="replace").count("BEGIN CERT")
    except OSError:
        return path, 0


RULES: tuple[Rule, ...] = (
    tls_plain_http,
    tls_renewed_not_loaded,
    tls_expired,
    tls_not_yet_valid,
    tls_wrong_name,
    tls_untrusted,
    tls_refused,
)
