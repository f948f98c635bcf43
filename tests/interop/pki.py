"""The certificate files of a run: for each kind of key a server's and a client's chain, and odd ones to refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import define, field
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from suitor.cli.pki import Issued, KeyKind, make_intermediate, make_leaf, make_root
from suitor.plug import Credential

NAME = "localhost"
OTHER_NAME = "other.example"
CLIENT = "client.example"
PASSWORD = "changeit"
"""Of the PKCS #12 files, which some peers will only take with one."""

KINDS = (KeyKind.P256, KeyKind.P384, KeyKind.RSA2048, KeyKind.ED25519)

SCHEMES = {
    KeyKind.P256: "ecdsa_secp256r1_sha256",
    KeyKind.P384: "ecdsa_secp384r1_sha384",
    KeyKind.RSA2048: "rsa_pss_rsae_sha256",
    KeyKind.ED25519: "ed25519",
}
"""What a server signs with, by its key, when both sides take everything."""


@define(frozen=True, eq=False)
class Identity:
    """A certificate with its key, as issued and as files: the whole chain, the issuers alone, the key."""

    issued: Issued
    chain: Path
    issuers: Path
    key: Path

    @property
    def credential(self) -> Credential:
        return self.issued.credential(self.chain.stem)


@define(frozen=True, eq=False)
class PeerPki:
    """Files below ``directory``. The root is P-256; every kind of leaf has an intermediate of its own kind, but
    Ed25519, which authorities hardly ever use, one of P-256."""

    directory: Path
    root: Issued
    servers: dict[KeyKind, Identity] = field(factory=dict)
    clients: dict[KeyKind, Identity] = field(factory=dict)
    odd: dict[str, Identity] = field(factory=dict)

    @property
    def ca(self) -> Path:
        return self.directory / "root.pem"

    @classmethod
    def made(cls, directory: Path) -> PeerPki:
        # Old enough that something below it can have expired.
        start = datetime.now(UTC) - timedelta(days=30)
        pki = cls(directory, make_root(now=start))
        pki.ca.write_bytes(pki.root.chain_pem())
        issuers = {
            kind: make_intermediate(pki.root, f"Suitor test intermediate {kind.value}", kind=kind, now=start)
            for kind in (KeyKind.P256, KeyKind.P384, KeyKind.RSA2048)
        }
        for kind in KINDS:
            issuer = issuers.get(kind, issuers[KeyKind.P256])
            server = make_leaf(issuer, [NAME, "127.0.0.1"], kind=kind)
            client = make_leaf(issuer, [CLIENT], kind=kind, client=True)
            pki.servers[kind] = pki.write(f"server-{kind.value}", server)
            pki.clients[kind] = pki.write(f"client-{kind.value}", client)
        issuer, stranger = issuers[KeyKind.P256], make_intermediate(make_root("Somebody else"))
        for label, odd in {
            "other": make_leaf(issuer, [OTHER_NAME]),
            "stranger": make_leaf(stranger, [NAME]),
            "expired": make_leaf(issuer, [NAME], now=start, days=7),
            "stranger-client": make_leaf(stranger, [CLIENT], client=True),
            "expired-client": make_leaf(issuer, [CLIENT], client=True, now=start, days=7),
        }.items():
            pki.odd[label] = pki.write(label, odd)
        return pki

    def write(self, label: str, issued: Issued) -> Identity:
        chain, issuers, key = (self.directory / f"{label}{end}" for end in (".pem", ".issuers", ".key"))
        chain.write_bytes(issued.chain_pem())
        issuers.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in issued.issuers))
        key.write_bytes(issued.key_pem())
        return Identity(issued, chain, issuers, key)

    def pkcs12(self, identity: Identity, nickname: str) -> Path:
        """The same identity as a PKCS #12 file under that name, with :data:`PASSWORD`."""
        path = identity.chain.with_suffix(".p12")
        if not path.exists():
            issued = identity.issued
            data = pkcs12.serialize_key_and_certificates(
                nickname.encode(),
                issued.key,
                issued.certificate,
                issued.issuers,
                BestAvailableEncryption(PASSWORD.encode()),
            )
            path.write_bytes(data)
        return path
