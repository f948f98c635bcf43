"""Certificates without their keys, enough to judge which signature schemes they could make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from suitor.catalogue import Catalogue
from suitor.errors import LocalError, LocalMistake
from suitor.plug.interfaces import (
    Credential,
    CredentialRequest,
    Credentials,
    Selected,
    StageFactory,
)
from suitor.wire.hello import ClientHello


def credentials_of(catalogue: Catalogue, files: Sequence[Path], hello: ClientHello) -> tuple[Credential, ...]:
    """The certificates that the SNI stage would find for this ClientHello, best first.

    Raises LocalError(BAD_PEM) for a file that holds none.
    """
    own = tuple(_read(path) for path in files)
    factory = catalogue.stage(StageFactory.CREDENTIALS, "sni")
    if factory is None:
        return own
    sni: Credentials = factory.make(own)
    offer = hello.offer
    request = CredentialRequest(
        offer.server_name,
        offer.signatures or (),
        offer.certificate_signatures or offer.signatures or (),
        offer.alpn,
    )
    found = sni.select(request)
    return found.credentials if isinstance(found, Selected) else own


def _read(path: Path) -> Credential:
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
        leaf = chain[0]
        public_key = leaf.public_key()
        names = _names(leaf)
    except OSError as error:
        text = f"cannot read {path}: {error.strerror or error}"
        raise LocalError(LocalMistake.BAD_PEM, text) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise LocalError(LocalMistake.BAD_PEM, f"{path} holds no usable PEM certificate ({error})") from None
    return Credential(
        label=path.name,
        chain=tuple(certificate.public_bytes(Encoding.DER) for certificate in chain),
        public_key=public_key,
        names=names,
    )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and addresses that it is for (RFC 9525 section 6). Raises ValueError."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in found if isinstance(name, x509.DNSName | x509.IPAddress))
