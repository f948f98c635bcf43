"""The hooks a distribution implements, called once when a catalogue is loaded and never during a handshake.

A distribution points an entry point of the group ``suitor`` at a module (or any object) that has some of these
functions, each marked with :data:`hookimpl`. Every hook returns a list; an empty list is fine.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from suitor.plug.interfaces import (
    CertificateCompression,
    Cipher,
    Extension,
    Group,
    Hash,
    SignatureScheme,
    StageFactory,
)
from suitor.plug.tls12 import BlockCipher, KeyExchange12
from suitor.registry import Suite

PROJECT = "suitor"
"""The name of pluggy's project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def suitor_groups() -> Iterable[Group]:  # type: ignore[empty-body]
    """Key-exchange groups, for ``supported_groups`` and ``key_share`` (RFC 8446 sections 4.2.7 and 4.2.8)."""


@hookspec
def suitor_ciphers() -> Iterable[Cipher]:  # type: ignore[empty-body]
    """AEAD ciphers, by the name that IANA's suites call them (``AES_128_GCM``)."""


@hookspec
def suitor_block_ciphers() -> Iterable[BlockCipher]:  # type: ignore[empty-body]
    """CBC ciphers of TLS 1.2, by the name that IANA's suites call them (``AES_128_CBC``)."""


@hookspec
def suitor_key_exchanges() -> Iterable[KeyExchange12]:  # type: ignore[empty-body]
    """Key exchanges of TLS 1.2, by the registry's word (``ECDHE``, ``DHE``, ``RSA``)."""


@hookspec
def suitor_hashes() -> Iterable[Hash]:  # type: ignore[empty-body]
    """Hash functions, by the name that IANA's suites call them (``SHA256``)."""


@hookspec
def suitor_signatures() -> Iterable[SignatureScheme]:  # type: ignore[empty-body]
    """Signature schemes, for ``signature_algorithms`` and CertificateVerify (RFC 8446 section 4.2.3)."""


@hookspec
def suitor_suites() -> Iterable[Suite]:  # type: ignore[empty-body]
    """Suites on private code points (0xFF00 to 0xFFFF); every other suite is in the registry already."""


@hookspec
def suitor_compressions() -> Iterable[CertificateCompression]:  # type: ignore[empty-body]
    """Certificate compression algorithms (RFC 8879)."""


@hookspec
def suitor_extensions() -> Iterable[Extension]:  # type: ignore[empty-body]
    """ClientHello extensions that the core does not know itself."""


@hookspec
def suitor_stages() -> Iterable[StageFactory]:  # type: ignore[empty-body]
    """Stages: credentials (SNI), peer verification and resumption, by kind and name."""
