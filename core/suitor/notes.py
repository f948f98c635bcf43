"""Saying of every candidate, on every axis, why it was taken or dropped."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from suitor import registry
from suitor.catalogue import LitSuite
from suitor.decision import Axis, Note, Offer, Verdict
from suitor.plug.interfaces import Credential, Group, SignatureScheme
from suitor.usable import Usable

_SIGNALS = (0x00FF, 0x5600)
"""TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746) and TLS_FALLBACK_SCSV (RFC 7507)."""


@frozen
class Chosen:
    """The choice on each axis; None where nothing was common."""

    version: int | None
    suite: int | None
    group: int | None
    signer: tuple[SignatureScheme, Credential | None] | None
    alpn: bytes | None


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
    tell(Axis.SUITE, have.suites, offer.suites, chosen.suite, {})
    waiting = {}
    if chosen.group in offer.shares:
        common = (code for code in have.groups if code in offer.groups and code not in offer.shares)
        waiting = dict.fromkeys(common, Verdict.NO_SHARE)
    tell(Axis.GROUP, have.groups, offer.groups, chosen.group, waiting)
    inside = (code for code in have.certificate_signatures if code not in have.signatures)
    unsigned = dict.fromkeys(inside, Verdict.CERTIFICATES_ONLY)
    if credentials is not None:
        for code, scheme in have.signatures.items():
            if code in (offer.signatures or ()) and not any(
                scheme.accepts(c.public_key) for c in credentials
            ):
                unsigned[code] = Verdict.NO_KEY
    taken = chosen.signer[0].code if chosen.signer else None
    tell(Axis.SIGNATURE, have.signatures, offer.signatures or (), taken, unsigned)
    for credential in credentials or ():
        note(_credential_note(credential, offer, have, chosen))
    for protocol in dict.fromkeys([*alpn, *offer.alpn]):
        verdict = _verdict(Axis.ALPN, protocol, alpn, offer.alpn, chosen.alpn, have)
        note(Note(Axis.ALPN, protocol.decode("ascii", "backslashreplace"), None, verdict))


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
    if suite is not None and suite.max_version < registry.TLS13:
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
        return f"{registry.version_name(row.max_version)}: {row.kx} {row.auth}".strip()
    return ""


def _credential_note(credential: Credential, offer: Offer, have: Usable, chosen: Chosen) -> Note:
    if chosen.signer and chosen.signer[1] is credential:
        return Note(Axis.CREDENTIAL, credential.label, None, Verdict.TAKEN, chosen.signer[0].name)
    offered = offer.signatures or ()
    fits = [
        s.name for code, s in have.signatures.items() if code in offered and s.accepts(credential.public_key)
    ]
    verdict = Verdict.LESS_PREFERRED if fits else Verdict.NO_SCHEME
    return Note(Axis.CREDENTIAL, credential.label, None, verdict, ", ".join(fits))
