"""Offer x policy x catalogue -> decision, with a reason for every candidate. Pure: no keys, no clock, no I/O.

Each axis is chosen alone and the choices are then joined; suites x groups x certificates is never built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from suitor.catalogue import Catalogue
from suitor.decision import Agreement, Decision, Note, Offer
from suitor.errors import NoAgreement
from suitor.notes import Chosen, tell_choice
from suitor.plug.interfaces import Credential, SignatureScheme
from suitor.policy import HelloRetry, Policy, Preference
from suitor.usable import Usable, usable

T = TypeVar("T")


def negotiate(
    offer: Offer,
    policy: Policy,
    catalogue: Catalogue,
    *,
    credentials: Sequence[Credential] | None = None,
    alpn: Sequence[bytes] = (),
    explain: bool = True,
) -> Decision:
    """A server's choice (RFC 8446 section 4.1.1): deterministic, the policy's order or the client's.

    ``credentials`` are what the credentials stage found for this client, best first; None judges the
    signature axis as if a key for every scheme were at hand (as ``suitor explain`` does without a
    certificate). ``alpn`` are this side's protocols, best first (RFC 7301 section 3.2). With ``explain``,
    ``Decision.notes`` tells every candidate's fate; without it the same choice is made and nothing is told.
    """
    have = usable(policy, catalogue)
    mine_first = policy.preference is Preference.SERVER
    version = _first_common(have.versions, offer.versions)
    suite = _first_common(*_ordered(have.suites, offer.suites, mine_first))
    group = choose_group(offer, have, mine_first, policy.hello_retry)
    signer = choose_signer(
        offer.signatures or (), offer.certificate_signatures, have, credentials, mine_first
    )
    protocol = _first_common(alpn, offer.alpn)

    refusal: NoAgreement | None = None
    if version is None:
        refusal = NoAgreement.NO_COMMON_VERSION
    elif suite is None:
        refusal = NoAgreement.NO_COMMON_SUITE
    elif group is None:
        refusal = NoAgreement.NO_COMMON_GROUP
    elif signer is None:
        refusal = NoAgreement.NO_COMMON_SIGNATURE
    elif protocol is None and alpn and offer.alpn:
        refusal = NoAgreement.NO_COMMON_ALPN

    notes: list[Note] = []
    if explain:
        chosen = Chosen(version, suite, group, signer, protocol)
        tell_choice(offer, have, credentials, alpn, chosen, notes.append)
    if refusal or version is None or suite is None or group is None or signer is None:
        return Decision(None, refusal, tuple(notes))
    agreement = Agreement(
        version,
        have.suites[suite],
        have.groups[group],
        group not in offer.shares,
        signer[0],
        signer[1],
        protocol,
    )
    return Decision(agreement, None, tuple(notes))


def _ordered(mine: Iterable[T], theirs: Iterable[T], mine_first: bool) -> tuple[Iterable[T], Iterable[T]]:
    return (mine, theirs) if mine_first else (theirs, mine)


def _first_common(wanted: Iterable[T], others: Iterable[T]) -> T | None:
    """The first of ``wanted`` that is also in ``others``."""
    for candidate in wanted:
        if candidate in others:
            return candidate
    return None


def choose_group(offer: Offer, have: Usable, mine_first: bool, retry: HelloRetry) -> int | None:
    """The key-exchange group. Whether a group without a share may cost a round trip is the policy's
    explicit choice (RFC 8446 sections 4.1.1 and 4.1.4)."""
    wanted, others = _ordered(have.groups, offer.groups, mine_first)
    if retry is HelloRetry.AVOID:
        for code in wanted:
            if code in others and code in offer.shares:
                return code
    return _first_common(wanted, others)


def choose_signer(
    signatures: Sequence[int],
    certificate_signatures: Sequence[int] | None,
    have: Usable,
    credentials: Sequence[Credential] | None,
    mine_first: bool,
) -> tuple[SignatureScheme, Credential | None] | None:
    """The scheme and the certificate to sign with, for a peer that accepts these schemes (RFC 8446
    section 4.4.2.2).

    A chain signed with algorithms the peer accepts goes first; where there is none, the chain of our choice
    goes all the same, as the section asks.
    """
    wanted, others = _ordered(have.signatures, signatures, mine_first)
    schemes = [have.signatures[code] for code in wanted if code in others]
    if credentials is None:
        return (schemes[0], None) if schemes else None
    fallback = None
    accepted = certificate_signatures or signatures
    for credential in credentials:
        for scheme in schemes:
            if scheme.accepts(credential.public_key):
                if all(code in accepted for code in credential.chain_signatures):
                    return scheme, credential
                fallback = fallback or (scheme, credential)
                break
    return fallback
