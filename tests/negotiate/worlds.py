"""Generated worlds: fake algorithms in many strengths, and offers and policies that mention them, and more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

import suitor_plugins.algorithms
from suitor import registry
from suitor.catalogue import Catalogue
from suitor.decision import Decision, Offer
from suitor.negotiate import negotiate
from suitor.plug import Credential, Suite, hookimpl
from suitor.plug.loader import load_catalogue
from suitor.policy import HelloRetry, Policy, Preference
from suitor.usable import usable


@frozen(eq=False)
class FakeGroup:
    name: str
    code: int
    strength: int
    post_quantum: bool = False
    client_share_size: int = 1
    server_share_size: int = 1

    def start(self) -> Any: ...
    def answer(self, client_share: bytes) -> Any: ...
    def finish(self, private: Any, server_share: bytes) -> Any: ...


@frozen(eq=False)
class FakeCipher:
    name: str
    strength: int
    key_size: int = 16
    nonce_size: int = 12
    tag_size: int = 16
    record_limit: int = 1000

    def key(self, key: bytes) -> Any: ...


@frozen(eq=False)
class FakeHash:
    name: str = "FAKEHASH"
    digest_size: int = 32

    def new(self) -> Any: ...
    def digest(self, data: bytes) -> Any: ...
    def hmac(self, key: bytes, data: bytes) -> Any: ...


@frozen(eq=False)
class FakeScheme:
    """Fits keys of one ``kind``."""

    name: str
    code: int
    strength: int
    kind: int
    handshake13: bool = True

    def accepts(self, public_key: Any) -> bool:
        return bool(public_key == self.kind)

    def sign(self, private_key: Any, data: bytes) -> Any: ...
    def verify(self, public_key: Any, signature: bytes, data: bytes) -> None: ...


STRENGTHS = (64, 112, 128, 192, 256)
GROUPS = [FakeGroup(f"group{n}", 0xFE00 + n, STRENGTHS[n % 5]) for n in range(7)]
CIPHERS = [FakeCipher(f"CIPHER{n}", STRENGTHS[n % 5]) for n in range(7)]
SUITES = [
    Suite(0xFF00 + n, f"SUITE{n}", "", "", f"CIPHER{n}", "FAKEHASH", 0x0304, 0x0304, "N", "here")
    for n in range(7)
]
SCHEMES = [FakeScheme(f"scheme{n}", 0xFE00 + n, STRENGTHS[n % 5], n % 3, n % 4 != 3) for n in range(7)]


@frozen
class Fakes:
    """A plugin with some of the fakes. All suites are known; a suite without its cipher is dark."""

    groups: tuple[int, ...]
    ciphers: tuple[int, ...]
    schemes: tuple[int, ...]

    @hookimpl
    def suitor_groups(self) -> list[Any]:
        return [GROUPS[n] for n in self.groups]

    @hookimpl
    def suitor_ciphers(self) -> list[Any]:
        return [CIPHERS[n] for n in self.ciphers]

    @hookimpl
    def suitor_hashes(self) -> list[Any]:
        return [FakeHash()]

    @hookimpl
    def suitor_signatures(self) -> list[Any]:
        return [SCHEMES[n] for n in self.schemes]

    @hookimpl
    def suitor_suites(self) -> list[Suite]:
        return SUITES


@cache
def fake_catalogue(fakes: Fakes) -> Catalogue:
    catalogue = load_catalogue(plugins=[("fakes", fakes)], entry_points=())
    assert not catalogue.problems
    return catalogue


REAL = load_catalogue(plugins=[("suitor", suitor_plugins.algorithms)], entry_points=())

_SOME = st.sets(st.integers(0, 6), min_size=4).map(lambda found: tuple(sorted(found)))
FAKES = st.one_of(st.none(), st.builds(Fakes, _SOME, _SOME, _SOME), st.builds(Fakes, _SOME, _SOME, _SOME))
"""None stands for the built-in algorithms."""


def catalogue_of(fakes: Fakes | None) -> Catalogue:
    return REAL if fakes is None else fake_catalogue(fakes)


# --- what is spoken of ------------------------------------------------------------------------------------

GREASE = (0x0A0A, 0x5A5A, 0xFAFA)
UNKNOWN = (0xFE70, 0x3F3F, 0xFFFE)
VERSIONS = (0x0304, 0x0303, 0x0302, 0x0305, 0x7F1C)

REAL_GROUPS = ("x25519", "secp256r1", "secp384r1", "ffdhe2048", "x448")
REAL_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
               "TLS_RSA_WITH_AES_128_GCM_SHA256")  # fmt: skip
REAL_SCHEMES = ("ecdsa_secp256r1_sha256", "ed25519", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha256", "mldsa44")
SIGNALS = (0x00FF, 0x5600)


def code_of(table: Any, name: str) -> int:
    row = table(name)
    assert row is not None
    return int(row.code)


SUITE_CODES = [s.code for s in SUITES] + [code_of(registry.suite_named, n) for n in REAL_SUITES]
GROUP_CODES = [g.code for g in GROUPS] + [code_of(registry.group_named, n) for n in REAL_GROUPS]
SCHEME_CODES = [s.code for s in SCHEMES] + [code_of(registry.scheme_named, n) for n in REAL_SCHEMES]
SUITE_NAMES = [s.name for s in SUITES] + [*REAL_SUITES, "NO_SUCH_SUITE", "NOR_THIS"]
GROUP_NAMES = [g.name for g in GROUPS] + [*REAL_GROUPS, "no-such-group", "nor-this"]
SCHEME_NAMES = [s.name for s in SCHEMES] + [*REAL_SCHEMES, "no-such-scheme", "nor-this"]
PROTOCOLS = (b"h2", b"http/1.1", b"\xff\x00", b"x")


def _picked(values: Sequence[Any], seed: int, repeats: int) -> tuple[Any, ...]:
    random = Random(seed)
    share = (1, 0.8, 0.8, 0.8, 0.8, 0.2)[seed % 6]
    found = [value for value in values if random.random() < share]
    random.shuffle(found)
    return (*found, *found[:repeats])


NEVER = st.just(0)


def some(values: Sequence[Any], repeats: st.SearchStrategy[int] = NEVER) -> st.SearchStrategy[Any]:
    """Some of them in some order, mostly many. Lists drawn value by value would take most of the time."""
    return st.builds(_picked, st.just(values), st.integers(0, 99_999), repeats)


def repeated(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """A peer may repeat itself."""
    return some(values, st.sampled_from([0, 0, 0, 1, 3]))


def _with_shares(offer: Offer) -> st.SearchStrategy[Offer]:
    return (
        some(offer.groups).map(lambda shares: evolve(offer, shares=shares))
        if offer.groups
        else st.just(offer)
    )


OFFERS = st.builds(
    Offer,
    versions=st.one_of(st.just((0x0304,)), st.just((0x0304, 0x0303)), repeated([*VERSIONS, *GREASE])),
    suites=repeated([*SUITE_CODES, *SIGNALS, *GREASE, *UNKNOWN]),
    groups=repeated([*GROUP_CODES, *GREASE, *UNKNOWN]),
    signatures=st.integers(0, 9).flatmap(
        lambda n: repeated([*SCHEME_CODES, *GREASE, *UNKNOWN]) if n else st.none()
    ),
    certificate_signatures=st.one_of(st.none(), repeated([*SCHEME_CODES, *GREASE])),
    alpn=some(PROTOCOLS),
).flatmap(_with_shares)

FLOORS = st.sampled_from([0, 0, 0, 0, 0, 0, 112, 128, 200, 300])

POLICIES = st.builds(
    Policy,
    name=st.just("generated"),
    versions=st.just(("TLSv1.3",)),
    suites=some(SUITE_NAMES),
    groups=some(GROUP_NAMES),
    signatures=some(SCHEME_NAMES),
    certificate_signatures=some(SCHEME_NAMES),
    preference=st.sampled_from(Preference),
    hello_retry=st.sampled_from(HelloRetry),
    key_shares=st.integers(0, 3),
    minimum_cipher=FLOORS,
    minimum_group=FLOORS,
    minimum_signature=FLOORS,
)


CREDENTIALS = st.one_of(
    st.none(),
    st.none(),
    st.lists(
        st.builds(
            Credential,
            label=st.sampled_from(["a", "b", "c"]),
            chain=st.just((b"",)),
            public_key=st.integers(0, 3),
            chain_signatures=some(SCHEME_CODES[:5]).map(lambda codes: codes[:2]),
        ),
        max_size=4,
        unique_by=lambda credential: credential.label,
    ).map(tuple),
)
ALPN = some(PROTOCOLS)


@frozen
class World:
    """Everything that a negotiation depends on."""

    offer: Offer
    policy: Policy
    fakes: Fakes | None
    credentials: tuple[Credential, ...] | None
    alpn: tuple[bytes, ...]

    @property
    def catalogue(self) -> Catalogue:
        return catalogue_of(self.fakes)

    def decide(self, *, explain: bool = True, **changes: Any) -> Decision:
        """What a server decides in this world, with these changes."""
        world = evolve(self, **changes)
        return negotiate(
            world.offer,
            world.policy,
            world.catalogue,
            credentials=world.credentials,
            alpn=world.alpn,
            explain=explain,
        )


WORLDS = st.builds(World, OFFERS, POLICIES, FAKES, CREDENTIALS, ALPN)


def offer_of(policy: Policy, catalogue: Catalogue, alpn: tuple[bytes, ...] = ()) -> Offer:
    """What a client with that policy offers."""
    have = usable(policy, catalogue)
    return Offer(
        versions=have.versions,
        suites=tuple(have.suites),
        groups=tuple(have.groups),
        shares=tuple(have.groups)[: policy.key_shares],
        signatures=tuple(have.signatures),
        certificate_signatures=have.certificate_signatures or tuple(have.signatures),
        alpn=alpn,
    )
