"""The interfaces a plugin implements: one Protocol per kind of word a cipher suite is made of.

A plugin supplies primitives. Nonces, additional data, padding, transcripts and labels belong to the core,
so a plugin cannot get them wrong. Structural typing is enough: no class here needs to be inherited from.

What a plugin raises:

* :class:`BadShare` from a group, for a peer's value that cannot be used;
* :class:`cryptography.exceptions.InvalidTag` from a cipher, when authentication fails;
* :class:`cryptography.exceptions.InvalidSignature` from a signature scheme;
* :class:`BadCertificateData` from a certificate compression, :class:`BadExtension` from an extension;
* :class:`VerificationFailed` from a peer-verification stage, :class:`UnknownName` from a credentials stage.

Anything else is the plugin's bug: the peer sees ``internal_error`` and the local error names the plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from attrs import field, frozen

if TYPE_CHECKING:
    from suitor.errors import Untrusted

T = TypeVar("T")


class BadShare(ValueError):
    """A peer's key share has the wrong length, is not on the curve, or yields an all-zero secret."""


class BadCertificateData(ValueError):
    """Compressed certificate data does not decompress, or to more bytes than it announced."""


class BadExtension(ValueError):
    """An extension's body, as received from the peer, does not follow its syntax or rules."""


class VerificationFailed(Exception):
    """The peer's certificate chain is not trusted. ``reason`` names the rule, ``detail`` says it in words."""

    def __init__(self, reason: Untrusted, detail: str = "") -> None:
        super().__init__(f"{reason.name}: {detail}" if detail else reason.name)
        self.reason = reason
        self.detail = detail


class UnknownName(Exception):
    """A strict credentials stage has no identity for the name the client asked for (RFC 6066 section 3)."""


@frozen
class Job(Generic[T]):
    """A slow piece of work that a stage hands to the engine instead of an answer.

    The engine reports it as an event and waits. Whoever drives the connection calls ``run`` wherever
    waiting is fine (a thread, an executor) and hands the job back. Exceptions from ``run`` count as if the
    stage had raised them. An ``async`` driver prefers ``arun`` where there is one.
    """

    run: Callable[[], T]
    arun: Callable[[], Any] | None = None
    label: str = "job"


@runtime_checkable
class Group(Protocol):
    """A key-exchange group (RFC 8446 section 4.2.7), shaped like a KEM; Diffie-Hellman is the special case.

    ``name`` and ``code`` are IANA's (TLS Supported Groups). ``strength`` is the classical security level in
    bits. A group that says ``tls12 = True`` serves ECDHE of TLS 1.2 too (RFC 8422), where the server starts.
    ``client_share_size`` and ``server_share_size`` are in bytes, 0 when they vary.
    """

    name: str
    code: int
    strength: int
    post_quantum: bool
    client_share_size: int
    server_share_size: int

    def start(self) -> tuple[Any, bytes]:
        """Client: a fresh private value (opaque to the core, used once) and the share to send."""
        ...

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        """Server: the share to send back and the shared secret. Raises BadShare."""
        ...

    def finish(self, private: Any, server_share: bytes) -> bytes:
        """Client: the shared secret. Raises BadShare."""
        ...


@runtime_checkable
class CipherKey(Protocol):
    """One direction's key, ready for use. The AEAD classes of ``cryptography`` fit as they are."""

    def encrypt_into(self, nonce: Any, data: Any, associated_data: Any, buf: Any) -> int:
        """Write ciphertext and tag to ``buf`` (exactly len(data) + tag_size bytes); return their length."""
        ...

    def decrypt_into(self, nonce: Any, data: Any, associated_data: Any, buf: Any) -> int:
        """Write the plaintext to ``buf`` (exactly len(data) - tag_size bytes); return its length.

        Raises cryptography.exceptions.InvalidTag.
        """
        ...


@runtime_checkable
class Cipher(Protocol):
    """An AEAD cipher (RFC 5116), by the name that suites call it, such as ``AES_128_GCM``.

    Sizes are in bytes, ``strength`` in bits. ``record_limit`` is how many records one key may protect
    (RFC 8446 section 5.5), at least 64; the engine sends a KeyUpdate before it is reached. A cipher may say
    ``explicit_nonce``, how much of the nonce each record of TLS 1.2 carries: 8 unless said, as with AES-GCM
    (RFC 5288 section 3); 0 where the sequence number is mixed in (RFC 7905 section 2).
    """

    name: str
    key_size: int
    nonce_size: int
    tag_size: int
    strength: int
    record_limit: int

    def key(self, key: bytes) -> CipherKey:
        """Prepare a key of ``key_size`` bytes."""
        ...


@runtime_checkable
class HashState(Protocol):
    """A running hash, as ``hashlib`` makes them."""

    def update(self, data: Any, /) -> None: ...
    def digest(self) -> bytes: ...
    def copy(self) -> HashState: ...


@runtime_checkable
class Hash(Protocol):
    """A hash function by the name that suites call it, such as ``SHA256``. Sizes are in bytes."""

    name: str
    digest_size: int

    def new(self) -> HashState:
        """A fresh running hash for the transcript (RFC 8446 section 4.4.1)."""
        ...

    def digest(self, data: bytes) -> bytes:
        """The hash of ``data`` in one go."""
        ...

    def hmac(self, key: bytes, data: bytes) -> bytes:
        """HMAC (RFC 2104) with this hash, in one go: every step of HKDF and Finished is one of these."""
        ...

    def __hash__(self) -> int:
        """Python's own, for constants kept per hash; any class's default does."""
        ...


@runtime_checkable
class SignatureScheme(Protocol):
    """A signature scheme (RFC 8446 section 4.2.3) by IANA's name and code.

    ``strength`` is in bits. ``handshake13`` says whether CertificateVerify of TLS 1.3 may use it;
    schemes for certificates alone (``rsa_pkcs1_*``) say False. A scheme that serves TLS 1.2 says so with
    ``auth12``, the word of its suites (``RSA``, ``ECDSA``), and may have ``accepts12``, its ``accepts`` for there,
    where ECDSA names a hash and no curve.
    """

    name: str
    code: int
    strength: int
    handshake13: bool

    def accepts(self, public_key: Any) -> bool:
        """Whether this scheme can be used with that key (type, curve, size)."""
        ...

    def sign(self, private_key: Any, data: bytes) -> bytes:
        """Sign ``data`` with a private key that a credential carries."""
        ...

    def verify(self, public_key: Any, signature: bytes, data: bytes) -> None:
        """Return None, or raise cryptography.exceptions.InvalidSignature."""
        ...


@runtime_checkable
class CertificateCompression(Protocol):
    """A certificate compression algorithm (RFC 8879) by IANA's name and code."""

    name: str
    code: int

    def compress(self, data: bytes) -> bytes: ...

    def decompress(self, data: bytes, size: int) -> bytes:
        """Exactly ``size`` bytes, never allocating more. Raises BadCertificateData."""
        ...

    def __hash__(self) -> int:
        """Python's own, for compressed chains that are kept; any class's default does."""
        ...


@runtime_checkable
class Extension(Protocol):
    """A ClientHello extension and its answer in EncryptedExtensions (RFC 8446 section 4.2).

    What ``answer`` and ``accept`` return as facts (plain JSON data) is shown in the connection's record.
    """

    name: str
    code: int

    def offer(self) -> bytes | None:
        """Client: the body to send, or None to stay silent."""
        ...

    def answer(self, offered: bytes) -> tuple[bytes | None, Mapping[str, Any]]:
        """Server: the body to answer with (None: no answer) and facts. Raises BadExtension."""
        ...

    def accept(self, answered: bytes) -> Mapping[str, Any]:
        """Client: read the server's answer; facts. Raises BadExtension."""
        ...


# --- stages -----------------------------------------------------------------------------------------------


@frozen(eq=False)
class Credential:
    """An identity this side can prove: a certificate chain and its private key.

    ``chain`` is DER, leaf first. ``public_key`` and ``private_key`` are whatever the signature schemes that
    accept them understand (objects of ``cryptography`` for the built-ins). ``sign``, when given, replaces
    the scheme's own signing (an HSM, a key server): it takes the scheme and the data, and returns the
    signature or a Job. ``chain_signatures`` are the scheme codes that the chain's certificates are
    signed with, where known (RFC 8446 section 4.4.2.2).
    """

    label: str
    chain: tuple[bytes, ...]
    public_key: Any = field(repr=False)
    private_key: Any = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    chain_signatures: tuple[int, ...] = ()
    sign: Callable[[SignatureScheme, bytes], bytes | Job[bytes]] | None = field(default=None, repr=False)


@frozen
class Selected:
    """What a credentials stage found: usable identities, best first, and why each was taken or dropped.

    ``notes`` pairs a credential's label with a short reason ("exact", "wildcard", "default", "other name").
    """

    credentials: tuple[Credential, ...]
    notes: tuple[tuple[str, str], ...] = ()


@frozen
class CredentialRequest:
    """What the peer asks for, for a credentials stage.

    ``server_name`` is the client's SNI in lower case without a trailing dot (None: it sent none); for a client
    that is asked for its certificate it is the server's name. ``signatures`` and ``certificate_signatures`` are
    scheme codes that the peer accepts. ``authorities`` are DER names of acceptable issuers (RFC 8446
    section 4.2.4). ``server`` says that this side is the server.
    """

    server_name: str | None
    signatures: tuple[int, ...] = ()
    certificate_signatures: tuple[int, ...] = ()
    alpn: tuple[bytes, ...] = ()
    authorities: tuple[bytes, ...] = ()
    server: bool = True


@runtime_checkable
class Credentials(Protocol):
    """Stage one, SNI: which identity answers this ClientHello (RFC 6066 section 3)."""

    name: str

    def select(self, request: CredentialRequest) -> Selected | Job[Selected]:
        """The identities to answer with, best first. Raises UnknownName when strict and none fits."""
        ...


@frozen
class PeerCertificates:
    """What the peer presented, for a verification stage.

    ``chain`` is DER, leaf first. ``name`` is the DNS name or IP address the client meant to reach; None when
    a server verifies a client. ``server`` says whether the peer is the server.
    """

    chain: tuple[bytes, ...]
    name: str | None
    server: bool


@frozen
class VerifiedPeer:
    """A verification stage's answer: the leaf's public key, and what to tell people.

    ``verified`` is False only when the stage was asked not to check (``--insecure``).
    """

    public_key: Any = field(repr=False)
    subject: str
    names: tuple[str, ...] = ()
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    verified: bool = True
    stage: str = ""


@runtime_checkable
class PeerVerification(Protocol):
    """Stage two: is this chain trusted for this name (RFC 5280 section 6, RFC 9525)."""

    name: str

    def verify(self, peer: PeerCertificates) -> VerifiedPeer | Job[VerifiedPeer]:
        """Raises VerificationFailed with a reason."""
        ...


@frozen
class Session:
    """A session that may be resumed (RFC 8446 section 2.2): its identity, secret and what it is bound to."""

    identity: bytes
    secret: bytes = field(repr=False)
    suite: int
    server_name: str | None
    alpn: bytes | None
    issued: float
    lifetime: int


@runtime_checkable
class Resumption(Protocol):
    """Stage three: have we met (RFC 8446 section 2.2)."""

    name: str

    def offer(self, server_name: str | None) -> Sequence[Session] | Job[Sequence[Session]]:
        """Client: sessions to offer for this name, best first."""
        ...

    def find(self, identity: bytes) -> Session | Job[Session | None] | None:
        """Server: the session a ticket or session ID stands for, if it is still good."""
        ...

    def keep(self, session: Session) -> Job[None] | None:
        """Either side: remember a session."""
        ...


@frozen
class StageFactory:
    """A stage that a plugin brings, by kind and name; ``make`` takes the stage's own keyword arguments."""

    CREDENTIALS: ClassVar[str] = "credentials"
    VERIFICATION: ClassVar[str] = "verification"
    RESUMPTION: ClassVar[str] = "resumption"

    kind: str
    name: str
    make: Callable[..., Any]
    summary: str = ""
