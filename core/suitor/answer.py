"""The client's half of negotiation: is the server's answer one that was offered? Pure, like ``negotiate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from suitor import registry
from suitor.decision import Agreement, Axis, Decision, Note, Offer, Verdict
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.names import protocol_name
from suitor.notes import candidate_name
from suitor.usable import Usable

_REASONS = {
    Axis.VERSION: PeerMisbehaved.SELECTED_VERSION_NOT_OFFERED,
    Axis.SUITE: PeerMisbehaved.SELECTED_SUITE_NOT_OFFERED,
    Axis.GROUP: PeerMisbehaved.SELECTED_GROUP_NOT_OFFERED,
    Axis.SIGNATURE: PeerMisbehaved.SCHEME_NOT_OFFERED,
    Axis.ALPN: PeerMisbehaved.SELECTED_ALPN_NOT_OFFERED,
}


@frozen
class Answer:
    """What a server selected, as wire codes."""

    version: int
    suite: int
    group: int | None
    signature: int | None = None
    alpn: bytes | None = None


def _axes(answer: Answer, offer: Offer) -> tuple[tuple[Axis, Any, Sequence[Any]], ...]:
    return (
        (Axis.VERSION, answer.version, offer.versions),
        (Axis.SUITE, answer.suite, offer.suites),
        (Axis.GROUP, answer.group, offer.groups),
        (Axis.SIGNATURE, answer.signature, offer.signatures or ()),
        (Axis.ALPN, answer.alpn, offer.alpn),
    )


def check_answer(axis: Axis, selected: Any, offered: Sequence[Any]) -> None:
    """Raise ProtocolError unless ``selected`` is among what was offered on that axis."""
    if selected not in offered:
        said = protocol_name(selected) if axis is Axis.ALPN else candidate_name(axis, selected)
        raise ProtocolError(_REASONS[axis], said)


def judge_answer(answer: Answer, offer: Offer, have: Usable, explain: bool = True) -> Decision:
    """Weigh a whole answer against the offer, with the same check on each axis that the handshake makes.

    With ``explain``, the notes tell the fate of everything that was offered, and of what the policy wanted and
    could not offer.
    """
    refusal: PeerMisbehaved | None = None
    notes: list[Note] = []
    for axis, selected, offered in _axes(answer, offer):
        if selected is not None:
            try:
                check_answer(axis, selected, offered)
            except ProtocolError:
                refusal = refusal or _REASONS[axis]
        if explain:
            _tell(axis, selected, offered, have, notes)
    if refusal:
        return Decision(None, refusal, tuple(notes))
    agreement = Agreement(
        answer.version,
        have.suites[answer.suite],
        None if answer.group is None else have.groups[answer.group],
        answer.version == registry.TLS13 and answer.group not in offer.shares,
        None if answer.signature is None else have.catalogue.signatures[answer.signature],
        None,
        answer.alpn,
    )
    return Decision(agreement, None, tuple(notes))


def _tell(axis: Axis, selected: Any, offered: Sequence[Any], have: Usable, notes: list[Note]) -> None:
    if axis is Axis.ALPN:
        for protocol in dict.fromkeys([*offered, *([selected] if selected else [])]):
            name = protocol_name(protocol)
            notes.append(Note(axis, name, None, _verdict(protocol, selected, offered)))
        return
    dropped = {code: verdict for (at, code), verdict in have.dropped.items() if at is axis}
    for code in dict.fromkeys([*offered, *dropped, *([] if selected is None else [selected])]):
        verdict = dropped.get(code) if code not in offered else None
        verdict = verdict or _verdict(code, selected, offered)
        name, known = (code, None) if isinstance(code, str) else (candidate_name(axis, code, have), code)
        notes.append(Note(axis, name, known, verdict))


def _verdict(candidate: Any, selected: Any, offered: Sequence[Any]) -> Verdict:
    if candidate not in offered:
        return Verdict.NEVER_OFFERED
    return Verdict.TAKEN if candidate == selected else Verdict.NOT_CHOSEN
