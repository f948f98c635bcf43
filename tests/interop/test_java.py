"""Java's own TLS (JSSE) in both roles: one machine for all, because it takes its time to start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from suitor import Alert, NoAgreement, PeerMisbehaved, Untrusted, VerificationError
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
    receive,
    refusal,
    refused,
    server_config,
    serving,
)
from tests.interop.pki import KINDS, SCHEMES, Identity, PeerPki
from tests.interop.programs import Talk, free_port, program, talking

PEER = Path(__file__).with_name("JavaPeer.java")


@contextmanager
def machine(*properties: str) -> Iterator[Talk]:
    program("javac")
    with talking([program("java"), "-XX:TieredStopAtLevel=1", *properties, PEER]) as talk:
        talk.hear("ready")
        yield talk


@pytest.fixture(scope="module")
def java() -> Iterator[Talk]:
    with machine() as talk:
        yield talk


def command(
    talk: Talk, role: str, port: int, pki: PeerPki, own: Identity | None, options: dict[str, str]
) -> None:
    settings = {"ca": str(pki.ca), **options}
    if own is not None:
        settings["own"] = str(pki.pkcs12(own, "own"))
    talk.say(" ".join([role, str(port), *(f"{key}={value}" for key, value in settings.items())]))


def client(talk: Talk, server: Serving, pki: PeerPki, own: Identity | None = None, **options: Any) -> str:
    """One connection of theirs; the line that it ends in."""
    command(talk, "client", server.port, pki, own, options)
    return talk.hear("(done|failed) .*\n")[0].decode()


def listening(talk: Talk, pki: PeerPki, own: Identity | None = None, **options: Any) -> int:
    """A server of theirs, which stays as long as the machine; its port."""
    port = free_port()
    command(talk, "server", port, pki, own or pki.servers[KeyKind.P256], options)
    talk.hear("listening\n")
    return port


# --- their client -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_every_suite_and_group(java: Talk, peer_pki: PeerPki, kind: KeyKind) -> None:
    for group in GROUPS:
        with serving(server_config(peer_pki, only(group=group), peer_pki.servers[kind])) as server:
            for suite in SUITES:
                assert client(java, server, peer_pki, suite=suite) == f"done TLSv1.3 {suite} alpn= hello\n"
                info = server.outcome().agreed
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])


def test_client_retry_and_alpn(java: Talk, peer_pki: PeerPki) -> None:
    for edits in ("", "retry-cookie on"):
        config = server_config(peer_pki, only(group="secp384r1", edits=edits), alpn=(b"h2",))
        with serving(config) as server:
            assert "alpn=h2 hello" in client(java, server, peer_pki, alpn="http/1.1,h2")
            assert server.outcome().agreed.retried


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_certificate(java: Talk, peer_pki: PeerPki, kind: KeyKind) -> None:
    with serving(mutual(peer_pki)) as server:
        assert client(java, server, peer_pki, peer_pki.clients[kind]).startswith("done")
        peer = server.outcome().agreed.peer
    assert peer is not None
    assert peer.names == ("client.example",)


def test_client_certificate_missing(java: Talk, peer_pki: PeerPki) -> None:
    with serving(mutual(peer_pki)) as server:
        assert "certificate_required" in client(java, server, peer_pki)
        assert refused(server.outcome()).reason is PeerMisbehaved.CERTIFICATE_REQUIRED


@pytest.mark.parametrize(
    ("options", "reason", "said"),
    [
        ({"version": "TLSv1.2"}, NoAgreement.NO_COMMON_VERSION, "protocol_version"),
        ({"suite": SUITES[2]}, NoAgreement.NO_COMMON_SUITE, "handshake_failure"),
        ({"alpn": "nothing/1.0"}, NoAgreement.NO_COMMON_ALPN, "no_application_protocol"),
    ],
    ids=lambda value: value.name if isinstance(value, NoAgreement) else "",
)
def test_client_nothing_in_common(
    java: Talk, peer_pki: PeerPki, options: dict[str, Any], reason: NoAgreement, said: str
) -> None:
    with serving(server_config(peer_pki, only(SUITES[0]), alpn=(b"h2",))) as server:
        assert said in client(java, server, peer_pki, **options)
        assert refused(server.outcome()).reason is reason


@pytest.mark.parametrize("label", ["stranger", "expired", "other"])
def test_client_refuses_our_certificate(java: Talk, peer_pki: PeerPki, label: str) -> None:
    """JSSE has one alert for all of it."""
    with serving(server_config(peer_pki, only(), peer_pki.odd[label])) as server:
        assert "failed" in client(java, server, peer_pki)
        assert alert_of(server.outcome().error) == Alert.CERTIFICATE_UNKNOWN


# --- their server -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_every_suite_and_group(java: Talk, peer_pki: PeerPki, kind: KeyKind) -> None:
    payload = bytes(range(256)) * 400
    port = listening(java, peer_pki, peer_pki.servers[kind], alpn="h2")
    for suite in SUITES:
        for group in GROUPS:
            with connect(client_config(peer_pki, only(suite, group), alpn=(b"h2",)), port) as tls:
                tls.sendall(payload)
                assert receive(tls, len(payload)) == payload
                info = tls.info
                tls.unwrap()
            assert info is not None
            assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])
            assert info.alpn == "h2"
            java.hear(f"done TLSv1.3 {suite} alpn=h2")


def test_server_retry(peer_pki: PeerPki) -> None:
    with machine("-Djdk.tls.namedGroups=secp384r1") as java:
        port = listening(java, peer_pki)
        with connect(client_config(peer_pki, only(group="x25519 secp384r1")), port) as tls:
            assert tls.info is not None
            assert tls.info.retried
            tls.sendall(b"hello")
            assert receive(tls, 5) == b"hello"
        # Its own choice of an alert.
        assert refusal(client_config(peer_pki, only(group="x25519")), port) == Alert.UNEXPECTED_MESSAGE
        java.hear("No common named group")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_asks_for_a_certificate(java: Talk, peer_pki: PeerPki, kind: KeyKind) -> None:
    port = listening(java, peer_pki, auth="need")
    with connect(client_config(peer_pki, only(), peer_pki.clients[kind]), port) as tls:
        tls.sendall(b"hello")
        assert receive(tls, 5) == b"hello"
        assert tls.info is not None
        assert tls.info.credential is not None


@pytest.mark.parametrize(
    ("options", "policy", "alert"),
    [
        ({"version": "TLSv1.2"}, only(), Alert.PROTOCOL_VERSION),
        ({"suite": SUITES[1]}, only(SUITES[0]), Alert.HANDSHAKE_FAILURE),
        ({}, only(edits="only rsa_pss_rsae_sha256"), Alert.HANDSHAKE_FAILURE),
        ({"alpn": "nothing/1.0"}, only(), Alert.NO_APPLICATION_PROTOCOL),
        ({"auth": "need"}, only(), Alert.BAD_CERTIFICATE),
    ],
    ids=lambda value: value.name if isinstance(value, Alert) else "",
)
def test_server_refuses(
    java: Talk, peer_pki: PeerPki, options: dict[str, Any], policy: str, alert: Alert
) -> None:
    port = listening(java, peer_pki, **options)
    assert refusal(client_config(peer_pki, policy, alpn=(b"h2",)), port) == alert


@pytest.mark.parametrize(
    ("label", "reason", "said"),
    [
        ("stranger", Untrusted.UNKNOWN_ISSUER, "unknown_ca"),
        ("expired", Untrusted.EXPIRED, "certificate_expired"),
        ("other", Untrusted.NAME_MISMATCH, "bad_certificate"),
    ],
)
def test_server_hears_our_refusal(
    java: Talk, peer_pki: PeerPki, label: str, reason: Untrusted, said: str
) -> None:
    port = listening(java, peer_pki, peer_pki.odd[label])
    with pytest.raises(VerificationError) as caught:
        connect(client_config(peer_pki), port)
    assert caught.value.reason is reason
    java.hear(f"failed .*{said}")
