"""Which suites light up: a suite is usable the moment every word of it is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from suitor.catalogue import DarkSuite, LitSuite
from suitor.plug.interfaces import Cipher, Hash
from suitor.registry import TLS12, TLS13, Suite, version_name


def light_suites(
    suites: Iterable[Suite], ciphers: Mapping[str, Cipher], hashes: Mapping[str, Hash]
) -> tuple[dict[int, LitSuite], dict[int, DarkSuite]]:
    """Every suite with words, either lit or dark with the words it lacks, by code."""
    lit: dict[int, LitSuite] = {}
    dark: dict[int, DarkSuite] = {}
    for suite in suites:
        if suite.signalling:
            continue
        cipher = ciphers.get(suite.cipher)
        digest = hashes.get(suite.hash)
        missing = _missing_exchange(suite)
        if cipher is None:
            missing.append(f"cipher {suite.cipher}")
        if digest is None:
            missing.append(f"hash {suite.hash}")
        if missing or cipher is None or digest is None:
            dark[suite.code] = DarkSuite(suite, tuple(missing))
        else:
            lit[suite.code] = LitSuite(suite, cipher, digest)
    return lit, dark


def _missing_exchange(suite: Suite) -> list[str]:
    """Before TLS 1.3 a suite names its key exchange and authentication too; no plugin brings those yet."""
    if suite.min_version == TLS13:
        return []
    missing = [f"key exchange {suite.kx}", f"authentication {suite.auth}"]
    if suite.max_version < TLS12:
        missing.insert(0, f"protocol version {version_name(suite.max_version)}")
    return missing
