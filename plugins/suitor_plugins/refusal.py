"""Why a chain was refused, in our own words: the first broken rule on the most likely path.

The verdict is never made here. This runs after the verifier has said no, looks at the same certificates, and
names the rule; when it finds none broken, the verifier's own text is all there is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from suitor.errors import Untrusted
from suitor.plug import VerificationFailed
from suitor_plugins.rules import (
    Finding,
    authority,
    extension,
    is_authority,
    own_rules,
    printable,
    signature_algorithm,
    title,
    validity,
    web_key,
)

_DEEPEST = 10
"""Links looked at; no verifier here follows as many."""

_LIBRARY_NOISE = re.compile(r"^validation failed: |candidates exhausted: | \(encountered processing .*\)$")


@frozen
class Refused:
    """What was refused: the chain as presented (leaf first) and what it was checked against."""

    chain: Sequence[x509.Certificate]
    roots: Sequence[x509.Certificate]
    now: datetime
    usage: ObjectIdentifier
    name: str | None
    names: tuple[str, ...]
    text: str


def explain(refused: Refused) -> VerificationFailed:
    """The reason to give."""
    try:
        found = _leaf(refused) or _path(refused)
    except (ValueError, UnsupportedAlgorithm) as error:
        return VerificationFailed(Untrusted.MALFORMED, f"an extension or key does not parse ({error})")
    if found is not None:
        return VerificationFailed(*found)
    text = _LIBRARY_NOISE.sub("", _LIBRARY_NOISE.sub("", refused.text))
    if "signature algorithm" in text:
        return VerificationFailed(
            Untrusted.WEAK_SIGNATURE, "a signature algorithm that the policy does not list"
        )
    return VerificationFailed(Untrusted.REFUSED_BY_RULE, text)


def _leaf(refused: Refused) -> Finding | None:
    leaf = refused.chain[0]
    found = validity(leaf, refused.now)
    if found is not None:
        return found
    if "no matching subjectAltName" in refused.text:
        return Untrusted.NAME_MISMATCH, _mismatch(refused)
    usages = extension(leaf, x509.ExtendedKeyUsage)
    any_use = usages is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages
    if usages is not None and refused.usage not in usages and (not any_use or "EKU" in refused.text):
        role = "server" if refused.usage == ExtendedKeyUsageOID.SERVER_AUTH else "client"
        return Untrusted.WRONG_USAGE, f"{title(leaf)} is not for use by a {role} (RFC 5280 4.2.1.12)"
    if leaf not in refused.roots and is_authority(leaf):
        return Untrusted.WRONG_USAGE, f"{title(leaf)} is a certificate authority's (RFC 5280 4.2.1.9)"
    if refused.name is not None and extension(leaf, x509.SubjectAlternativeName) is None:
        return Untrusted.NAME_MISMATCH, f"{title(leaf)} has no subjectAltName (RFC 9525 6.3)"
    return own_rules(leaf)


def _mismatch(refused: Refused) -> str:
    shown = ", ".join(refused.names[:5]) or "nothing"
    more = f" and {len(refused.names) - 5} more" if len(refused.names) > 5 else ""
    return f"{refused.name} was asked for; the certificate is for {shown}{more}"


def _path(refused: Refused) -> Finding | None:
    """Walk from the leaf to a root, along issuers whose signature fits."""
    child = refused.chain[0]
    constrained = False
    for depth in range(_DEEPEST):
        if child in refused.roots:
            break
        found = signature_algorithm(child)
        if found is not None:
            return found
        issuer = _issuer(child, refused)
        if isinstance(issuer, tuple):
            return issuer
        found = validity(issuer, refused.now) or authority(issuer, depth, refused.usage) or own_rules(issuer)
        if found is not None:
            return found
        found = web_key(issuer) if "public key algorithm" in refused.text else None
        if found is not None:
            return found
        constrained = constrained or extension(issuer, x509.NameConstraints) is not None
        child = issuer
    else:
        return Untrusted.PATH_TOO_LONG, f"no root within {_DEEPEST} certificates"
    if "max depth" in refused.text:
        return Untrusted.PATH_TOO_LONG, "more intermediates than the policy allows"
    if constrained and "constraint" in refused.text:
        return (
            Untrusted.NAME_CONSTRAINT,
            f"an issuer may not certify {', '.join(refused.names[:5]) or 'its names'}",
        )
    return None


def _issuer(child: x509.Certificate, refused: Refused) -> x509.Certificate | Finding:
    """The certificate that signed ``child``: trusted ones first. Else why there is none."""
    candidates = [c for c in (*refused.roots, *refused.chain[1:]) if c.subject == child.issuer]
    same_key = False
    for candidate in candidates:
        if candidate == child:
            continue
        try:
            child.verify_directly_issued_by(candidate)
        except (InvalidSignature, TypeError, UnsupportedAlgorithm, ValueError):
            same_key = same_key or _names_key_of(child, candidate)
        else:
            return candidate
    who = printable(child.issuer) or "an issuer without a name"
    if same_key:
        return Untrusted.BAD_CHAIN_SIGNATURE, f"{who} did not sign {title(child)}"
    if child.subject == child.issuer:
        return Untrusted.UNKNOWN_ISSUER, f"{title(child)} is self-signed and not among the trusted roots"
    if candidates:
        return Untrusted.UNKNOWN_ISSUER, f"{who} is known here, with another key than signed {title(child)}"
    return Untrusted.UNKNOWN_ISSUER, f"{who}, issuer of {title(child)}, was neither sent nor is it trusted"


def _names_key_of(child: x509.Certificate, candidate: x509.Certificate) -> bool:
    """Whether the child's authority key identifier says that the candidate's key signed it."""
    wanted = extension(child, x509.AuthorityKeyIdentifier)
    own = extension(candidate, x509.SubjectKeyIdentifier)
    return wanted is None or own is None or wanted.key_identifier == own.key_identifier
