"""What would turn a refusal into an agreement: the smallest change of policy, or why no policy can.

Nothing is concluded from tables. A change is proposed only after the edited policy was put through
``negotiate`` and agreed, and a hurdle only after the policy that allows everything installed was refused too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import frozen

from suitor import registry
from suitor.catalogue import Catalogue
from suitor.decision import Axis, Decision, Offer, Verdict
from suitor.names import protocol_name
from suitor.negotiate import negotiate
from suitor.notes import candidate_name
from suitor.plug.interfaces import Credential
from suitor.policy import Policy, edit
from suitor.usable import SPOKEN_VERSIONS

Judge = Callable[[Policy], Decision]
"""Negotiates the same offer under another policy, with notes."""


@frozen
class Change:
    """A change of policy that leads to an agreement. ``suitor.policy.edit`` accepts each of ``edits``, and
    ``policy`` is what they make, one after the other; ``decision`` is what it agrees to."""

    edits: tuple[str, ...]
    policy: Policy
    decision: Decision


class Obstacle(Enum):
    """Why no policy can help on an axis."""

    NOTHING_OFFERED = "the client offers nothing here"
    NOT_SPOKEN = "the client offers no version that this Suitor speaks"
    NOT_INSTALLED = "nothing that the client offers is installed"
    NO_KEY = "no certificate here has a key for what the client accepts"
    NO_PROTOCOL = (
        "this side speaks none of the client's protocols, and protocols are not the policy's to choose"
    )


@frozen
class Need:
    """What would have to be there for one of the client's candidates, such as
    ``Need("TLS_SM4_GCM_SM3", ("cipher SM4_GCM", "hash SM3"))``."""

    candidate: str
    words: tuple[str, ...]


@frozen
class Hurdle:
    """An axis on which no policy can agree; any one of ``needs`` would lift it (nearest first)."""

    axis: Axis
    obstacle: Obstacle
    needs: tuple[Need, ...] = ()


@frozen
class Remedy:
    """The edits that make one candidate of the client's usable on one axis."""

    axis: Axis
    name: str
    token: str | None
    """For ``with``; None when the policy lists it already."""
    floor: int | None
    """The floor in bits it needs; None when it is above the policy's."""
    rank: tuple[int, int, int, int, int]
    """Best first: fewer edits, IANA's advice, bits off the floor, no HelloRetryRequest, the client's order."""

    @property
    def edits(self) -> tuple[str, ...]:
        added = () if self.token is None else (f"with {self.token}",)
        return added if self.floor is None else (*added, f"{_FLOORS[self.axis]} {self.floor}")


_FLOORS: Mapping[Axis, str] = {
    Axis.SUITE: "minimum-cipher",
    Axis.GROUP: "minimum-group",
    Axis.SIGNATURE: "minimum-signature",
}


def find_remedy(
    offer: Offer,
    policy: Policy,
    catalogue: Catalogue,
    credentials: Sequence[Credential] | None,
    alpn: Sequence[bytes],
) -> tuple[Change | None, tuple[Hurdle, ...]]:
    """For an offer that ``policy`` refuses: the smallest change of policy that agrees, or the hurdles."""

    def judge(changed: Policy) -> Decision:
        return negotiate(offer, changed, catalogue, credentials=credentials, alpn=alpn)

    remedies = sorted(_remedies(offer, policy, catalogue), key=lambda remedy: remedy.rank)
    everything = judge(_apply(policy, _merged(remedies)))
    if everything.agreement is None:
        return None, _hurdles(offer, catalogue, credentials, everything)
    for remedy in remedies:
        if len(remedy.edits) == 1:
            change = _change(policy, remedy.edits, judge)
            if change is not None:
                return change, ()
    edits = tuple(text for remedy in _fewest(policy, remedies, judge) for text in remedy.edits)
    return _change(policy, edits, judge), ()


def _change(policy: Policy, edits: Sequence[str], judge: Judge) -> Change | None:
    changed = _apply(policy, edits)
    decision = judge(changed)
    return Change(tuple(edits), changed, decision) if decision.agreement is not None else None


def _fewest(policy: Policy, remedies: Sequence[Remedy], judge: Judge) -> list[Remedy]:
    """Leave out one remedy after the other, the least welcome first, as long as the rest still agrees. The
    axes are judged one by one, so what stays is the best remedy of each axis that needs one."""
    kept = list(remedies)
    for remedy in reversed(remedies):
        rest = [other for other in kept if other is not remedy]
        if judge(_apply(policy, _merged(rest))).agreement is not None:
            kept = rest
    return kept


def _apply(policy: Policy, edits: Sequence[str]) -> Policy:
    return edit(policy, ", ".join(edits)) if edits else policy


def _merged(remedies: Sequence[Remedy]) -> list[str]:
    """The edits of many remedies at once: all names, and the lowest of the floors."""
    tokens = [remedy.token for remedy in remedies if remedy.token is not None]
    edits = [f"with {' '.join(tokens)}"] if tokens else []
    for axis, verb in _FLOORS.items():
        floors = [r.floor for r in remedies if r.axis is axis and r.floor is not None]
        if floors:
            edits.append(f"{verb} {min(floors)}")
    return edits


def _remedies(offer: Offer, policy: Policy, catalogue: Catalogue) -> Iterator[Remedy]:
    """One for each candidate that the client offers, that is installed, and that the policy keeps out."""
    for place, code in enumerate(offer.versions):
        name = registry.version_name(code)
        if code in SPOKEN_VERSIONS and name not in policy.versions:
            yield Remedy(Axis.VERSION, name, name, None, (1, 0, 0, 0, place))
    for axis, offered, listed, minimum in (
        (Axis.SUITE, offer.suites, policy.suites, policy.minimum_cipher),
        (Axis.GROUP, offer.groups, policy.groups, policy.minimum_group),
        (Axis.SIGNATURE, offer.signatures or (), policy.signatures, policy.minimum_signature),
    ):
        for place, code in enumerate(offered):
            found = _installed(axis, catalogue, code)
            if found is None:
                continue
            name, strength = found
            token = None if name in listed else _token(axis, name)
            floor = strength if strength < minimum else None
            if token is not None or floor is not None:
                edits = (token is not None) + (floor is not None)
                lowered = 0 if floor is None else minimum - floor
                waits = axis is Axis.GROUP and code not in offer.shares
                rank = (edits, _discouraged(axis, code), lowered, int(waits), place)
                yield Remedy(axis, name, token, floor, rank)


def _installed(axis: Axis, catalogue: Catalogue, code: int) -> tuple[str, int] | None:
    """Name and strength in bits of an installed candidate that can do its part in a handshake."""
    if axis is Axis.SUITE:
        lit = catalogue.suites.get(code)
        return (lit.name, lit.strength) if lit else None
    if axis is Axis.GROUP:
        group = catalogue.groups.get(code)
        return (group.name, group.strength) if group else None
    scheme = catalogue.signatures.get(code)
    return (scheme.name, scheme.strength) if scheme and scheme.handshake13 else None


_TABLES: Mapping[Axis, Callable[[], Mapping[int, Any]]] = {
    Axis.SUITE: registry.suites,
    Axis.GROUP: registry.groups,
    Axis.SIGNATURE: registry.schemes,
}


def _token(axis: Axis, name: str) -> str:
    """How an edit calls it: a name that the registry does not know says which list it is for."""
    known = any(row.name == name for row in _TABLES[axis]().values())
    return name if known else f"{axis.value}:{name}"


def _discouraged(axis: Axis, code: int) -> int:
    """IANA's column: 0 recommended, 2 discouraged, 1 for all others."""
    row = _TABLES[axis]().get(code)
    return {"Y": 0, "D": 2}.get(row.recommended if row else "", 1)


# --- hurdles ----------------------------------------------------------------------------------------------


def _hurdles(
    offer: Offer, catalogue: Catalogue, credentials: Sequence[Credential] | None, everything: Decision
) -> tuple[Hurdle, ...]:
    """The axes on which even a policy that allows everything installed has nothing to take."""
    taken = {note.axis for note in everything.notes if note.verdict is Verdict.TAKEN}
    if Axis.VERSION not in taken:
        # The other axes belong to the version, so there is nothing to say of them.
        return (_version_hurdle(offer),)
    hurdles = []
    if Axis.SUITE not in taken:
        hurdles.append(_suite_hurdle(offer, catalogue))
    if Axis.GROUP not in taken:
        hurdles.append(_plain_hurdle(Axis.GROUP, offer.groups))
    if Axis.SIGNATURE not in taken:
        hurdles.append(_signature_hurdle(offer, catalogue, credentials))
    if Axis.ALPN not in taken and Axis.ALPN in {note.axis for note in everything.notes} and offer.alpn:
        names = [protocol_name(protocol) for protocol in offer.alpn]
        needs = tuple(Need(name, (f"protocol {name}",)) for name in names)
        hurdles.append(Hurdle(Axis.ALPN, Obstacle.NO_PROTOCOL, needs))
    return tuple(hurdles)


def _version_hurdle(offer: Offer) -> Hurdle:
    names = [registry.version_name(code) for code in offer.versions if not registry.is_grease(code)]
    needs = tuple(Need(name, (f"version {name}",)) for name in names)
    return Hurdle(Axis.VERSION, Obstacle.NOT_SPOKEN, needs)


def _suite_hurdle(offer: Offer, catalogue: Catalogue) -> Hurdle:
    """The dark suites that the client offers, those that lack the fewest words first."""
    needs = []
    for code in offer.suites:
        dark = catalogue.dark.get(code)
        if dark is not None and dark.suite.max_version >= max(SPOKEN_VERSIONS):
            needs.append(Need(dark.suite.name, dark.missing))
        elif dark is None and code not in registry.suites() and not registry.is_grease(code):
            name = candidate_name(Axis.SUITE, code)
            needs.append(Need(name, (f"suite {name}",)))
    needs.sort(key=lambda need: len(need.words))
    return Hurdle(Axis.SUITE, Obstacle.NOT_INSTALLED if needs else Obstacle.NOTHING_OFFERED, tuple(needs))


def _plain_hurdle(axis: Axis, offered: Sequence[int]) -> Hurdle:
    names = [candidate_name(axis, code) for code in offered if not registry.is_grease(code)]
    needs = tuple(Need(name, (f"{axis.value} {name}",)) for name in names)
    return Hurdle(axis, Obstacle.NOT_INSTALLED if needs else Obstacle.NOTHING_OFFERED, needs)


def _signature_hurdle(offer: Offer, catalogue: Catalogue, credentials: Sequence[Credential] | None) -> Hurdle:
    offered = offer.signatures or ()
    if credentials is not None:
        names = [found[0] for code in offered if (found := _installed(Axis.SIGNATURE, catalogue, code))]
        if names:
            needs = tuple(Need(name, (f"key for {name}",)) for name in names)
            return Hurdle(Axis.SIGNATURE, Obstacle.NO_KEY, needs)
    # Schemes for certificates alone are installed and of no use here.
    lacking = [code for code in offered if code not in catalogue.signatures]
    return _plain_hurdle(Axis.SIGNATURE, lacking)
