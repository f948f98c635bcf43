"""Every way a connection can fail: one enum reason each, with its alert and the RFC section beside it.

The reasons are the table. A row is (what happened, the alert this side sends, the section that says so).
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Alert(IntEnum):
    """AlertDescription (RFC 8446 section 6, RFC 9846 section 6, and the IANA TLS Alerts registry)."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    UNRECOGNIZED_NAME = 112
    BAD_CERTIFICATE_STATUS_RESPONSE = 113
    UNKNOWN_PSK_IDENTITY = 115
    CERTIFICATE_REQUIRED = 116
    GENERAL_ERROR = 117
    NO_APPLICATION_PROTOCOL = 120
    ECH_REQUIRED = 121


def alert_name(code: int) -> str:
    """The name of an alert, such as ``handshake_failure``."""
    try:
        return Alert(code).name.lower()
    except ValueError:
        return f"alert {code}"


class Reason(Enum):
    """Base of all reasons. ``text`` says what happened, ``alert`` is what goes on the wire (None: nothing),
    ``section`` is where the rule stands."""

    text: str
    alert: Alert | None
    section: str

    def __new__(cls, text: str, alert: Alert | None = None, section: str = "") -> Reason:
        member = object.__new__(cls)
        # The text tells members apart, so two rows with one text would become aliases; a test forbids it.
        member._value_ = text
        member.text = text
        member.alert = alert
        member.section = section
        return member


class PeerMisbehaved(Reason):
    """The peer broke the protocol."""

    # Syntax
    MALFORMED_MESSAGE = ("a handshake message does not parse", Alert.DECODE_ERROR, "RFC 8446 6.2")
    TRAILING_DATA = ("bytes are left over after a message or field", Alert.DECODE_ERROR, "RFC 8446 6.2")
    MALFORMED_EXTENSION = ("an extension does not parse", Alert.DECODE_ERROR, "RFC 8446 4.2")
    EMPTY_LIST = ("a list that must not be empty is empty", Alert.DECODE_ERROR, "RFC 8446 3.4")
    MALFORMED_ALERT = ("an alert is not two bytes long", Alert.DECODE_ERROR, "RFC 8446 6")

    # Records
    BAD_RECORD_TYPE = ("a record has an unknown content type", Alert.UNEXPECTED_MESSAGE, "RFC 8446 5")
    NOT_TLS = ("the first bytes are not a TLS record", Alert.UNEXPECTED_MESSAGE, "RFC 8446 5.1")
    RECORD_VERSION = ("a record's legacy version is impossible", Alert.PROTOCOL_VERSION, "RFC 8446 D.5")
    RECORD_OVERFLOW = ("a record is longer than allowed", Alert.RECORD_OVERFLOW, "RFC 8446 5.1, 5.2")
    EMPTY_RECORD = ("a handshake or alert record is empty", Alert.UNEXPECTED_MESSAGE, "RFC 8446 5.1, 5.4")
    TOO_MANY_EMPTY_RECORDS = (
        "too many empty records in a row",
        Alert.UNEXPECTED_MESSAGE,
        "RFC 8446 5.4",
    )
    NO_CONTENT_TYPE = ("a decrypted record is all padding", Alert.UNEXPECTED_MESSAGE, "RFC 8446 5.4")
    BAD_RECORD_MAC = ("a record does not decrypt", Alert.BAD_RECORD_MAC, "RFC 8446 5.2")
    PLAINTEXT_RECORD = ("a plaintext record after keys were set", Alert.UNEXPECTED_MESSAGE, "RFC 8446 5")
    TOO_MUCH_WAITING = ("more data than may wait for a slow stage", Alert.INTERNAL_ERROR, "RFC 8446 6.2")
    MESSAGE_TOO_LARGE = (
        "a handshake message is larger than the limit",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4",
    )
    KEY_CHANGE_NOT_ALIGNED = (
        "a handshake message spans a key change",
        Alert.UNEXPECTED_MESSAGE,
        "RFC 8446 5.1",
    )
    INTERLEAVED_RECORD = (
        "another record type stands between the parts of a handshake message",
        Alert.UNEXPECTED_MESSAGE,
        "RFC 8446 5.1",
    )
    BAD_CHANGE_CIPHER_SPEC = (
        "a change_cipher_spec record that is not the single byte 1, or stands where none may",
        Alert.UNEXPECTED_MESSAGE,
        "RFC 8446 5, D.4",
    )

    # Order
    UNEXPECTED_MESSAGE = ("a message came where it may not", Alert.UNEXPECTED_MESSAGE, "RFC 8446 4")
    UNEXPECTED_APPLICATION_DATA = (
        "application data before the handshake finished",
        Alert.UNEXPECTED_MESSAGE,
        "RFC 8446 4.4.4",
    )
    SECOND_HELLO_RETRY_REQUEST = ("a second HelloRetryRequest", Alert.UNEXPECTED_MESSAGE, "RFC 8446 4.1.4")
    TOO_MANY_WARNINGS = ("too many warning alerts", Alert.UNEXPECTED_MESSAGE, "RFC 8446 6.1")
    TOO_MANY_KEY_UPDATES = ("too many KeyUpdates without data", Alert.UNEXPECTED_MESSAGE, "RFC 8446 4.6.3")
    TOO_MANY_TICKETS = ("too many NewSessionTickets", Alert.UNEXPECTED_MESSAGE, "RFC 8446 4.6.1")

    # Extensions
    DUPLICATE_EXTENSION = (
        "an extension stands twice in one message",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2",
    )
    TOO_MANY_EXTENSIONS = ("more extensions than the limit", Alert.ILLEGAL_PARAMETER, "RFC 8446 4.2")
    UNSOLICITED_EXTENSION = (
        "an answer to an extension that was not offered",
        Alert.UNSUPPORTED_EXTENSION,
        "RFC 8446 4.2",
    )
    MISPLACED_EXTENSION = (
        "an extension in a message where it may not stand",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2",
    )
    MISSING_EXTENSION = ("a required extension is missing", Alert.MISSING_EXTENSION, "RFC 8446 9.2")
    PSK_NOT_LAST = ("pre_shared_key is not the last extension", Alert.ILLEGAL_PARAMETER, "RFC 8446 4.2.11")

    # Hellos
    BAD_COMPRESSION_METHODS = (
        "legacy_compression_methods is not the single null method",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.2",
    )
    NO_NULL_COMPRESSION = (
        "the null compression method is not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 5246 7.4.1.2",
    )
    HELLO_VERSION = ("legacy_version of a hello is not 0x0303", Alert.PROTOCOL_VERSION, "RFC 8446 4.1.2")
    SELECTED_VERSION_NOT_OFFERED = (
        "the server selected a version that was not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2.1",
    )
    SELECTED_SUITE_NOT_OFFERED = (
        "the server selected a suite that was not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.3",
    )
    SELECTED_GROUP_NOT_OFFERED = (
        "the server selected a group or share that was not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2.8",
    )
    SELECTED_ALPN_NOT_OFFERED = (
        "the server selected a protocol that was not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 7301 3.1",
    )
    SESSION_ID_NOT_ECHOED = (
        "legacy_session_id_echo is not what was sent",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.3",
    )
    DOWNGRADE_SENTINEL = (
        "the server's random says it was made to negotiate a lower version",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.3",
    )
    RETRY_CHANGES_NOTHING = (
        "a HelloRetryRequest that would not change the ClientHello",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.4",
    )
    RETRY_GROUP_ALREADY_SHARED = (
        "a HelloRetryRequest for a group whose share was sent",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2.8",
    )
    RETRY_SUITE_CHANGED = (
        "the suite differs between HelloRetryRequest and ServerHello",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.4",
    )
    RETRY_VERSION_CHANGED = (
        "the version differs between HelloRetryRequest and ServerHello",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2.1",
    )
    SECOND_HELLO_CHANGED = (
        "the second ClientHello differs from the first where it must not",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.1.2",
    )
    SECOND_HELLO_WRONG_SHARE = (
        "the second ClientHello does not carry exactly the share asked for",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2.8",
    )
    SHARE_NOT_IN_GROUPS = (
        "a key share for a group that is not in supported_groups, or out of order",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.2.8",
    )
    DUPLICATE_SHARE = ("two key shares for one group", Alert.ILLEGAL_PARAMETER, "RFC 8446 4.2.8")
    BAD_SHARE = ("a key share's value is impossible", Alert.ILLEGAL_PARAMETER, "RFC 8446 4.2.8.2, 7.4.2")
    BAD_SERVER_NAME = ("server_name is not one ASCII host name", Alert.ILLEGAL_PARAMETER, "RFC 6066 3")
    SERVER_TOO_OLD = (
        "the server answered with an older version than any offered",
        Alert.PROTOCOL_VERSION,
        "RFC 8446 4.2.1, D.1",
    )
    BAD_COOKIE = ("the cookie is not the one this server sent", Alert.ILLEGAL_PARAMETER, "RFC 8446 4.2.2")

    # TLS 1.2
    INAPPROPRIATE_FALLBACK = (
        "a fallback to a version below what both sides speak",
        Alert.INAPPROPRIATE_FALLBACK,
        "RFC 7507 3",
    )
    BAD_RENEGOTIATION_INFO = (
        "renegotiation_info is missing, or not empty in a first handshake",
        Alert.HANDSHAKE_FAILURE,
        "RFC 5746 3.4, 3.6",
    )
    NO_UNCOMPRESSED_POINTS = (
        "ec_point_formats leaves out uncompressed points",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8422 5.1.1",
    )
    CERTIFICATE_UNFIT = (
        "the certificate's key does not fit the suite's authentication",
        Alert.ILLEGAL_PARAMETER,
        "RFC 5246 7.4.2",
    )
    TOO_MANY_RENEGOTIATIONS = (
        "too many requests to renegotiate",
        Alert.UNEXPECTED_MESSAGE,
        "RFC 5246 7.2.2",
    )

    # Authentication
    NO_CERTIFICATE = ("the server sent no certificate", Alert.DECODE_ERROR, "RFC 8446 4.4.2.4")
    CERTIFICATE_REQUIRED = ("the client sent no certificate", Alert.CERTIFICATE_REQUIRED, "RFC 8446 4.4.2.4")
    BAD_CERTIFICATE_CONTEXT = (
        "certificate_request_context is not the one asked with",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.4.2",
    )
    CHAIN_TOO_LARGE = ("more certificates than the limit", Alert.BAD_CERTIFICATE, "RFC 8446 4.4.2")
    SCHEME_NOT_OFFERED = (
        "CertificateVerify uses a scheme that was not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.4.3",
    )
    SCHEME_KEY_MISMATCH = (
        "CertificateVerify's scheme does not fit the certificate's key",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.4.3",
    )
    BAD_SIGNATURE = ("CertificateVerify's signature is wrong", Alert.DECRYPT_ERROR, "RFC 8446 4.4.3")
    BAD_FINISHED = ("Finished does not match the handshake", Alert.DECRYPT_ERROR, "RFC 8446 4.4.4")
    COMPRESSION_NOT_OFFERED = (
        "a certificate compressed with an algorithm that was not offered",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8879 4",
    )
    BAD_COMPRESSED_CERTIFICATE = (
        "a compressed certificate does not decompress as announced",
        Alert.BAD_CERTIFICATE,
        "RFC 8879 4",
    )
    BAD_KEY_UPDATE = (
        "KeyUpdate's request_update is neither 0 nor 1",
        Alert.ILLEGAL_PARAMETER,
        "RFC 8446 4.6.3",
    )


class NoAgreement(Reason):
    """The two sides have nothing in common on some axis: a refusal of the negotiation."""

    NO_COMMON_VERSION = ("no protocol version in common", Alert.PROTOCOL_VERSION, "RFC 8446 4.2.1")
    NO_COMMON_SUITE = ("no cipher suite in common", Alert.HANDSHAKE_FAILURE, "RFC 8446 4.1.1")
    NO_COMMON_GROUP = ("no key-exchange group in common", Alert.HANDSHAKE_FAILURE, "RFC 8446 4.1.1")
    NO_COMMON_SIGNATURE = (
        "no signature scheme that the client accepts and a certificate here can make",
        Alert.HANDSHAKE_FAILURE,
        "RFC 8446 4.4.2.2",
    )
    NO_COMMON_ALPN = ("no application protocol in common", Alert.NO_APPLICATION_PROTOCOL, "RFC 7301 3.2")
    NO_EXTENDED_MASTER_SECRET = (
        "the peer does not know the extended master secret",
        Alert.HANDSHAKE_FAILURE,
        "RFC 7627 5.2, 5.3",
    )
    UNRECOGNIZED_NAME = ("no certificate for the name asked for", Alert.UNRECOGNIZED_NAME, "RFC 6066 3")


class Untrusted(Reason):
    """The peer's certificate is not accepted: the rule that a verification stage found broken."""

    MALFORMED = ("a certificate does not parse", Alert.BAD_CERTIFICATE, "RFC 8446 4.4.2.4")
    UNKNOWN_ISSUER = ("no trusted root issued the chain", Alert.UNKNOWN_CA, "RFC 5280 6.1")
    EXPIRED = ("a certificate is expired", Alert.CERTIFICATE_EXPIRED, "RFC 5280 6.1.3")
    NOT_YET_VALID = ("a certificate is not valid yet", Alert.CERTIFICATE_EXPIRED, "RFC 5280 6.1.3")
    NAME_MISMATCH = ("the certificate is for another name", Alert.BAD_CERTIFICATE, "RFC 9525 6")
    BAD_CHAIN_SIGNATURE = ("a certificate's signature is wrong", Alert.BAD_CERTIFICATE, "RFC 5280 6.1.3")
    WRONG_USAGE = (
        "key usage or extended key usage forbids this use",
        Alert.BAD_CERTIFICATE,
        "RFC 5280 4.2.1",
    )
    NOT_A_CA = ("an issuer is not a certificate authority", Alert.BAD_CERTIFICATE, "RFC 5280 6.1.4")
    NAME_CONSTRAINT = ("a name constraint forbids the name", Alert.BAD_CERTIFICATE, "RFC 5280 4.2.1.10")
    PATH_TOO_LONG = ("the chain is longer than allowed", Alert.BAD_CERTIFICATE, "RFC 5280 6.1.4")
    WEAK_KEY = ("a key is weaker than the policy's floor", Alert.BAD_CERTIFICATE, "RFC 9325 4.5")
    WEAK_SIGNATURE = ("a signature algorithm is not accepted", Alert.BAD_CERTIFICATE, "RFC 8446 4.4.2.4")
    UNSUPPORTED_KEY = ("the key's kind is not supported", Alert.UNSUPPORTED_CERTIFICATE, "RFC 8446 6.2")
    REVOKED = ("a certificate is revoked", Alert.CERTIFICATE_REVOKED, "RFC 5280 6.3")
    REFUSED_BY_RULE = ("a rule of the verification policy refuses it", Alert.BAD_CERTIFICATE, "RFC 5280 6")


class Ended(Reason):
    """The connection ended for a reason on the other side or below; nothing more is sent."""

    PEER_ALERT = ("the peer sent a fatal alert", None, "RFC 8446 6.2")
    TRUNCATED = ("the transport ended without close_notify", None, "RFC 8446 6.1")
    CLOSED_DURING_HANDSHAKE = ("the peer closed before the handshake finished", None, "RFC 8446 6.1")
    TIMED_OUT = ("the handshake took too long", None, "")


class LocalMistake(Reason):
    """This side's own mistake, told before a byte is sent wherever it can be."""

    UNKNOWN_POLICY = "no policy of that name"
    BAD_POLICY = "a policy file or edit does not make sense"
    NOTHING_USABLE = "the policy and what is installed leave nothing to offer"
    NO_CREDENTIALS = "a server needs at least one certificate and key"
    NO_VERIFICATION = "no verification stage to check the peer with"
    BAD_PEM = "a certificate or key file cannot be used"
    KEY_MISMATCH = "the key does not belong to the certificate"
    NO_TRUST_STORE = "no certificates to trust were found"
    BAD_NAME = "a server name is not a DNS name or IP address"
    BAD_ALPN = "application protocol names are empty or too long"
    BAD_INPUT = "the input is not what it was said to be"
    BAD_OPTION = "an option does not make sense"
    PLUGIN_FAILED = ("a plugin broke its contract", Alert.INTERNAL_ERROR, "RFC 8446 6.2")
    INTERNAL_FAULT = ("an internal fault, which should be reported", Alert.INTERNAL_ERROR, "RFC 8446 6.2")
    WRONG_STATE = "the connection is not in a state for that call"
    KEY_EXHAUSTED = ("this side's key has reached its limit", Alert.INTERNAL_ERROR, "RFC 8446 5.5")
    FILE_EXISTS = "the file is there already"
    MISSING_EXTRA = "an optional package is not installed"
    NO_KEY_UPDATE = ("TLS 1.2 has no KeyUpdate", Alert.INTERNAL_ERROR, "RFC 5246 6.1")
    EXPORTER_NOT_READY = "keying material can be exported only after the handshake"


class SuitorError(Exception):
    """Base of all errors. ``reason`` is the enum to branch on; the text is for people."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.text}: {detail}" if detail else reason.text)
        self.reason = reason
        self.detail = detail

    @property
    def alert(self) -> Alert | None:
        """The alert that this side sends for it."""
        return self.reason.alert


class LocalError(SuitorError):
    """This side made a mistake: configuration, calls out of order, or a plugin that broke its contract."""


class RemoteError(SuitorError):
    """The peer, or the network, is at fault."""


class ProtocolError(RemoteError):
    """The peer broke the protocol (:class:`PeerMisbehaved`)."""


class NegotiationError(RemoteError):
    """Nothing in common (:class:`NoAgreement`)."""


class VerificationError(RemoteError):
    """The peer's certificate is not trusted (:class:`Untrusted`)."""


class ConnectionEnded(RemoteError):
    """The other side ended it (:class:`Ended`). ``peer_alert`` is the code that came, where one did."""

    def __init__(self, reason: Ended, detail: str = "", peer_alert: int | None = None) -> None:
        super().__init__(reason, detail)
        self.peer_alert = peer_alert


def plugin_failed(what: str, method: str, error: Exception | str) -> LocalError:
    """The error for a plugin that broke its contract; the peer sees internal_error. An exception is told by
    its class alone, for its text may hold what should not be told."""
    said = error if isinstance(error, str) else f"raised {type(error).__name__}"
    return LocalError(LocalMistake.PLUGIN_FAILED, f"{what}, {method}: {said}")
