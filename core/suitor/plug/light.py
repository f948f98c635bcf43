"""Which suites light up: a suite is usable the moment every word of it is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from suitor.catalogue import DarkSuite, LitSuite
from suitor.plug.interfaces import Cipher, Hash
from suitor.plug.tls12 import BlockCipher, KeyExchange12
from suitor.registry import TLS12, TLS13, Suite, version_name

_PRF_OF_OLD_HASHES = "SHA256"
"""The PRF of a suite whose hash is older than TLS 1.2, and makes its MAC alone (RFC 5246 section 5)."""

_OLD_HASHES = ("MD5", "SHA")


@frozen(eq=False)
class Words:
    """What is installed to make suites of. ``authentications`` are the words that signature schemes serve."""

    ciphers: Mapping[str, Cipher]
    block_ciphers: Mapping[str, BlockCipher]
    hashes: Mapping[str, Hash]
    key_exchanges: Mapping[str, KeyExchange12]
    authentications: frozenset[str]


def light_suites(suites: Iterable[Suite], words: Words) -> tuple[dict[int, LitSuite], dict[int, DarkSuite]]:
    """Every suite with words, either lit or dark with the words it lacks, by code."""
    lit: dict[int, LitSuite] = {}
    dark: dict[int, DarkSuite] = {}
    for suite in suites:
        if suite.signalling:
            continue
        old = suite.hash in _OLD_HASHES
        cipher = words.ciphers.get(suite.cipher)
        block_cipher = words.block_ciphers.get(suite.cipher) if suite.min_version < TLS13 else None
        digest = words.hashes.get(suite.hash)
        prf = words.hashes.get(_PRF_OF_OLD_HASHES) if old else digest
        missing = _missing_exchange(suite, words)
        if cipher is None and block_cipher is None:
            missing.append(f"cipher {suite.cipher}")
        if digest is None:
            missing.append(f"hash {suite.hash}")
        if prf is None and old:
            missing.append(f"hash {_PRF_OF_OLD_HASHES}")
        if missing or digest is None or prf is None:
            dark[suite.code] = DarkSuite(suite, tuple(missing))
        else:
            exchange = words.key_exchanges.get(suite.kx)
            lit[suite.code] = LitSuite(suite, cipher, prf, block_cipher, digest, exchange)
    return lit, dark


def _missing_exchange(suite: Suite, words: Words) -> list[str]:
    """Before TLS 1.3 a suite names its key exchange and authentication too. Pre-shared keys and anonymity are
    words that nothing brings yet."""
    if suite.min_version == TLS13:
        return []
    missing = []
    if suite.max_version < TLS12:
        missing.append(f"protocol version {version_name(suite.max_version)}")
    if suite.kx not in words.key_exchanges:
        missing.append(f"key exchange {suite.kx}")
    if suite.auth not in words.authentications:
        missing.append(f"authentication {suite.auth}")
    return missing
