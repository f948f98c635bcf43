"""What is installed: frozen look-ups by code and by name, and which suites that lights up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property

from attrs import frozen

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
from suitor.policy import Policy
from suitor.registry import Suite


@frozen
class Origin:
    """The distribution that brought something."""

    distribution: str
    version: str
    entry_point: str


@frozen
class Problem:
    """Something refused while loading: which distribution, what, and what to do about it."""

    distribution: str
    subject: str
    text: str


@frozen(eq=False)
class LitSuite:
    """A suite whose every word is installed: an AEAD ``cipher`` or a ``block_cipher`` with its ``mac``; ``hash``
    is the transcript's and the key schedule's. ``exchange`` is TLS 1.2's."""

    suite: Suite
    cipher: Cipher | None
    hash: Hash
    block_cipher: BlockCipher | None = None
    mac: Hash | None = None
    exchange: KeyExchange12 | None = None

    @property
    def strength(self) -> int:
        """The cipher's, in bits."""
        cipher = self.cipher or self.block_cipher
        return 0 if cipher is None else cipher.strength

    @property
    def aead(self) -> Cipher:
        """The cipher of a suite that has an AEAD, as all of TLS 1.3's do."""
        assert self.cipher is not None
        return self.cipher

    @property
    def name(self) -> str:
        return self.suite.name

    @property
    def code(self) -> int:
        return self.suite.code


@frozen
class DarkSuite:
    """A suite that cannot be used, and the words it lacks, such as ``("cipher ARIA_128_GCM",)``."""

    suite: Suite
    missing: tuple[str, ...]


@frozen(eq=False)
class Catalogue:
    """Everything that can be negotiated, fixed when loaded. Look-ups are plain mappings.

    Every suite of the registry is in ``suites`` (every word installed) or in ``dark``, except for the
    signalling values.
    """

    groups: Mapping[int, Group]
    ciphers: Mapping[str, Cipher]
    block_ciphers: Mapping[str, BlockCipher]
    key_exchanges: Mapping[str, KeyExchange12]
    hashes: Mapping[str, Hash]
    signatures: Mapping[int, SignatureScheme]
    compressions: Mapping[int, CertificateCompression]
    extensions: Mapping[int, Extension]
    stages: Mapping[tuple[str, str], StageFactory]
    suites: Mapping[int, LitSuite]
    dark: Mapping[int, DarkSuite]
    origins: Mapping[tuple[str, str], Origin]
    """By kind and name; the kinds are "group", "cipher", "block cipher", "key exchange", "hash", "signature",
    "suite", "compression", "extension" and "stage". A stage's name is its own kind and name ("verification
    web"). Suites of the registry have no origin."""
    problems: tuple[Problem, ...]

    def group_named(self, name: str) -> Group | None:
        """The installed group of that name."""
        return self._group_names.get(name)

    def signature_named(self, name: str) -> SignatureScheme | None:
        """The installed signature scheme of that name."""
        return self._signature_names.get(name)

    def suite_named(self, name: str) -> LitSuite | None:
        """The lit suite of that name; None for a dark or unknown one."""
        return self._suite_names.get(name)

    def dark_named(self, name: str) -> DarkSuite | None:
        """The dark suite of that name, which says what it lacks."""
        return self._dark_names.get(name)

    def compression_named(self, name: str) -> CertificateCompression | None:
        """The installed certificate compression of that name."""
        return self._compression_names.get(name)

    def stage(self, kind: str, name: str) -> StageFactory | None:
        """The installed stage of that kind and name."""
        return self.stages.get((kind, name))

    def origin(self, kind: str, name: str) -> Origin | None:
        """Which distribution brought it."""
        return self.origins.get((kind, name))

    @cached_property
    def _group_names(self) -> Mapping[str, Group]:
        return {group.name: group for group in self.groups.values()}

    @cached_property
    def _signature_names(self) -> Mapping[str, SignatureScheme]:
        return {scheme.name: scheme for scheme in self.signatures.values()}

    @cached_property
    def _suite_names(self) -> Mapping[str, LitSuite]:
        return {suite.name: suite for suite in self.suites.values()}

    @cached_property
    def _dark_names(self) -> Mapping[str, DarkSuite]:
        return {dark.suite.name: dark for dark in self.dark.values()}

    @cached_property
    def _compression_names(self) -> Mapping[str, CertificateCompression]:
        return {compression.name: compression for compression in self.compressions.values()}


@cache
def _load(winners: tuple[tuple[str, str], ...]) -> Catalogue:
    from suitor.plug.loader import load_catalogue

    return load_catalogue(winners=dict(winners))


def default_catalogue(policy: Policy | None = None) -> Catalogue:
    """The catalogue of everything installed, loaded on first use and then kept. Where distributions collide,
    ``policy.winners`` decides; without a policy, nobody wins."""
    return _load(tuple(sorted(policy.winners.items())) if policy is not None else ())
