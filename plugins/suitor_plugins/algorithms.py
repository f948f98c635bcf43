"""The entry point ``algorithms``: every built-in algorithm, as lists for the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from suitor.plug import (
    BlockCipher,
    CertificateCompression,
    Cipher,
    Group,
    Hash,
    KeyExchange12,
    SignatureScheme,
    hookimpl,
)
from suitor_plugins.ciphers import CIPHERS
from suitor_plugins.ciphers12 import BLOCK_CIPHERS, DECREPIT_BLOCK_CIPHERS
from suitor_plugins.compression import COMPRESSIONS
from suitor_plugins.exchanges12 import EXCHANGES
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
def suitor_block_ciphers() -> Iterable[BlockCipher]:
    return (*BLOCK_CIPHERS, *DECREPIT_BLOCK_CIPHERS)


@hookimpl
def suitor_key_exchanges() -> Iterable[KeyExchange12]:
    return EXCHANGES


@hookimpl
def suitor_hashes() -> Iterable[Hash]:
    return HASHES


@hookimpl
def suitor_signatures() -> Iterable[SignatureScheme]:
    return SIGNATURES


@hookimpl
def suitor_compressions() -> Iterable[CertificateCompression]:
    return COMPRESSIONS
