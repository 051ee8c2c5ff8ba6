"""A certificate that nobody trusts yet, made for the occasion."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def self_signed(
    directory: Path, names: str = "DNS:localhost,IP:127.0.0.1", *, days: int = 1
) -> tuple[ssl.SSLContext, Path]:
    """Return TLS for a server that has a new certificate for *names*, and the certificate's file.

    It is valid for *days*. Both the certificate and its key are written to *directory*.
    """
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", f"{days}", "-subj", "/CN=test"),
            *("-addext", f"subjectAltName={names}"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate
