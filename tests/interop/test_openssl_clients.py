"""OpenSSL's ``s_client`` against our server."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suitor import (
    Alert,
    ClientAuth,
    Ended,
    NoAgreement,
    PeerMisbehaved,
    TLSSocket,
    TraceEntry,
    TraceKind,
    Untrusted,
)
from suitor.cli.pki import KeyKind
from tests.interop.openssl import CURVES, ask, s_client, s_server
from tests.interop.ours import (
    GROUPS,
    LABEL,
    LENGTH,
    SUITES,
    Serving,
    alert_of,
    echo_line,
    mutual,
    only,
    receive_line,
    refused,
    server_config,
    serving,
)
from tests.interop.pki import CLIENT, KINDS, NAME, OTHER_NAME, SCHEMES, Identity, PeerPki
from tests.interop.programs import Talk, run, talking

TEMPORARY_KEYS = {"x25519": "X25519", "secp256r1": "ECDH, prime256v1", "secp384r1": "ECDH, secp384r1"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    with serving(server_config(peer_pki, only(), peer_pki.servers[kind]), echo_line) as server:
        for suite in SUITES:
            for group in GROUPS:
                said = ask(server, peer_pki, "-ciphersuites", suite, "-groups", CURVES[group])
                info = server.outcome().agreed
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])
                assert not info.retried
                assert said.code == 0
                assert f"Cipher is {suite}" in said.text
                assert f"Server Temp Key: {TEMPORARY_KEYS[group]}" in said.text
                assert "Verification: OK" in said.text
                assert "\nhello\n" in said.text


@pytest.mark.parametrize("policy", ["modern", "compatible", "legacy"])
def test_whole_presets(peer_pki: PeerPki, policy: str) -> None:
    """Whatever is installed: all of it is accepted."""
    with serving(server_config(peer_pki, policy), echo_line) as server:
        assert "\nhello\n" in ask(server, peer_pki).text
        assert server.outcome().agreed.version == "TLSv1.3"


def test_retry_for_a_group_that_came_without_share(peer_pki: PeerPki) -> None:
    for edits in ("", "retry-cookie on"):
        with serving(server_config(peer_pki, only(group="secp384r1", edits=edits)), echo_line) as server:
            said = ask(server, peer_pki, "-groups", "X25519:P-384")
            info = server.outcome().agreed
            assert info.retried
            assert info.group == "secp384r1"
            assert "\nhello\n" in said.text


def test_keylog_and_exporter_are_the_same(peer_pki: PeerPki, tmp_path: Path) -> None:
    lines: list[str] = []
    for group in ("x25519", "secp384r1"):
        config = server_config(peer_pki, only(group=group), keylog=lines.append)
        with serving(config, echo_line) as server:
            said = ask(
                server, peer_pki, "-groups", "X25519:P-384", "-keylogfile", tmp_path / group,
                "-keymatexport", LABEL.decode(), "-keymatexportlen", str(LENGTH),
            )  # fmt: skip
            exported = server.outcome().exported
        theirs = (tmp_path / group).read_text().splitlines()
        assert sorted(line for line in theirs if not line.startswith("#")) == sorted(lines)
        assert len(lines) == 5
        lines.clear()
        found = re.search("Keying material: ([0-9A-F]+)", said.text)
        assert found
        assert bytes.fromhex(found[1]) == exported


def test_alpn(peer_pki: PeerPki) -> None:
    with serving(server_config(peer_pki, alpn=(b"h2", b"http/1.1")), echo_line) as server:
        for offered, chosen in (("http/1.1,h2", "h2"), ("x,http/1.1", "http/1.1")):
            assert f"ALPN protocol: {chosen}" in ask(server, peer_pki, "-alpn", offered).text
            assert server.outcome().agreed.alpn == chosen
        assert "No ALPN negotiated" in ask(server, peer_pki).text
        assert server.outcome().agreed.alpn is None


def test_sni_chooses_the_certificate(peer_pki: PeerPki) -> None:
    both = peer_pki.servers[KeyKind.P256], peer_pki.odd["other"]
    with serving(server_config(peer_pki, only(), *both), echo_line) as server:
        for options, subject in (
            (("-servername", NAME), NAME),
            (("-servername", OTHER_NAME), OTHER_NAME),
            (("-noservername",), NAME),
        ):
            assert f"subject=CN = {subject}\n" in ask(server, peer_pki, *options).text
            assert server.outcome().agreed.server_name == (None if len(options) == 1 else subject)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_certificate(peer_pki: PeerPki, kind: KeyKind) -> None:
    client = peer_pki.clients[kind]
    with serving(mutual(peer_pki), echo_line) as server:
        said = ask(server, peer_pki, *own(client))
        peer = server.outcome().agreed.peer
    assert peer is not None
    assert peer.verified
    assert peer.names == (CLIENT,)
    assert "\nhello\n" in said.text


def own(identity: Identity) -> list[str | Path]:
    return ["-cert", identity.chain, "-key", identity.key, "-cert_chain", identity.issuers]


def test_client_without_a_certificate_where_that_is_fine(peer_pki: PeerPki) -> None:
    with serving(mutual(peer_pki, ClientAuth.OPTIONAL), echo_line) as server:
        assert "\nhello\n" in ask(server, peer_pki).text
        assert server.outcome().agreed.peer is None


@pytest.mark.parametrize(
    ("label", "reason", "alert"),
    [
        (None, PeerMisbehaved.CERTIFICATE_REQUIRED, Alert.CERTIFICATE_REQUIRED),
        ("stranger-client", Untrusted.UNKNOWN_ISSUER, Alert.UNKNOWN_CA),
        ("expired-client", Untrusted.EXPIRED, Alert.CERTIFICATE_EXPIRED),
        ("other", Untrusted.WRONG_USAGE, Alert.BAD_CERTIFICATE),
    ],
)
def test_client_certificate_refused(
    peer_pki: PeerPki, label: str | None, reason: object, alert: Alert
) -> None:
    options: list[str | Path] = []
    if label is not None:
        options = own(peer_pki.odd[label])
    with serving(mutual(peer_pki), echo_line) as server:
        said = ask(server, peer_pki, *options)
        assert refused(server.outcome()).reason is reason
    assert f"SSL alert number {int(alert)}" in said.text


@pytest.mark.parametrize(
    ("policy", "options", "reason"),
    [
        (only(), ["-tls1_2"], NoAgreement.NO_COMMON_VERSION),
        (only(SUITES[0]), ["-ciphersuites", SUITES[2]], NoAgreement.NO_COMMON_SUITE),
        (only(group="x25519"), ["-groups", "P-384:P-256"], NoAgreement.NO_COMMON_GROUP),
        (only(), ["-sigalgs", "RSA-PSS+SHA256"], NoAgreement.NO_COMMON_SIGNATURE),
        (only(), ["-alpn", "nothing/1.0"], NoAgreement.NO_COMMON_ALPN),
        (only(), ["-servername", "nobody.example"], NoAgreement.UNRECOGNIZED_NAME),
    ],
    ids=lambda value: value.name if isinstance(value, NoAgreement) else "",
)
def test_nothing_in_common(peer_pki: PeerPki, policy: str, options: list[str], reason: NoAgreement) -> None:
    config = server_config(peer_pki, policy, alpn=(b"h2",), strict=True)
    with serving(config) as server:
        said = ask(server, peer_pki, *options)
        assert refused(server.outcome()).reason is reason
    assert reason.alert is not None
    assert f"SSL alert number {int(reason.alert)}" in said.text
    assert said.code != 0


@pytest.mark.parametrize(
    ("label", "options", "alert"),
    [
        ("stranger", [], Alert.UNKNOWN_CA),
        ("expired", [], Alert.CERTIFICATE_EXPIRED),
        ("other", ["-verify_hostname", NAME], Alert.BAD_CERTIFICATE),
    ],
)
def test_our_certificate_refused(peer_pki: PeerPki, label: str, options: list[str], alert: Alert) -> None:
    with serving(server_config(peer_pki, only(), peer_pki.odd[label])) as server:
        assert ask(server, peer_pki, *options).code != 0
        assert alert_of(server.outcome().error) == alert


@pytest.mark.parametrize(
    "options",
    [
        ["-no_middlebox"],
        ["-record_padding", "512"],
        ["-psk", "00112233445566778899aabbccddeeff", "-psk_identity", "somebody"],
        ["-status", "-maxfraglen", "512", "-enable_pha"],
        ["-nextprotoneg", "h2", "-use_srtp", "SRTP_AES128_CM_SHA1_80", "-serverinfo", "65000,65001"],
        ["-no_ticket", "-no_etm", "-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256:ed25519"],
        ["-tls1_3", "-max_send_frag", "512", "-split_send_frag", "512"],
    ],
    ids=lambda options: options[0],
)
def test_other_extensions_and_habits(peer_pki: PeerPki, options: list[str]) -> None:
    with serving(server_config(peer_pki), echo_line) as server:
        assert "\nhello\n" in ask(server, peer_pki, *options).text
        assert server.outcome().agreed.version == "TLSv1.3"


@pytest.mark.parametrize("options", [[], ["-max_send_frag", "512"], ["-record_padding", "16384"]])
def test_megabytes(peer_pki: PeerPki, options: list[str]) -> None:
    """Sent by the client in small or padded records, sent back by us."""
    size = 1_000_000 if "-max_send_frag" in options else 4_000_000
    payload = bytes(range(256)) * (size // 256)

    def whole(tls: TLSSocket) -> None:
        left = len(payload)
        while left:
            data = tls.recv(65_536)
            left -= len(data)
            tls.sendall(data)

    config = server_config(peer_pki, only(edits="record-padding 1000"))
    with serving(config, whole) as server:
        said = run(s_client(server, peer_pki, "-quiet", "-verify_quiet", *options), payload)
        assert server.outcome().error is None
    assert said.out == payload


def test_early_data_with_a_strange_ticket_is_skipped(peer_pki: PeerPki, tmp_path: Path) -> None:
    """The ticket is another server's, so nothing can be resumed, and what came early is for nobody."""
    ticket, early = tmp_path / "ticket", tmp_path / "early"
    early.write_bytes(b"far too early\n" * 500)
    with (
        s_server(peer_pki, "-rev", "-max_early_data", "16384") as other,
        talking(s_client(other, peer_pki, "-sess_out", ticket)) as talk,
    ):
        talk.say("Here it comes")
        talk.hear("semoc ti ereH")
        talk.say("Q")
        talk.wait()
    heard: list[bytes] = []

    def service(tls: TLSSocket) -> None:
        heard.append(tls.recv(100))
        tls.sendall(b"welcome\n")

    # The second policy asks for another share first, with the early data between the two hellos.
    for policy in (only(), only(group="secp384r1")):
        with serving(server_config(peer_pki, policy), service) as server:
            said = ask(server, peer_pki, "-sess_in", ticket, "-early_data", early)
            assert server.outcome().agreed.retried is ("x25519" not in policy)
        assert "Early data was rejected" in said.text
        assert "welcome" in said.text
    assert heard == [b"hello\n", b"hello\n"]


# --- while the connection lasts ---------------------------------------------------------------------------


@contextmanager
def conversation(server: Serving, pki: PeerPki, *options: str) -> Iterator[Talk]:
    with talking(s_client(server, pki, *options)) as talk:
        talk.hear("Verify return code: 0 [^\n]*\n[^-]*---\n")
        yield talk


def key_updates(trace: list[TraceEntry]) -> list[bool]:
    """Which side sent them, in order: True for us."""
    return [entry.sent for entry in trace if entry.kind is TraceKind.MESSAGE and entry.name == "KeyUpdate"]


def test_client_changes_keys(peer_pki: PeerPki) -> None:
    trace: list[TraceEntry] = []
    with serving(server_config(peer_pki, trace=trace.append)) as server:
        with conversation(server, peer_pki) as talk:
            for command in "kKkk":
                talk.say(command)
                talk.hear("KEYUPDATE")
                talk.say("after the change")
                talk.hear("after the change")
            talk.say("Q")
            talk.wait()
        assert server.outcome().error is None
    assert key_updates(trace) == [False, False, True, False, False]


def test_server_changes_keys(peer_pki: PeerPki) -> None:
    trace: list[TraceEntry] = []

    def service(tls: TLSSocket) -> None:
        while data := tls.recv(100):
            tls.update_keys(request=data == b"both\n")
            tls.sendall(b"heard " + data)

    with serving(server_config(peer_pki, trace=trace.append), service) as server:
        with conversation(server, peer_pki) as talk:
            for line in ("mine", "both", "mine", "both", "mine"):
                talk.say(line)
                talk.hear(f"heard {line}")
            talk.say("Q")
            talk.wait()
        assert server.outcome().error is None
    assert key_updates(trace) == [True, True, False, True, True, False, True]


def test_ends(peer_pki: PeerPki) -> None:
    """The client's close_notify is an end, its broken transport is an error."""
    with serving(server_config(peer_pki)) as server:
        with conversation(server, peer_pki) as talk:
            talk.say("Q")
            assert talk.wait() == 0
        assert server.outcome().error is None
        with conversation(server, peer_pki) as talk:
            talk.process.kill()
        cut = refused(server.outcome())
        assert cut.reason is Ended.TRUNCATED


def test_client_tells_our_close_from_a_cut(peer_pki: PeerPki) -> None:
    def cut(tls: TLSSocket) -> None:
        receive_line(tls)
        with socket.socket(fileno=os.dup(tls.fileno())) as transport:
            transport.shutdown(socket.SHUT_WR)

    for service, code in ((echo_line, 0), (cut, 1)):
        with serving(server_config(peer_pki), service) as server:
            said = ask(server, peer_pki)
            assert said.code == code
            assert ("unexpected eof" in said.text) is bool(code)
