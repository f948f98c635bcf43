"""Saying of every candidate, on every axis, why it was taken or dropped."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from suitor import registry
from suitor.catalogue import LitSuite
from suitor.choice import Choice, fits
from suitor.choose12 import obstacles12
from suitor.decision import Axis, Note, Offer, Verdict
from suitor.names import protocol_name
from suitor.plug.interfaces import Credential, Group, SignatureScheme
from suitor.usable import Usable

_SIGNALS = (0x00FF, 0x5600)
"""TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746) and TLS_FALLBACK_SCSV (RFC 7507)."""


@frozen
class Chosen:
    """The choice on each axis; None where nothing was common."""

    version: int | None
    choice: Choice
    alpn: bytes | None

    @property
    def tls12(self) -> bool:
        return self.version == registry.TLS12

    @property
    def scheme(self) -> SignatureScheme | None:
        return self.choice.signer[0] if self.choice.signer else None

    @property
    def credential(self) -> Credential | None:
        return self.choice.signer[1] if self.choice.signer else None


def tell_choice(
    offer: Offer,
    have: Usable,
    credentials: Sequence[Credential] | None,
    alpn: Sequence[bytes],
    chosen: Chosen,
    note: Callable[[Note], None],
) -> None:
    """Note every candidate of both sides: this side's in its order, then what only the peer offers."""

    def tell(
        axis: Axis,
        mine: Iterable[int],
        offered: Sequence[int],
        taken: int | None,
        special: Mapping[int, Verdict],
    ) -> None:
        mine = list(mine)
        dropped = {code: verdict for (at, code), verdict in have.dropped.items() if at is axis}
        for code in dict.fromkeys([*mine, *dropped, *special, *offered]):
            if isinstance(code, str):
                note(Note(axis, code, None, dropped[code]))
                continue
            verdict = dropped.get(code) or special.get(code)
            if verdict is None:
                verdict = _verdict(axis, code, mine, offered, taken, have)
            note(Note(axis, candidate_name(axis, code, have), code, verdict, _detail(axis, code, verdict)))

    tell(Axis.VERSION, have.versions, offer.versions, chosen.version, {})
    apart = _suites_apart(offer, have, credentials, chosen)
    tell(Axis.SUITE, have.suites, offer.suites, chosen.choice.suite, apart)
    waiting = {}
    if chosen.choice.group in offer.shares and not chosen.tls12:
        common = (code for code in have.groups if code in offer.groups and code not in offer.shares)
        waiting = dict.fromkeys(common, Verdict.NO_SHARE)
    tell(Axis.GROUP, have.groups, offer.groups, chosen.choice.group, waiting)
    schemes = have.signatures12 if chosen.tls12 else have.signatures
    inside = (code for code in have.certificate_signatures if code not in schemes)
    unsigned = dict.fromkeys(inside, Verdict.CERTIFICATES_ONLY)
    if credentials is not None:
        for code, scheme in schemes.items():
            if code in (offer.signatures or ()) and not any(
                fits(scheme, c, chosen.tls12) for c in credentials
            ):
                unsigned[code] = Verdict.NO_KEY
    taken = chosen.scheme.code if chosen.scheme else None
    tell(Axis.SIGNATURE, schemes, offer.signatures or (), taken, unsigned)
    for credential in credentials or ():
        note(_credential_note(credential, offer, schemes, chosen))
    for protocol in dict.fromkeys([*alpn, *offer.alpn]):
        verdict = _verdict(Axis.ALPN, protocol, alpn, offer.alpn, chosen.alpn, have)
        note(Note(Axis.ALPN, protocol_name(protocol), None, verdict))


def _suites_apart(
    offer: Offer, have: Usable, credentials: Sequence[Credential] | None, chosen: Chosen
) -> dict[int, Verdict]:
    """Suites of the policy that are out for more than the order of preference: they belong to another version,
    or TLS 1.2 lacks what they name."""
    version = registry.TLS12 if chosen.tls12 else registry.TLS13
    apart = {code: Verdict.WRONG_VERSION for code in have.suites if code not in have.suites_of(version)}
    if chosen.tls12:
        apart.update(obstacles12(offer, have, credentials))
    return apart


def _verdict(
    axis: Axis, code: Any, mine: Container[Any], offered: Container[Any], taken: Any, have: Usable
) -> Verdict:
    if code == taken:
        return Verdict.TAKEN
    if code in mine:
        return Verdict.LESS_PREFERRED if code in offered else Verdict.NOT_OFFERED
    if axis is Axis.ALPN:
        return Verdict.NOT_IN_POLICY
    if registry.is_grease(code):
        return Verdict.GREASE
    if axis is Axis.SUITE and code in _SIGNALS:
        return Verdict.SIGNALLING
    if not _known(axis, code, have):
        return Verdict.UNKNOWN
    suite = registry.suites().get(code) if axis is Axis.SUITE else None
    if suite is not None and not any(suite.min_version <= v <= suite.max_version for v in have.versions):
        return Verdict.WRONG_VERSION
    return Verdict.NOT_IN_POLICY


_TABLES: Mapping[Axis, Callable[[], Mapping[int, registry.Entry]]] = {
    Axis.SUITE: registry.suites,
    Axis.GROUP: registry.groups,
    Axis.SIGNATURE: registry.schemes,
}


def _installed(axis: Axis, code: int, have: Usable) -> LitSuite | Group | SignatureScheme | None:
    if axis is Axis.SUITE:
        return have.catalogue.suites.get(code)
    return have.catalogue.groups.get(code) if axis is Axis.GROUP else have.catalogue.signatures.get(code)


def _known(axis: Axis, code: int, have: Usable) -> bool:
    if axis is Axis.VERSION:
        return 0x0300 <= code <= 0x0304
    return code in _TABLES[axis]() or _installed(axis, code, have) is not None


def candidate_name(axis: Axis, code: int, have: Usable | None = None) -> str:
    """A candidate's name, installed or registered; its code in hexadecimal where it has none."""
    if axis is Axis.VERSION:
        return registry.version_name(code)
    installed = _installed(axis, code, have) if have is not None else None
    return installed.name if installed is not None else registry.label(_TABLES[axis](), code)


def _detail(axis: Axis, code: int, verdict: Verdict) -> str:
    """What a reader would look up next: the registry's word on a suite of another version."""
    if axis is Axis.SUITE and verdict is Verdict.WRONG_VERSION:
        row = registry.suites()[code]
        version = registry.version_name(row.max_version)
        return f"{version}: {row.kx} {row.auth}" if row.kx else version
    return ""


def _credential_note(
    credential: Credential, offer: Offer, schemes: Mapping[int, SignatureScheme], chosen: Chosen
) -> Note:
    if chosen.credential is credential:
        means = chosen.scheme.name if chosen.scheme else "its key decrypts the premaster secret"
        return Note(Axis.CREDENTIAL, credential.label, None, Verdict.TAKEN, means)
    offered = offer.signatures or ()
    usable = [s.name for code, s in schemes.items() if code in offered and fits(s, credential, chosen.tls12)]
    verdict = Verdict.LESS_PREFERRED if usable else Verdict.NO_SCHEME
    return Note(Axis.CREDENTIAL, credential.label, None, verdict, ", ".join(usable))
