"""Which certificates to trust: a file, a list, or what the platform keeps."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509

from suitor.errors import LocalError, LocalMistake
from suitor_plugins.pem import PathLike, read_certificates

Roots = PathLike | Iterable[x509.Certificate | bytes]
"""A PEM file, or certificates of ``cryptography`` or in DER."""


def load_roots(roots: Roots) -> tuple[x509.Certificate, ...]:
    """The certificates named. Raises LocalError (BAD_PEM, NO_TRUST_STORE)."""
    if isinstance(roots, str | os.PathLike):
        return tuple(read_certificates(roots))
    certificates = []
    for root in roots:
        if isinstance(root, x509.Certificate):
            certificates.append(root)
            continue
        try:
            certificates.append(x509.load_der_x509_certificate(root))
        except (ValueError, x509.InvalidVersion) as error:
            raise LocalError(LocalMistake.BAD_PEM, f"a root is not a DER certificate ({error})") from None
    if not certificates:
        raise LocalError(LocalMistake.NO_TRUST_STORE, "the list of roots is empty")
    return tuple(certificates)


def platform_roots() -> tuple[x509.Certificate, ...]:
    """The platform's roots where OpenSSL looks for them (``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count), else
    those of the package certifi if it is installed. Raises LocalError(NO_TRUST_STORE)."""
    import ssl  # costs more to import than the rest of this module, and only its list of places is wanted

    places = ssl.get_default_verify_paths()
    files = [Path(places.cafile)] if places.cafile else _files_in(places.capath)
    found: dict[x509.Certificate, None] = {}
    for file in files:
        try:
            found.update(dict.fromkeys(read_certificates(file)))
        except LocalError:
            continue  # a store may hold other files, and one bad file must not hide the rest
    return tuple(found) or _certifi_roots(places.openssl_cafile)


def _files_in(directory: str | None) -> list[Path]:
    return sorted(path for path in Path(directory).iterdir() if path.is_file()) if directory else []


def _certifi_roots(looked_at: str) -> tuple[x509.Certificate, ...]:
    try:
        import certifi  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise LocalError(
            LocalMistake.NO_TRUST_STORE,
            f"nothing at {looked_at}, and certifi is not installed: install your system's ca-certificates or "
            "the package certifi, or name a file of root certificates",
        ) from None
    return tuple(read_certificates(certifi.where()))
