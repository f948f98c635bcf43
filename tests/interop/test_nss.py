"""NSS in both roles: ``tstclnt`` and ``selfserv``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suitor import (
    Alert,
    NoAgreement,
    PeerMisbehaved,
    TLSSocket,
    Untrusted,
    VerificationError,
)
from suitor.cli.pki import KeyKind
from tests.interop.ours import (
    GROUPS,
    SUITES,
    Serving,
    alert_of,
    client_config,
    connect,
    mutual,
    only,
    refusal,
    refused,
    server_config,
    serving,
)
from tests.interop.pki import NAME, PASSWORD, SCHEMES, Identity, PeerPki
from tests.interop.programs import Talk, free_port, program, run, talking, wait_until_open

CURVES = {"x25519": "x25519", "secp256r1": "P256", "secp384r1": "P384"}
CIPHERS = dict(zip(SUITES, (":1301", ":1302", ":1303"), strict=True))
KINDS = (KeyKind.P256, KeyKind.P384, KeyKind.RSA2048)
"""NSS 3.87 knows no Ed25519."""
NICKNAME = "own"


@pytest.fixture(scope="session")
def databases(peer_pki: PeerPki, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    for tool in ("certutil", "pk12util"):
        program(tool)
    return Databases(peer_pki, tmp_path_factory.mktemp("nss"))


class Databases:
    """NSS keeps certificates in a directory of its own. Each identity gets one, for it tells certificates apart
    by their subjects alone."""

    def __init__(self, pki: PeerPki, directory: Path) -> None:
        self._pki = pki
        self._directory = directory
        self._made: dict[tuple[Path | None, bool], Path] = {}

    def of(self, own: Identity | None = None, *, trusting: bool = True) -> str:
        """With that identity, and the run's root as a trusted one."""
        key = own.chain if own else None, trusting
        if key not in self._made:
            self._made[key] = self._make(own, trusting)
        return f"sql:{self._made[key]}"

    def _make(self, own: Identity | None, trusting: bool) -> Path:
        directory = self._directory / str(len(self._made))
        directory.mkdir()
        steps: list[list[str | Path]] = [["certutil", "-N", "--empty-password"]]
        if trusting:
            steps.append(["certutil", "-A", "-n", "root", "-t", "CT,,", "-a", "-i", self._pki.ca])
        if own is not None:
            steps.append(["pk12util", "-i", self._pki.pkcs12(own, NICKNAME), "-W", PASSWORD])
        for command, *options in steps:
            done = run([program(str(command)), "-d", f"sql:{directory}", *options])
            assert done.code == 0, done.text
        return directory


@contextmanager
def tstclnt(server: Serving, database: str, *options: str, name: str = NAME) -> Iterator[Talk]:
    """It goes on until it is ended, whatever happens to the connection."""
    command = [
        program("tstclnt"), "-h", "127.0.0.1", "-p", str(server.port), "-a", name, "-d", database,
        "-V", "tls1.3:tls1.3", *options,
    ]  # fmt: skip
    with talking(command) as talk:
        talk.say("hello")
        yield talk


@contextmanager
def selfserv(databases: Databases, own: Identity, *options: str) -> Iterator[Talk]:
    """An HTTP server of sorts, which sends the request back."""
    port = free_port()
    versions = () if "-V" in options else ("-V", "tls1.3:tls1.3")
    nickname = "-n" if "rsa" in own.chain.name else "-e"
    command = [
        program("selfserv"), nickname, NICKNAME, "-p", str(port), "-d", databases.of(own), "-v",
        *versions, *options,
    ]  # fmt: skip
    with talking(command, port) as talk:
        wait_until_open(talk)
        yield talk


def get(tls: TLSSocket) -> bytes:
    tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
    return b"".join(iter(lambda: tls.recv(4096), b""))


# --- their client -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_every_suite_and_group(peer_pki: PeerPki, databases: Databases, kind: KeyKind) -> None:
    with serving(server_config(peer_pki, only(), peer_pki.servers[kind])) as server:
        for suite in SUITES:
            for group in GROUPS:
                with tstclnt(server, databases.of(), "-c", CIPHERS[suite], "-I", CURVES[group]) as talk:
                    talk.hear("hello")
                outcome = server.outcome()
                assert outcome.info is not None
                assert (outcome.info.suite, outcome.info.group) == (suite, group)
                assert outcome.info.signature == SCHEMES[kind]


@pytest.mark.parametrize("options", [["-I", "x25519,P384"], ["-I", "x25519,P384", "-e"]])
def test_client_retry(peer_pki: PeerPki, databases: Databases, options: list[str]) -> None:
    for edits in ("", "retry-cookie on"):
        with serving(server_config(peer_pki, only(group="secp384r1", edits=edits))) as server:
            with tstclnt(server, databases.of(), *options) as talk:
                talk.hear("hello")
            info = server.outcome().info
            assert info is not None
            assert info.retried


@pytest.mark.parametrize(
    "options",
    [["-T", "-U"], ["-B"], ["-u", "-Z"], ["-e"], ["-i", "100"], ["-z", "0xAAAABBBBCCCCDDDD"]],
    ids=lambda o: o[0],
)
def test_client_extensions(peer_pki: PeerPki, databases: Databases, options: list[str]) -> None:
    with serving(server_config(peer_pki)) as server, tstclnt(server, databases.of(), *options) as talk:
        talk.hear("hello")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_certificate(peer_pki: PeerPki, databases: Databases, kind: KeyKind) -> None:
    database = databases.of(peer_pki.clients[kind])
    with serving(mutual(peer_pki)) as server:
        with tstclnt(server, database, "-n", NICKNAME) as talk:
            talk.hear("hello")
        info = server.outcome().info
    assert info is not None
    assert info.peer is not None
    assert info.peer.names == ("client.example",)


def test_client_certificate_missing(peer_pki: PeerPki, databases: Databases) -> None:
    with serving(mutual(peer_pki)) as server, tstclnt(server, databases.of()) as talk:
        talk.hear("SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT")
        assert refused(server.outcome()).reason is PeerMisbehaved.CERTIFICATE_REQUIRED


@pytest.mark.parametrize(
    ("label", "alert"),
    [
        ("stranger", Alert.UNKNOWN_CA),
        ("expired", Alert.CERTIFICATE_EXPIRED),
        ("other", Alert.BAD_CERTIFICATE),
    ],
)
def test_client_refuses_our_certificate(
    peer_pki: PeerPki, databases: Databases, label: str, alert: Alert
) -> None:
    config = server_config(peer_pki, only(), peer_pki.odd[label])
    with serving(config) as server, tstclnt(server, databases.of()):
        assert alert_of(server.outcome().error) == alert


@pytest.mark.parametrize(
    ("options", "reason", "said"),
    [
        (["-V", "tls1.2:tls1.2"], NoAgreement.NO_COMMON_VERSION, "PROTOCOL_VERSION"),
        (["-c", ":1303"], NoAgreement.NO_COMMON_SUITE, "NO_CYPHER_OVERLAP"),
        (["-I", "P384"], NoAgreement.NO_COMMON_GROUP, "NO_CYPHER_OVERLAP"),
        (["-J", "rsa_pss_rsae_sha256"], NoAgreement.NO_COMMON_SIGNATURE, "NO_CYPHER_OVERLAP"),
    ],
    ids=lambda value: value.name if isinstance(value, NoAgreement) else "",
)
def test_client_nothing_in_common(
    peer_pki: PeerPki, databases: Databases, options: list[str], reason: NoAgreement, said: str
) -> None:
    config = server_config(peer_pki, only(SUITES[0], "x25519"))
    with serving(config) as server, tstclnt(server, databases.of(), *options) as talk:
        talk.hear(said)
        assert refused(server.outcome()).reason is reason


# --- their server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_every_suite_and_group(peer_pki: PeerPki, databases: Databases, kind: KeyKind) -> None:
    with selfserv(databases, peer_pki.servers[kind]) as server:
        for suite in SUITES:
            for group in GROUPS:
                with connect(client_config(peer_pki, only(suite, group)), server.port) as tls:
                    assert b"200 OK" in get(tls)
                    info = tls.info
                assert info is not None
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])


@pytest.mark.parametrize("options", [["-I", "P384"], ["-I", "P384", "-u", "-Z"]])
def test_server_retry(peer_pki: PeerPki, databases: Databases, options: list[str]) -> None:
    config = client_config(peer_pki, only(group="x25519 secp384r1"))
    own = peer_pki.servers[KeyKind.P256]
    with selfserv(databases, own, *options) as server, connect(config, server.port) as tls:
        assert tls.info is not None
        assert tls.info.retried
        assert b"200 OK" in get(tls)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_asks_for_a_certificate(peer_pki: PeerPki, databases: Databases, kind: KeyKind) -> None:
    config = client_config(peer_pki, only(), peer_pki.clients[kind])
    with selfserv(databases, peer_pki.servers[KeyKind.P256], "-rr") as server:
        with connect(config, server.port) as tls:
            assert b"200 OK" in get(tls)
            assert tls.info is not None
            assert tls.info.credential is not None
        server.hear("subject DN: CN=client.example")


@pytest.mark.parametrize(
    ("options", "policy", "alert"),
    [
        (["-V", "tls1.2:tls1.2"], only(), Alert.PROTOCOL_VERSION),
        (["-c", ":1302"], only(SUITES[0]), Alert.HANDSHAKE_FAILURE),
        (["-I", "P384"], only(group="x25519"), Alert.HANDSHAKE_FAILURE),
        ([], only(edits="only rsa_pss_rsae_sha256"), Alert.HANDSHAKE_FAILURE),
        (["-Q"], only(), Alert.NO_APPLICATION_PROTOCOL),
        (["-rr"], only(), Alert.CERTIFICATE_REQUIRED),
    ],
    ids=lambda value: value.name if isinstance(value, Alert) else "",
)
def test_server_refuses(
    peer_pki: PeerPki, databases: Databases, options: list[str], policy: str, alert: Alert
) -> None:
    with selfserv(databases, peer_pki.servers[KeyKind.P256], *options) as server:
        assert refusal(client_config(peer_pki, policy, alpn=(b"h2",)), server.port) == alert


@pytest.mark.parametrize(
    ("label", "reason", "said"),
    [
        ("stranger", Untrusted.UNKNOWN_ISSUER, -12195),
        ("expired", Untrusted.EXPIRED, -12269),
        ("other", Untrusted.NAME_MISMATCH, -12271),
    ],
)
def test_server_hears_our_refusal(
    peer_pki: PeerPki, databases: Databases, label: str, reason: Untrusted, said: int
) -> None:
    """``said``: NSS's number for the alert that it got."""
    with selfserv(databases, peer_pki.odd[label]) as server:
        with pytest.raises(VerificationError) as caught:
            connect(client_config(peer_pki), server.port)
        assert caught.value.reason is reason
        server.hear(f"error {said}:")
