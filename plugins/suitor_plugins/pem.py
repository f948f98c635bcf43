"""Reading PEM files, with errors that say which file and what to do about it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from suitor.errors import LocalError, LocalMistake

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

PathLike = str | os.PathLike[str]

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_DER_SEQUENCE = 0x30


def read_certificates(path: PathLike) -> list[x509.Certificate]:
    """Every certificate of a PEM file, in order; other PEM blocks and comments are passed over.

    Raises LocalError(BAD_PEM) when the file cannot be read, has no certificate, or a broken one.
    """
    data = _read(path)
    blocks = _CERTIFICATE.findall(data)
    if not blocks:
        hint = "; it looks like DER: convert it with 'openssl x509 -inform der'" if _is_der(data) else ""
        raise LocalError(LocalMistake.BAD_PEM, f"{path} holds no PEM certificate{hint}")
    certificates = []
    for number, block in enumerate(blocks, 1):
        try:
            certificates.append(x509.load_pem_x509_certificate(block))
        except (ValueError, x509.InvalidVersion) as error:
            text = f"certificate {number} of {path} does not parse ({error})"
            raise LocalError(LocalMistake.BAD_PEM, text) from None
    return certificates


def read_private_key(path: PathLike, password: str | bytes | None = None) -> PrivateKeyTypes:
    """The private key of a PEM file (PKCS #8, PKCS #1 or SEC 1), which may hold certificates as well.

    A password that turns out not to be needed is ignored. Raises LocalError(BAD_PEM) when there is no key, it
    is encrypted and the password is missing or wrong, or its kind is not supported.
    """
    data = _read(path)
    if b"PRIVATE KEY-----" not in data:
        hint = "; it looks like DER: convert it with 'openssl pkey -inform der'" if _is_der(data) else ""
        raise LocalError(LocalMistake.BAD_PEM, f"{path} holds no PEM private key{hint}")
    secret = password.encode() if isinstance(password, str) else password
    # The library's own errors are dropped, text and cause: no error of ours may carry key material.
    try:
        return _load(data, secret)
    except TypeError:
        text = "is encrypted: give its password"
    except UnsupportedAlgorithm:
        text = "is of a kind that is not supported"
    except ValueError:
        text = (
            "does not parse" if secret is None else "does not open: the password is wrong, or it is damaged"
        )
    raise LocalError(LocalMistake.BAD_PEM, f"the key in {path} {text}")


def _load(data: bytes, secret: bytes | None) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(data, secret)
    except TypeError:
        if secret is None:
            raise
    return load_pem_private_key(data, None)


def _read(path: PathLike) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise LocalError(LocalMistake.BAD_PEM, f"cannot read {path}: {reason.lower()}") from None


def _is_der(data: bytes) -> bool:
    return data[:1] == bytes((_DER_SEQUENCE,))
