"""The server's choice in TLS 1.2: a suite names its key exchange and authentication, so it brings its group and
certificate along (RFC 5246 section 7.4.1.3, RFC 8422 section 5.1, RFC 7919 section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suitor import registry
from suitor.catalogue import LitSuite
from suitor.choice import Choice, Signer, choose_signer, first_common, fits, ordered
from suitor.decision import Offer, Verdict
from suitor.errors import NoAgreement
from suitor.plug.interfaces import Credential, Group, SignatureScheme
from suitor.plug.tls12 import authentication
from suitor.usable import Usable


def choose12(
    offer: Offer, have: Usable, credentials: Sequence[Credential] | None, mine_first: bool
) -> Choice:
    """The first common suite whose group and certificate can be had too. The refusal is of the suite that came
    nearest."""
    suites = have.suites_of(registry.TLS12)
    wanted, others = ordered(suites, offer.suites, mine_first)
    nearest = Choice(refusal=NoAgreement.NO_COMMON_SUITE)
    for code in wanted:
        if code not in others:
            continue
        lit = suites[code]
        group, possible = _group(lit, offer, have, mine_first)
        if not possible:
            if nearest.suite is None:
                nearest = Choice(code, refusal=NoAgreement.NO_COMMON_GROUP)
            continue
        signer = signer_for(lit, offer, have, credentials, mine_first)
        if signer is None:
            nearest = Choice(code, group, None, NoAgreement.NO_COMMON_SIGNATURE)
            continue
        return Choice(code, group, signer)
    return nearest


def obstacles12(offer: Offer, have: Usable, credentials: Sequence[Credential] | None) -> dict[int, Verdict]:
    """Common suites that cannot be had, and why."""
    found = {}
    for code, lit in have.suites_of(registry.TLS12).items():
        if code in offer.suites:
            if not _group(lit, offer, have, True)[1]:
                found[code] = Verdict.NO_GROUP
            elif signer_for(lit, offer, have, credentials, True) is None:
                found[code] = Verdict.NO_KEY
    return found


def _group(lit: LitSuite, offer: Offer, have: Usable, mine_first: bool) -> tuple[int | None, bool]:
    """The group, where the key exchange needs one, and whether it is possible at all."""
    kind = lit.exchange.group_kind if lit.exchange is not None else ""
    if not kind:
        return None, True
    mine = groups_for(kind, have)
    offered = [code for code in offer.groups if registry.is_ffdhe(code) == (kind == "ffdhe")]
    if not offered:
        # RFC 8422 section 4 and RFC 7919 section 4: a client that names none of that kind takes any.
        unnamed = not offer.groups if kind == "ecdhe" else True
        return next(iter(mine), None), unnamed and (kind == "ffdhe" or bool(mine))
    group = first_common(*ordered(mine, offered, mine_first))
    return group, group is not None


def groups_for(kind: str, have: Usable) -> Mapping[int, Group]:
    """This side's groups for a kind of key exchange, best first."""
    return {
        code: group for code, group in have.groups12.items() if registry.is_ffdhe(code) == (kind == "ffdhe")
    }


def signer_for(
    lit: LitSuite, offer: Offer, have: Usable, credentials: Sequence[Credential] | None, mine_first: bool
) -> Signer | None:
    """Who proves the server's identity in this suite, and how."""
    schemes = schemes_for(lit.suite.auth, have)
    if lit.suite.kx == "RSA":
        return _decrypter(schemes, credentials)
    return choose_signer(
        offer.signatures or (), offer.certificate_signatures, schemes, credentials, mine_first, tls12=True
    )


def schemes_for(auth: str, have: Usable) -> Mapping[int, SignatureScheme]:
    """The signature schemes that serve a suite's word of authentication."""
    return {code: scheme for code, scheme in have.signatures12.items() if authentication(scheme) == auth}


def _decrypter(
    schemes: Mapping[int, SignatureScheme], credentials: Sequence[Credential] | None
) -> Signer | None:
    """RSA key transport: a certificate with an RSA key, and nothing signed. A key that is elsewhere can sign for
    us, but not decrypt."""
    if credentials is None:
        return (None, None) if schemes else None
    for credential in credentials:
        if credential.private_key is not None and any(
            fits(scheme, credential, True) for scheme in schemes.values()
        ):
            return None, credential
    return None
