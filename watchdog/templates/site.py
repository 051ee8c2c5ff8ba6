"""The nginx site in front of an application."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watchdog.errors import TemplateError
from watchdog.templates.application import Application, require_plain
from watchdog.templates.text import fill

LETSENCRYPT = "/etc/letsencrypt/live"

_DOMAIN = re.compile(r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_IPV6 = Path("/proc/net/if_inet6")


@dataclass(frozen=True, slots=True)
class Site:
    """What a site is asked for."""

    domains: Sequence[str] = ()  # none: whatever name it is asked under
    tls: bool = False
    certificate: str = ""  # empty: where certbot puts that of the first domain
    key: str = ""
    ipv6: bool = True


def has_ipv6() -> bool:
    """Tell whether this kernel has IPv6: nginx does not start where it cannot listen."""
    return _IPV6.exists()


def site_text(application: Application, site: Site) -> str:
    """Return the site's configuration. Raises TemplateError."""
    cannot = f"cannot write a site for {application.name}"
    for domain in site.domains:
        if not _DOMAIN.fullmatch(domain) or ".." in domain:
            raise TemplateError(f"{cannot}: {domain!r} is no domain; expected one such as a.org")
    names = " ".join(site.domains) or "_"
    # Without a name the site has to be the default one: it is asked under the host's address.
    default = "" if site.domains else " default_server"
    return fill(
        "site.conf",
        id=application.id,
        name=application.label,
        address=application.address,
        health=application.health,
        server_name=names,
        listen=_listen(443 if site.tls else 80, (" ssl" if site.tls else "") + default, site),
        redirect=fill("redirect.conf", listen=_listen(80, default, site), server_name=names)
        if site.tls
        else "",
        tls=_tls(application, site, cannot) if site.tls else "",
    )


def _listen(port: int, more: str, site: Site) -> str:
    lines = [f"    listen {port}{more};"]
    if site.ipv6:
        lines.append(f"    listen [::]:{port}{more};")
    return "\n".join(lines)


def _tls(application: Application, site: Site, cannot: str) -> str:
    if not site.certificate and not site.domains:
        raise TemplateError(
            f"{cannot}: whose certificate? Give --domain, or --certificate and --key"
        )
    if bool(site.certificate) != bool(site.key):
        raise TemplateError(f"{cannot}: expected --certificate and --key together")
    kept = f"{LETSENCRYPT}/{site.domains[0].removeprefix('*.')}" if site.domains else ""
    certificate = site.certificate or f"{kept}/fullchain.pem"
    key = site.key or f"{kept}/privkey.pem"
    return fill(
        "tls.conf",
        id=application.id,
        certificate=require_plain(certificate, "the certificate", cannot),
        key=require_plain(key, "the key", cannot),
    )
