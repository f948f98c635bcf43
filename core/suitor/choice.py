"""Choosing on one axis: the pieces that the negotiation of every version is joined from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import frozen

from suitor.errors import NoAgreement, plugin_failed
from suitor.plug.interfaces import Credential, SignatureScheme
from suitor.plug.tls12 import accepts12

T = TypeVar("T")

Signer = tuple[SignatureScheme | None, Credential | None]
"""A scheme to sign with (None: nothing is signed) and whose certificate it goes with (None: any or none)."""


@frozen
class Choice:
    """What one version's rules choose, by wire code, or why they cannot. ``signer`` None: nobody can sign."""

    suite: int | None = None
    group: int | None = None
    signer: Signer | None = None
    refusal: NoAgreement | None = None


def ordered(mine: Iterable[T], theirs: Iterable[T], mine_first: bool) -> tuple[Iterable[T], Iterable[T]]:
    return (mine, theirs) if mine_first else (theirs, mine)


def first_common(wanted: Iterable[T], others: Iterable[T]) -> T | None:
    """The first of ``wanted`` that is also in ``others``."""
    for candidate in wanted:
        if candidate in others:
            return candidate
    return None


def fits(scheme: SignatureScheme, credential: Credential, tls12: bool) -> bool:
    """Whether the scheme can sign with the credential's key. Raises LocalError when the plugin breaks."""
    try:
        return accepts12(scheme, credential.public_key) if tls12 else scheme.accepts(credential.public_key)
    except Exception as error:
        raise plugin_failed(f"signature {scheme.name}", "accepts", error) from error


def choose_signer(
    signatures: Sequence[int],
    certificate_signatures: Sequence[int] | None,
    schemes: Mapping[int, SignatureScheme],
    credentials: Sequence[Credential] | None,
    mine_first: bool,
    *,
    tls12: bool = False,
) -> Signer | None:
    """The scheme and the certificate to sign with, out of ``schemes``, for a peer that accepts these signatures
    (RFC 8446 section 4.4.2.2, RFC 5246 section 7.4.1.4.1).

    A chain signed with algorithms the peer accepts goes first; where there is none, the chain of our choice
    goes all the same, as the section asks.
    """
    wanted, others = ordered(schemes, signatures, mine_first)
    usable = [schemes[code] for code in wanted if code in others]
    if credentials is None:
        return (usable[0], None) if usable else None
    fallback = None
    accepted: Collection[int] = certificate_signatures or signatures
    for credential in credentials:
        for scheme in usable:
            if fits(scheme, credential, tls12):
                if all(code in accepted for code in credential.chain_signatures):
                    return scheme, credential
                fallback = fallback or (scheme, credential)
                break
    return fallback
