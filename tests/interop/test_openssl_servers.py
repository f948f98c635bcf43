"""Our client against OpenSSL's ``s_server``."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from suitor import (
    Alert,
    ConnectionEnded,
    Ended,
    PeerMisbehaved,
    ProtocolError,
    TraceEntry,
    TraceKind,
    Untrusted,
    VerificationError,
)
from suitor.cli.pki import KeyKind
from suitor_plugins.verification import PrivateVerification
from tests.interop.openssl import s_server
from tests.interop.ours import (
    CONTEXT,
    GROUPS,
    LABEL,
    LENGTH,
    SUITES,
    client_config,
    connect,
    only,
    receive_line,
    refusal,
)
from tests.interop.pki import KINDS, NAME, OTHER_NAME, SCHEMES, PeerPki


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    with s_server(peer_pki, "-rev", kind=kind) as server:
        for suite in SUITES:
            for group in GROUPS:
                with connect(client_config(peer_pki, only(suite, group)), server.port) as tls:
                    tls.sendall(b"hello\n")
                    assert receive_line(tls) == b"olleh\n"
                    info = tls.info
                assert info is not None
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])
                assert not info.retried
                assert info.peer is not None
                assert info.peer.verified


@pytest.mark.parametrize("policy", ["modern", "compatible", "legacy"])
def test_whole_presets(peer_pki: PeerPki, policy: str) -> None:
    """Whatever is installed: all of it is offered at once."""
    with s_server(peer_pki, "-rev") as server, connect(client_config(peer_pki, policy), server.port) as tls:
        assert tls.info is not None
        assert tls.info.version == "TLSv1.3"


def test_retry_for_a_group_that_was_not_shared(peer_pki: PeerPki) -> None:
    with s_server(peer_pki, "-rev", "-groups", "P-384") as server:
        with connect(client_config(peer_pki, only(group="x25519 secp384r1")), server.port) as tls:
            tls.sendall(b"again\n")
            assert receive_line(tls) == b"niaga\n"
            assert tls.info is not None
            assert tls.info.retried
            assert tls.info.group == "secp384r1"
        # With a share for it at once, nothing needs to be asked for.
        with connect(
            client_config(peer_pki, only(group="x25519 secp384r1", edits="shares 2")), server.port
        ) as tls:
            assert tls.info is not None
            assert not tls.info.retried


@pytest.mark.parametrize("curve", ["X25519", "P-384"])
def test_cookie(peer_pki: PeerPki, curve: str) -> None:
    """``-stateless`` asks for a cookie, and for another share where it needs one. It cannot take the
    change_cipher_spec that goes ahead of the second hello for middleboxes, not even from ``s_client``."""
    config = client_config(peer_pki, only(group="x25519 secp384r1", edits="middlebox-compat off"))
    with s_server(peer_pki, "-stateless", "-groups", curve) as server, connect(config, server.port) as tls:
        server.hear("CIPHER is")
        server.say("welcome back")
        assert receive_line(tls) == b"welcome back\n"
        assert tls.info is not None
        assert tls.info.retried


@pytest.mark.parametrize("curve", ["X25519", "P-384"])
def test_keylog_and_exporter_are_the_same(peer_pki: PeerPki, tmp_path: Path, curve: str) -> None:
    lines: list[str] = []
    log = tmp_path / "keys"
    config = client_config(peer_pki, only(group="x25519 secp384r1"), keylog=lines.append)
    options = "-groups", curve, "-keymatexport", LABEL.decode(), "-keymatexportlen", str(LENGTH)
    with s_server(peer_pki, *options, "-keylogfile", log) as server, connect(config, server.port) as tls:
        exported = tls.export(LABEL, CONTEXT, LENGTH)
        found = server.hear("Keying material: ([0-9A-F]+)\n")
    assert bytes.fromhex(found[1].decode()) == exported
    theirs = log.read_text().splitlines()
    assert sorted(line for line in theirs if not line.startswith("#")) == sorted(lines)
    assert len(lines) == 5


def test_alpn(peer_pki: PeerPki) -> None:
    with s_server(peer_pki, "-rev", "-alpn", "h2,http/1.1") as server:
        for offered, chosen in (((b"http/1.1", b"h2"), "h2"), ((b"x", b"http/1.1"), "http/1.1"), ((), None)):
            with connect(client_config(peer_pki, alpn=offered), server.port) as tls:
                assert tls.info is not None
                assert tls.info.alpn == chosen


def test_sni_chooses_the_certificate(peer_pki: PeerPki) -> None:
    other = peer_pki.odd["other"]
    options = "-servername", OTHER_NAME, "-cert2", other.chain, "-key2", other.key
    # The second certificate comes without its issuers, so they are trusted here.
    roots = [*peer_pki.servers[KeyKind.P256].issued.issuers, peer_pki.root.certificate]
    config = client_config(peer_pki, verification=PrivateVerification(roots))
    with s_server(peer_pki, "-rev", *options) as server:
        for name in (NAME, OTHER_NAME):
            with connect(config, server.port, name) as tls:
                assert tls.info is not None
                assert tls.info.peer is not None
                assert name in tls.info.peer.names


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("names_authorities", [True, False])
def test_client_certificate(peer_pki: PeerPki, kind: KeyKind, names_authorities: bool) -> None:
    config = client_config(peer_pki, only(), peer_pki.odd["stranger-client"], peer_pki.clients[kind])
    if not names_authorities:
        config = client_config(peer_pki, only(), peer_pki.clients[kind])
    options: list[str | Path] = ["-Verify", "3", "-verify_return_error"]
    if names_authorities:
        options += ["-CAfile", peer_pki.servers[kind].issuers]
    with s_server(peer_pki, *options) as server, connect(config, server.port) as tls:
        assert tls.info is not None
        assert tls.info.credential is not None
        server.hear("subject=CN = client.example")
        server.say("welcome")
        assert receive_line(tls) == b"welcome\n"


def test_no_client_certificate_where_that_is_fine(peer_pki: PeerPki) -> None:
    options = "-rev", "-verify", "3", "-verify_return_error"
    with s_server(peer_pki, *options) as server, connect(client_config(peer_pki), server.port) as tls:
        tls.sendall(b"hello\n")
        assert receive_line(tls) == b"olleh\n"
        assert tls.info is not None
        assert tls.info.credential is None


@pytest.mark.parametrize(
    ("label", "alert"),
    [
        (None, Alert.CERTIFICATE_REQUIRED),
        ("stranger-client", Alert.UNKNOWN_CA),
        ("expired-client", Alert.CERTIFICATE_EXPIRED),
        ("other", Alert.UNSUPPORTED_CERTIFICATE),
    ],
)
def test_client_certificate_refused(peer_pki: PeerPki, label: str | None, alert: Alert) -> None:
    own = [] if label is None else [peer_pki.odd[label]]
    with s_server(peer_pki, "-Verify", "3", "-verify_return_error") as server:
        assert refusal(client_config(peer_pki, only(), *own), server.port) == alert


def test_empty_list_of_authorities_is_malformed(peer_pki: PeerPki) -> None:
    """RFC 8446 section 4.2.4: ``authorities<3..2^16-1>``. OpenSSL 3.0 with -no_ca_names sends none in it."""
    config = client_config(peer_pki, only(), peer_pki.clients[KeyKind.P256])
    with s_server(peer_pki, "-Verify", "3", "-CAfile", peer_pki.ca, "-no_ca_names") as server:
        with pytest.raises(ProtocolError) as caught:
            connect(config, server.port)
        assert caught.value.reason is PeerMisbehaved.EMPTY_LIST
        server.hear("SSL alert number 50")


@pytest.mark.parametrize(
    ("options", "policy", "alert"),
    [
        (["-tls1_2"], only(), Alert.PROTOCOL_VERSION),
        (["-ciphersuites", SUITES[1]], only(SUITES[0]), Alert.HANDSHAKE_FAILURE),
        (["-groups", "P-384"], only(group="x25519"), Alert.HANDSHAKE_FAILURE),
        ([], only(edits="only rsa_pss_rsae_sha256"), Alert.HANDSHAKE_FAILURE),
        (["-alpn", "nothing/1.0"], only(), Alert.NO_APPLICATION_PROTOCOL),
        (["-servername", "nobody.example", "-servername_fatal"], only(), Alert.UNRECOGNIZED_NAME),
    ],
    ids=lambda value: value.name if isinstance(value, Alert) else "",
)
def test_nothing_in_common(peer_pki: PeerPki, options: list[str], policy: str, alert: Alert) -> None:
    if "-servername" in options:
        options = [
            *options,
            "-cert2",
            str(peer_pki.odd["other"].chain),
            "-key2",
            str(peer_pki.odd["other"].key),
        ]
    with s_server(peer_pki, *options) as server:
        assert refusal(client_config(peer_pki, policy, alpn=(b"h2",)), server.port) == alert


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("stranger", Untrusted.UNKNOWN_ISSUER),
        ("expired", Untrusted.EXPIRED),
        ("other", Untrusted.NAME_MISMATCH),
    ],
)
def test_their_certificate_refused(peer_pki: PeerPki, label: str, reason: Untrusted) -> None:
    with s_server(peer_pki, kind=label) as server:
        with pytest.raises(VerificationError) as caught:
            connect(client_config(peer_pki), server.port)
        assert caught.value.reason is reason
        assert reason.alert is not None
        server.hear(f"SSL alert number {int(reason.alert)}\n")


@pytest.mark.parametrize(
    "options",
    [
        ["-no_middlebox"],
        ["-record_padding", "512"],
        ["-max_send_frag", "512", "-split_send_frag", "512"],
        ["-num_tickets", "20"],
        ["-no_ticket", "-serverpref"],
        ["-max_early_data", "16384"],
    ],
    ids=lambda options: options[0],
)
@pytest.mark.parametrize("edits", ["", "middlebox-compat off, record-padding 512"])
def test_habits(peer_pki: PeerPki, options: list[str], edits: str) -> None:
    with s_server(peer_pki, "-rev", *options) as server:
        for _ in range(2):
            with connect(client_config(peer_pki, only(edits=edits)), server.port) as tls:
                tls.sendall(b"x" * 2000 + b"\n")
                assert receive_line(tls) == b"x" * 2000 + b"\n"


@pytest.mark.parametrize(
    "options", [[], ["-max_send_frag", "512"], ["-record_padding", "16384"]], ids=lambda o: "".join(o[:1])
)
def test_megabytes(peer_pki: PeerPki, tmp_path: Path, options: list[str]) -> None:
    """Received in small or padded records, then sent."""
    size = 1_000_000 if "-max_send_frag" in options else 4_000_000
    payload = bytes(range(256)) * (size // 256)
    (tmp_path / "file").write_bytes(payload)
    config = client_config(peer_pki)
    with s_server(peer_pki, "-HTTP", *options, cwd=tmp_path) as server, connect(config, server.port) as tls:
        tls.sendall(b"GET /file HTTP/1.0\r\n\r\n")
        received = b"".join(iter(lambda: tls.recv(65_536), b""))
    assert received == payload
    with s_server(peer_pki, *options) as server:
        with connect(client_config(peer_pki, only(edits="record-padding 1000")), server.port) as tls:
            tls.sendall(payload + b"\nthe end\n")
            server.hear("\nthe end\n")
        assert payload in server.said


# --- while the connection lasts ---------------------------------------------------------------------------


def test_keys_change(peer_pki: PeerPki) -> None:
    trace: list[TraceEntry] = []
    config = client_config(peer_pki, trace=trace.append)
    with s_server(peer_pki) as server, connect(config, server.port) as tls:
        server.hear("CIPHER is")
        for command in ("k", "K"):
            server.say(command)
            server.say(f"after {command}")
            assert receive_line(tls) == f"after {command}\n".encode()
        for request in (False, True):
            tls.update_keys(request=request)
            tls.sendall(b"heard?\n")
            server.hear("heard\\?\n")
            server.say("heard")
            assert receive_line(tls) == b"heard\n"
    updates = [e.sent for e in trace if e.kind is TraceKind.MESSAGE and e.name == "KeyUpdate"]
    assert updates == [False, False, True, True, True, False]


def test_ends(peer_pki: PeerPki) -> None:
    """The server's close_notify is an end, its broken transport is an error."""
    with s_server(peer_pki, "-rev") as server, connect(client_config(peer_pki), server.port) as tls:
        tls.sendall(b"CLOSE\n")
        assert tls.recv(1) == b""
    with s_server(peer_pki) as server, connect(client_config(peer_pki), server.port) as tls:
        server.hear("CIPHER is")
        server.process.kill()
        with pytest.raises(ConnectionEnded) as caught:
            tls.recv(1)
        assert caught.value.reason is Ended.TRUNCATED


def test_server_tells_our_close_from_a_cut(peer_pki: PeerPki) -> None:
    with s_server(peer_pki) as server:
        with connect(client_config(peer_pki), server.port) as tls:
            tls.unwrap()
        server.hear("DONE\n")
        tls = connect(client_config(peer_pki), server.port)
        with socket.socket(fileno=os.dup(tls.fileno())) as transport:
            transport.shutdown(socket.SHUT_WR)
        server.hear("unexpected eof")
        tls.close()
