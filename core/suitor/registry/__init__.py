"""IANA's TLS registries as data: suites broken into words, groups, signature schemes, extensions, alerts.

The tables are CSV files beside this module, read on first use. A value that no table knows is not an error:
:func:`label` shows it as unknown, private or GREASE.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from attrs import frozen

TLS12 = 0x0303
TLS13 = 0x0304

PRIVATE_SUITES = range(0xFF00, 0x10000)
"""Cipher suites for private use (RFC 8446 section 11)."""

GREASE_PSK_MODES = tuple(0x0B + 0x1F * step for step in range(8))
"""The eight GREASE values for PSK key exchange modes (RFC 8701 section 2)."""

_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3"}
_VERSION_CODES = {name: code for code, name in _VERSIONS.items()}
_FOLDER = Path(__file__).parent


@frozen
class Suite:
    """One cipher suite, a sentence of words. ``kx`` and ``auth`` are empty for TLS 1.3, which negotiates them
    on their own axes. ``min_version`` and ``max_version`` are wire codes (0x0303, 0x0304).
    ``recommended`` is IANA's column: Y, N, or D (discouraged).

    ``hash`` is the name's last word, or SHA256 for the CCM suites that name none. TLS 1.3 and AEAD suites
    hash the handshake with it; for others it is the record's HMAC, and TLS 1.2 makes keys with SHA256 where
    the word is SHA or MD5 (RFC 5246 section 5). GOST suites imply STREEBOG256.
    """

    code: int
    name: str
    kx: str
    auth: str
    cipher: str
    hash: str
    min_version: int
    max_version: int
    recommended: str
    reference: str
    dtls: bool = False

    @property
    def signalling(self) -> bool:
        """Whether this is a code point without words: a signal (SCSV) or the null state, never negotiated."""
        return not self.cipher


@frozen
class GroupEntry:
    """A row of TLS Supported Groups."""

    code: int
    name: str
    dtls: bool
    recommended: str
    reference: str


@frozen
class SchemeEntry:
    """A row of TLS SignatureScheme."""

    code: int
    name: str
    recommended: str
    reference: str


@frozen
class ExtensionEntry:
    """A row of TLS ExtensionType Values. ``messages`` are those of TLS 1.3 that may carry it: CH, SH, HRR,
    EE, CR, CT, NST (RFC 8446 section 4.2); empty when TLS 1.3 does not use it."""

    code: int
    name: str
    messages: frozenset[str]
    dtls_only: bool
    recommended: str
    reference: str


@frozen
class AlertEntry:
    """A row of TLS Alerts. ``name`` ends in ``_RESERVED`` when TLS 1.3 no longer uses it."""

    code: int
    name: str
    reference: str


@frozen
class CompressionEntry:
    """A row of TLS Certificate Compression Algorithm IDs (RFC 8879)."""

    code: int
    name: str
    reference: str


class Entry(Protocol):
    """What all tables' rows have."""

    @property
    def code(self) -> int: ...
    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Entry)


def _rows(table: str) -> Iterator[list[str]]:
    with (_FOLDER / f"{table}.csv").open(encoding="ascii", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        yield from reader


def _by_code(rows: Iterator[R]) -> Mapping[int, R]:
    return MappingProxyType({row.code: row for row in rows})


def _by_name(table: Mapping[int, R]) -> Mapping[str, R]:
    return MappingProxyType({row.name: row for row in table.values()})


@cache
def suites() -> Mapping[int, Suite]:
    """TLS Cipher Suites, by code, the signalling values included."""
    return _by_code(
        Suite(
            int(code, 16),
            name,
            kx,
            auth,
            cipher,
            digest,
            int(low, 16),
            int(high, 16),
            recommended,
            reference,
            dtls == "Y",
        )
        for code, name, kx, auth, cipher, digest, low, high, dtls, recommended, reference in _rows(
            "cipher_suites"
        )
    )


@cache
def groups() -> Mapping[int, GroupEntry]:
    """TLS Supported Groups, by code."""
    return _by_code(
        GroupEntry(int(code, 16), name, dtls == "Y", recommended, reference)
        for code, name, dtls, recommended, reference in _rows("groups")
    )


@cache
def schemes() -> Mapping[int, SchemeEntry]:
    """TLS SignatureScheme, by code."""
    return _by_code(
        SchemeEntry(int(code, 16), name, recommended, reference)
        for code, name, recommended, reference in _rows("signature_schemes")
    )


@cache
def extensions() -> Mapping[int, ExtensionEntry]:
    """TLS ExtensionType Values, by code."""
    return _by_code(
        ExtensionEntry(
            int(code, 16), name, frozenset(messages.split()), dtls_only == "Y", recommended, reference
        )
        for code, name, messages, dtls_only, recommended, reference in _rows("extensions")
    )


@cache
def alerts() -> Mapping[int, AlertEntry]:
    """TLS Alerts, by code."""
    return _by_code(AlertEntry(int(code), name, reference) for code, name, reference in _rows("alerts"))


@cache
def compressions() -> Mapping[int, CompressionEntry]:
    """TLS Certificate Compression Algorithm IDs, by code."""
    return _by_code(
        CompressionEntry(int(code), name, reference)
        for code, name, reference in _rows("certificate_compressions")
    )


@cache
def _suite_names() -> Mapping[str, Suite]:
    return _by_name(suites())


@cache
def _group_names() -> Mapping[str, GroupEntry]:
    return _by_name(groups())


@cache
def _scheme_names() -> Mapping[str, SchemeEntry]:
    return _by_name(schemes())


@cache
def _extension_names() -> Mapping[str, ExtensionEntry]:
    return _by_name(extensions())


@cache
def _compression_names() -> Mapping[str, CompressionEntry]:
    return _by_name(compressions())


def suite_named(name: str) -> Suite | None:
    """The suite that IANA calls so."""
    return _suite_names().get(name)


def group_named(name: str) -> GroupEntry | None:
    """The group that IANA calls so."""
    return _group_names().get(name)


def scheme_named(name: str) -> SchemeEntry | None:
    """The signature scheme that IANA calls so."""
    return _scheme_names().get(name)


def extension_named(name: str) -> ExtensionEntry | None:
    """The extension that IANA calls so."""
    return _extension_names().get(name)


def compression_named(name: str) -> CompressionEntry | None:
    """The certificate compression that IANA calls so."""
    return _compression_names().get(name)


def is_grease(code: int) -> bool:
    """Whether a 16-bit code (suite, group, scheme, extension, version) is GREASE (RFC 8701 section 2)."""
    return code & 0x0F0F == 0x0A0A and code >> 8 == code & 0xFF


def is_ffdhe(code: int) -> bool:
    """Whether a group is of finite-field Diffie-Hellman: 256 to 511 are set apart for it (RFC 7919 section 7)."""
    return 0x0100 <= code <= 0x01FF


def is_grease_psk_mode(value: int) -> bool:
    """Whether a PSK key exchange mode (one byte) is GREASE (RFC 8701 section 2)."""
    return value in GREASE_PSK_MODES


def _unlisted(code: int) -> str:
    return f"GREASE 0x{code:04X}" if is_grease(code) else f"unknown 0x{code:04X}"


def label(table: Mapping[int, R], code: int) -> str:
    """How to show a code point: ``label(groups(), 0x1D)`` is "x25519"; else "GREASE 0x1A1A" or
    "unknown 0xFE01"."""
    row = table.get(code)
    return _unlisted(code) if row is None else row.name


def version_name(code: int) -> str:
    """0x0304 is "TLSv1.3"; a version that is not known is shown as :func:`label` does."""
    return _VERSIONS.get(code) or _unlisted(code)


def version_code(name: str) -> int:
    """The wire code, 0x0304 for "TLSv1.3". Raises KeyError for anything that is not the name of a version."""
    return _VERSION_CODES[name]
