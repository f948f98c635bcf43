"""The server's choice in TLS 1.3: suite, group and signature are axes of their own (RFC 8446 section 4.1.1)."""

from __future__ import annotations

from collections.abc import Sequence

from suitor import registry
from suitor.choice import Choice, choose_signer, first_common, ordered
from suitor.decision import Offer
from suitor.errors import NoAgreement
from suitor.plug.interfaces import Credential
from suitor.policy import HelloRetry
from suitor.usable import Usable


def choose13(
    offer: Offer, have: Usable, credentials: Sequence[Credential] | None, mine_first: bool, retry: HelloRetry
) -> Choice:
    suite = first_common(*ordered(have.suites_of(registry.TLS13), offer.suites, mine_first))
    group = _choose_group(offer, have, mine_first, retry)
    signer = choose_signer(
        offer.signatures or (), offer.certificate_signatures, have.signatures, credentials, mine_first
    )
    refusal = None
    if suite is None:
        refusal = NoAgreement.NO_COMMON_SUITE
    elif group is None:
        refusal = NoAgreement.NO_COMMON_GROUP
    elif signer is None:
        refusal = NoAgreement.NO_COMMON_SIGNATURE
    return Choice(suite, group, signer, refusal)


def _choose_group(offer: Offer, have: Usable, mine_first: bool, retry: HelloRetry) -> int | None:
    """The key-exchange group. Whether a group without a share may cost a round trip is the policy's
    explicit choice (RFC 8446 sections 4.1.1 and 4.1.4)."""
    wanted, others = ordered(have.groups, offer.groups, mine_first)
    if retry is HelloRetry.AVOID:
        for code in wanted:
            if code in others and code in offer.shares:
                return code
    return first_common(wanted, others)
