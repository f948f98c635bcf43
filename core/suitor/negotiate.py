"""Offer x policy x catalogue -> decision, with a reason for every candidate. Pure: no keys, no clock, no I/O.

Each axis is chosen alone and the choices are then joined; suites x groups x certificates is never built.
"""

from __future__ import annotations

from collections.abc import Sequence

from suitor import registry
from suitor.catalogue import Catalogue
from suitor.choice import first_common
from suitor.choose12 import choose12
from suitor.choose13 import choose13
from suitor.decision import Agreement, Decision, Note, Offer
from suitor.errors import NoAgreement
from suitor.notes import Chosen, tell_choice
from suitor.plug.interfaces import Credential
from suitor.policy import Policy, Preference
from suitor.usable import usable


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
    version = first_common(have.versions, offer.versions)
    if version == registry.TLS12:
        choice = choose12(offer, have, credentials, mine_first)
    else:
        choice = choose13(offer, have, credentials, mine_first, policy.hello_retry)
    protocol = first_common(alpn, offer.alpn)

    refusal = NoAgreement.NO_COMMON_VERSION if version is None else choice.refusal
    if refusal is None and protocol is None and alpn and offer.alpn:
        refusal = NoAgreement.NO_COMMON_ALPN

    notes: list[Note] = []
    if explain:
        tell_choice(offer, have, credentials, alpn, Chosen(version, choice, protocol), notes.append)
    if refusal is not None or version is None or choice.suite is None or choice.signer is None:
        return Decision(None, refusal, tuple(notes))
    agreement = Agreement(
        version,
        have.suites[choice.suite],
        None if choice.group is None else have.groups[choice.group],
        version == registry.TLS13 and choice.group not in offer.shares,
        *choice.signer,
        protocol,
    )
    return Decision(agreement, None, tuple(notes))
