"""The entry point ``algorithms``: every built-in algorithm, as lists for the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from suitor.plug import CertificateCompression, Cipher, Group, Hash, SignatureScheme, hookimpl
from suitor_plugins.ciphers import CIPHERS
from suitor_plugins.compression import COMPRESSIONS
from suitor_plugins.groups import GROUPS
from suitor_plugins.hashes import HASHES
from suitor_plugins.signatures import SIGNATURES


@hookimpl
def suitor_groups() -> Iterable[Group]:
    return GROUPS


@hookimpl
def suitor_ciphers() -> Iterable[Cipher]:
    return CIPHERS


@hookimpl
def suitor_hashes() -> Iterable[Hash]:
    return HASHES


@hookimpl
def suitor_signatures() -> Iterable[SignatureScheme]:
    return SIGNATURES


@hookimpl
def suitor_compressions() -> Iterable[CertificateCompression]:
    return COMPRESSIONS
