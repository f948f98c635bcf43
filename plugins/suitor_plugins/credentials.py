"""Stage one, SNI: which certificate answers this ClientHello (RFC 6066 section 3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from suitor.errors import LocalError, LocalMistake
from suitor.plug import Credential, CredentialRequest, Selected, UnknownName
from suitor_plugins.certificates import alternative_names, parse
from suitor_plugins.pem import PathLike, read_certificates, read_private_key
from suitor_plugins.schemes import certificate_scheme

_NOTED = 64
"""With more credentials than this only the chosen ones are noted: notes for all, kept for each name, would
take memory by the square."""


class SniCredentials:
    """Identities by the name that the client asks for.

    A name finds the credentials that list it, then those with a wildcard for it (``*`` as the whole leftmost
    label, for exactly one label: RFC 9525 section 6.3). A client that names nothing, or nothing known, gets
    the default: the first credential, with the others that carry the same names (another kind of key).
    ``strict`` refuses instead: no name, or an unknown one, raises UnknownName.

    A client that is asked for its certificate answers by issuer, not by name: those from the authorities that
    the server lists, or all of them when it lists none (RFC 8446 section 4.2.4).

    Names compare without case and trailing dot; names beyond ASCII are turned into A-labels. Everything is
    worked out at the start, so that a look-up costs the same with one credential and with a thousand.
    Raises LocalError(NO_CREDENTIALS) without any credential, and LocalError(BAD_NAME).
    """

    name = "sni"

    def __init__(self, credentials: Sequence[Credential], *, strict: bool = False) -> None:
        if not credentials:
            raise LocalError(LocalMistake.NO_CREDENTIALS)
        self.credentials = tuple(credentials)
        self.strict = strict
        names = [frozenset(map(normalised, credential.names)) for credential in self.credentials]
        exact: dict[str, list[int]] = {}
        wildcard: dict[str, list[int]] = {}
        for index, own in enumerate(names):
            for name in own:
                label, _, parent = name.partition(".")
                if label == "*" and parent:
                    wildcard.setdefault(parent, []).append(index)
                elif "*" not in name:
                    exact.setdefault(name, []).append(index)
        self._exact = {
            name: self._selected(found, wildcard.get(name.partition(".")[2], []))
            for name, found in exact.items()
        }
        self._wildcard = {parent: self._selected([], found) for parent, found in wildcard.items()}
        self._default = self._selected([], [], [i for i, own in enumerate(names) if own == names[0]])

    def select(self, request: CredentialRequest) -> Selected:
        """The identities to answer with, best first. Raises UnknownName when strict and none fits."""
        if not request.server:
            return self._for_server(request.authorities)
        name = request.server_name
        if name is not None:
            found = self._exact.get(name)
            if found is not None:
                return found
            label, _, parent = name.partition(".")
            found = self._wildcard.get(parent)
            if found is not None and label not in ("", "*"):
                return found
        if self.strict:
            raise UnknownName("the client names no server" if name is None else name)
        return self._default

    def _for_server(self, authorities: tuple[bytes, ...]) -> Selected:
        """A client's certificates, by the issuers that the server asks for, whatever names they carry."""
        if not authorities:
            return Selected(self.credentials, tuple((c.label, "any issuer") for c in self.credentials))
        accepted = frozenset(authorities)
        fits = [not accepted.isdisjoint(issuers) for issuers in self._issuers]
        notes = ((c.label, "issuer" if fit else "other issuer") for c, fit in self._paired(fits))
        return Selected(tuple(c for c, fit in self._paired(fits) if fit), tuple(notes))

    def _paired(self, fits: list[bool]) -> Iterable[tuple[Credential, bool]]:
        return zip(self.credentials, fits, strict=True)

    @cached_property
    def _issuers(self) -> list[frozenset[bytes]]:
        """The issuers of each credential's chain, as DER names."""
        return [
            frozenset(parse(der).issuer.public_bytes() for der in credential.chain)
            for credential in self.credentials
        ]

    def _selected(self, exact: list[int], wildcard: list[int], default: Sequence[int] = ()) -> Selected:
        why: dict[int, str] = {}
        for word, found in (("exact", exact), ("wildcard", wildcard), ("default", default)):
            for index in found:
                why.setdefault(index, word)
        noted = [(self.credentials[index].label, word) for index, word in why.items()]
        if len(self.credentials) <= _NOTED:
            noted += [(c.label, "other name") for i, c in enumerate(self.credentials) if i not in why]
        return Selected(tuple(self.credentials[index] for index in why), tuple(noted))


def normalised(name: str) -> str:
    """A name as it stands in SNI: A-labels in lower case, no trailing dot. Raises LocalError(BAD_NAME)."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return name.rstrip(".").encode("ascii" if name.isascii() else "idna").decode("ascii").lower()
    except UnicodeError:
        raise LocalError(LocalMistake.BAD_NAME, f"{name!r}: write it as A-labels (xn--...)") from None


def load_credential(
    certificates: PathLike,
    key: PathLike | None = None,
    password: str | bytes | None = None,
    *,
    label: str | None = None,
) -> Credential:
    """A credential from PEM files: the certificates (leaf first, then its issuers) and the private key.

    Without ``key`` the key is looked for in the file of the certificates. ``label`` is the file's name unless
    given. Raises LocalError: BAD_PEM names the file and what is wrong with it, KEY_MISMATCH says that the key
    is another certificate's.
    """
    key_file = certificates if key is None else key
    chain = read_certificates(certificates)
    private_key = read_private_key(key_file, password)
    leaf = chain[0]
    try:
        public_key = leaf.public_key()
        names = alternative_names(leaf)
    except (ValueError, UnsupportedAlgorithm) as error:
        text = f"the first certificate of {certificates} cannot be used ({error})"
        raise LocalError(LocalMistake.BAD_PEM, text) from None
    own = private_key.public_key()
    if own != public_key:
        misplaced = next((n for n, c in enumerate(chain[1:], 2) if _has_key(c, own)), None)
        hint = (
            f"it belongs to certificate {misplaced} of the file: put that one first"
            if misplaced
            else "give the key that the certificate was made with"
        )
        raise LocalError(LocalMistake.KEY_MISMATCH, f"{key_file} and {certificates}: {hint}")
    return Credential(
        label=label or Path(certificates).name,
        chain=tuple(certificate.public_bytes(Encoding.DER) for certificate in chain),
        public_key=public_key,
        private_key=private_key,
        names=names,
        chain_signatures=_chain_signatures(chain),
    )


def _has_key(certificate: x509.Certificate, public_key: object) -> bool:
    try:
        return bool(certificate.public_key() == public_key)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _chain_signatures(chain: list[x509.Certificate]) -> tuple[int, ...]:
    """The schemes a verifier will meet; self-signed certificates are left out (RFC 8446 section 4.4.2.2)."""
    codes = (certificate_scheme(c) for c in chain if c.subject != c.issuer)
    return tuple(dict.fromkeys(code for code in codes if code is not None))
