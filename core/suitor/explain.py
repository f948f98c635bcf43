"""Explaining a negotiation: what was offered, every candidate's fate, and what would turn a refusal around.

The decision is the very one that a server would make (:func:`~suitor.negotiate.negotiate`, watched), so the
explanation cannot drift from the choice. ``Explanation.to_dict`` is documented field by field in
``docs/reference/explain-schema.md`` and versioned by its ``schema``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from suitor import registry
from suitor.catalogue import Catalogue
from suitor.decision import Agreement, Axis, Decision, Offer
from suitor.errors import Reason
from suitor.names import protocol_name
from suitor.negotiate import negotiate
from suitor.notes import candidate_name
from suitor.plug.interfaces import Credential
from suitor.policy import Policy
from suitor.remedy import Change, Hurdle, find_remedy

SCHEMA = "suitor.explain/1"
"""The name and version of what ``to_dict`` returns. Fields may be added within a version, never changed."""


@frozen(eq=False)
class Explanation:
    """A decision and its reasons. ``decision.notes`` holds every candidate's fate.

    For a refusal, ``smallest_change`` is the smallest change of policy that leads to an agreement; it is None
    when no change of policy can, and then ``hurdles`` say why and what would have to be there.
    """

    offer: Offer
    policy: Policy
    decision: Decision
    smallest_change: Change | None = None
    hurdles: tuple[Hurdle, ...] = ()

    @property
    def agreed(self) -> bool:
        return self.decision.agreement is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, of the schema ``suitor.explain/1``."""
        change = self.smallest_change
        return {
            "schema": SCHEMA,
            "offer": offer_to_dict(self.offer),
            "policy": {
                "name": self.policy.name,
                "preference": self.policy.preference.value,
                "hello_retry": self.policy.hello_retry.value,
            },
            "outcome": "agreed" if self.agreed else "refused",
            "agreement": agreement_to_dict(self.decision.agreement),
            "refusal": _refusal_to_dict(self.decision.refusal),
            "notes": [note.to_dict() for note in self.decision.notes],
            "smallest_change": None
            if change is None
            else {
                "edits": list(change.edits),
                "policy": change.policy.name,
                "agreement": agreement_to_dict(change.decision.agreement),
            },
            "hurdles": [
                {
                    "axis": hurdle.axis.value,
                    "obstacle": hurdle.obstacle.name.lower(),
                    "reason": hurdle.obstacle.value,
                    "needs": [
                        {"candidate": need.candidate, "words": list(need.words)} for need in hurdle.needs
                    ],
                }
                for hurdle in self.hurdles
            ],
        }


def explain(
    offer: Offer,
    policy: Policy,
    catalogue: Catalogue,
    *,
    credentials: Sequence[Credential] | None = None,
    alpn: Sequence[bytes] = (),
) -> Explanation:
    """What a server with ``policy`` and ``catalogue`` would do with ``offer``, and why.

    ``credentials`` are the certificates that could answer, best first. None judges signatures as if a key for
    every scheme were at hand. ``alpn`` are the server's protocols, best first.
    """
    decision = negotiate(offer, policy, catalogue, credentials=credentials, alpn=alpn)
    if decision.agreement is not None:
        return Explanation(offer, policy, decision)
    change, hurdles = find_remedy(offer, policy, catalogue, credentials, alpn)
    return Explanation(offer, policy, decision, change, hurdles)


# --- plain data -------------------------------------------------------------------------------------------


def offer_to_dict(offer: Offer) -> dict[str, Any]:
    """A ClientHello's lists with names, in the client's order; None for an extension that was missing."""
    return {
        "versions": _named(Axis.VERSION, offer.versions),
        "suites": _named(Axis.SUITE, offer.suites),
        "groups": _named(Axis.GROUP, offer.groups),
        "shares": _named(Axis.GROUP, offer.shares),
        "signatures": None if offer.signatures is None else _named(Axis.SIGNATURE, offer.signatures),
        "certificate_signatures": None
        if offer.certificate_signatures is None
        else _named(Axis.SIGNATURE, offer.certificate_signatures),
        "server_name": offer.server_name,
        "alpn": [protocol_name(protocol) for protocol in offer.alpn],
    }


def agreement_to_dict(agreement: Agreement | None) -> dict[str, Any] | None:
    """What was agreed, by name."""
    if agreement is None:
        return None
    return {
        "version": registry.version_name(agreement.version),
        "suite": agreement.suite.name,
        "group": agreement.group.name if agreement.group else None,
        "retry": agreement.retry,
        "signature": agreement.signature.name if agreement.signature else None,
        "credential": agreement.credential.label if agreement.credential else None,
        "alpn": None if agreement.alpn is None else protocol_name(agreement.alpn),
    }


def _refusal_to_dict(refusal: Reason | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    alert = refusal.alert
    return {
        "code": refusal.name.lower(),
        "reason": refusal.text,
        "alert": None if alert is None else {"code": int(alert), "name": alert.name.lower()},
        "section": refusal.section,
    }


def _named(axis: Axis, codes: Iterable[int]) -> list[dict[str, Any]]:
    return [
        {"code": code, "name": candidate_name(axis, code), "grease": registry.is_grease(code)}
        for code in codes
    ]
