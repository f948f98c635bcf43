"""``suitor connect``: against our own server, openssl's, and peers that behave badly; every exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suitor.catalogue import default_catalogue
from suitor.cli.exits import Exit
from suitor.cli.options import address_from
from suitor.config import ServerConfig
from suitor.errors import LocalError, LocalMistake, SuitorError
from suitor.io.sockets import TLSSocket, wrap
from tests.cli.running import COMMAND, Files, Serve, environment, suitor

REQUEST = b"GET /status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="session")
def server_config(files: Files) -> ServerConfig:
    catalogue = default_catalogue()
    pair = (files.directory / "localhost.pem", files.directory / "localhost.key")
    credentials = catalogue.stages["credentials", "sni"].make(files=[pair])
    return ServerConfig(credentials=credentials, catalogue=catalogue)


@contextmanager
def listening(serve_one: Callable[[socket.socket], None]) -> Iterator[str]:
    """A listener that treats its one visitor as told; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(20)
                serve_one(sock)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"localhost:{listener.getsockname()[1]}"
        thread.join(20)
        assert not thread.is_alive()


def tls(config: ServerConfig, act: Callable[[TLSSocket], None]) -> Callable[[socket.socket], None]:
    def serve_one(sock: socket.socket) -> None:
        act(wrap(sock, config))

    return serve_one


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("example.com", ("example.com", 443)),
        ("example.com:8443", ("example.com", 8443)),
        ("192.0.2.1:1", ("192.0.2.1", 1)),
        ("[::1]:8443", ("::1", 8443)),
        ("[::1]", ("::1", 443)),
        ("2001:db8::1", ("2001:db8::1", 443)),
        ("example.com:65535", ("example.com", 65_535)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert address_from(text, 443) == address


@pytest.mark.parametrize(
    "text", ["", ":443", "host:", "host:0", "host:65536", "host:+1", "host:٣", "[::1", "[::1]443", "[]:443"]
)
def test_bad_addresses(text: str) -> None:
    with pytest.raises(LocalError) as caught:
        address_from(text, 443)
    assert caught.value.reason is LocalMistake.BAD_OPTION


def test_success(serve: Serve, files: Files) -> None:
    serving = serve()
    done = suitor("connect", f"localhost:{serving.port}", "--ca", files.ca, stdin=REQUEST)
    assert done.code == Exit.SUCCESS
    head, _, body = done.out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["server_name"] == "localhost"
    assert "suite: TLS_AES_128_GCM_SHA256" in done.err
    assert "verified by private" in done.err
    assert "\x1b" not in done.err


def test_json(serve: Serve, files: Files) -> None:
    serving = serve()
    done = suitor("connect", f"127.0.0.1:{serving.port}", "--ca", files.ca, "--json", "--alpn", "h2,http/1.1")
    assert (done.code, done.out) == (Exit.SUCCESS, b"")
    assert done.json["schema"] == "suitor.connect/1"
    assert done.json["event"] == "connected"
    assert done.json["alpn"] == "http/1.1"
    assert done.json["address"] == f"127.0.0.1:{serving.port}"
    assert done.json["peer"]["verified"] is True


def test_name_policy_and_insecure(serve: Serve, files: Files) -> None:
    serving = serve(*files.pair("localhost"), *files.pair("other"))
    address = f"localhost:{serving.port}"
    done = suitor("connect", address, "--ca", files.ca, "--json", "--name", "other.example")
    assert (done.code, done.json["server_name"]) == (Exit.SUCCESS, "other.example")
    done = suitor(
        "connect", address, "--insecure", "--json", "--policy", "modern, only tls_aes_256_gcm_sha384"
    )
    assert (done.code, done.json["suite"]) == (Exit.SUCCESS, "TLS_AES_256_GCM_SHA384")
    assert done.json["peer"]["verified"] is False
    assert "NOT VERIFIED" in suitor("connect", address, "--insecure").err


def test_client_certificate_and_keylog(serve: Serve, files: Files, tmp_path: Path) -> None:
    serving = serve("--client-ca", files.ca)
    log = tmp_path / "keys"
    arguments = ["connect", f"localhost:{serving.port}", "--ca", str(files.ca), "--keylog", str(log)]
    done = suitor(*arguments, *files.pair("client"), stdin=REQUEST)
    assert done.code == Exit.SUCCESS
    assert b"somebody@example.com" in done.out
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "CLIENT_TRAFFIC_SECRET_0 " in log.read_text()
    # Without it: the server's alert comes after our side of the handshake, and still names the trouble.
    done = suitor(*arguments, "--json", stdin=REQUEST)
    assert done.code == Exit.VERIFICATION
    assert json.loads(done.err.splitlines()[-1])["peer_alert"] == "certificate_required"


def test_half_close(files: Files, server_config: ServerConfig) -> None:
    """At the end of the input the peer hears close_notify, and what it says after that is still printed."""

    def act(peer: TLSSocket) -> None:
        data = b""
        while piece := peer.recv(1000):
            data += piece
        peer.sendall(data[::-1])
        peer.unwrap()

    with listening(tls(server_config, act)) as address:
        done = suitor("connect", address, "--ca", files.ca, stdin=b"stressed")
    assert (done.code, done.out) == (Exit.SUCCESS, b"desserts")


def test_much_data_both_ways(files: Files, server_config: ServerConfig) -> None:
    payload = os.urandom(4_000_000)

    def act(peer: TLSSocket) -> None:
        while piece := peer.recv(65_536):
            peer.sendall(piece)
        peer.unwrap()

    with listening(tls(server_config, act)) as address:
        done = suitor("connect", address, "--ca", files.ca, stdin=payload)
    assert done.code == Exit.SUCCESS
    assert done.out == payload


def test_input_from_a_file(files: Files, server_config: ServerConfig, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"from a file")

    def act(peer: TLSSocket) -> None:
        peer.sendall(peer.recv(100))
        peer.unwrap()

    with listening(tls(server_config, act)) as address, (tmp_path / "input").open("rb") as source:
        done = subprocess.run(
            [*COMMAND, "connect", address, "--ca", str(files.ca)],
            stdin=source,
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stdout) == (Exit.SUCCESS, b"from a file")


def test_the_peer_may_finish_first(files: Files, server_config: ServerConfig) -> None:
    def act(peer: TLSSocket) -> None:
        peer.sendall(b"that is all")
        peer.close()

    with listening(tls(server_config, act)) as address:
        process = subprocess.Popen(
            [*COMMAND, "connect", address, "--ca", str(files.ca)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.read() == b"that is all"
            assert process.wait(20) == Exit.SUCCESS


@needs_openssl
def test_openssl_server(files: Files) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cert, key = files.pair("localhost")[1::2]
    command = ["openssl", "s_server", "-accept", str(port), "-cert", cert, "-key", key, "-www", "-quiet"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            done = suitor("connect", f"localhost:{port}", "--ca", files.ca, stdin=b"GET / HTTP/1.0\r\n\r\n")
        finally:
            server.kill()
    assert done.code == Exit.SUCCESS
    assert b"HTTP/1.0 200 ok" in done.out


# --- failures -----------------------------------------------------------------------------------------------


def test_verification_failures_exit_with_3(serve: Serve, files: Files) -> None:
    serving = serve()
    address = f"localhost:{serving.port}"
    wrong_name = suitor("connect", address, "--ca", files.ca, "--name", "example.com", "--json")
    assert (wrong_name.code, wrong_name.json["reason"]) == (Exit.VERIFICATION, "NAME_MISMATCH")
    stranger = suitor("connect", address, "--ca", files.directory / "other.pem", "--json")
    assert stranger.code == Exit.VERIFICATION
    assert stranger.json["alert"]
    plain = suitor("connect", address, "--ca", files.ca, "--name", "example.com")
    assert plain.err.startswith("suitor: ")
    assert plain.err.count("\n") == 1
    assert serving.next("failed")["peer_alert"] == wrong_name.json["alert"]


def test_no_agreement_exits_with_4(serve: Serve, files: Files) -> None:
    serving = serve("--policy", "modern, only x25519")
    done = suitor(
        "connect",
        f"localhost:{serving.port}",
        "--ca",
        files.ca,
        "--json",
        "--policy",
        "modern, only secp384r1",
    )
    assert (done.code, done.json["peer_alert"]) == (Exit.NEGOTIATION, "handshake_failure")
    assert serving.next("failed")["reason"] == "NO_COMMON_GROUP"
    done = suitor("connect", f"localhost:{serving.port}", "--ca", files.ca, "--json", "--alpn", "nonsense")
    assert (done.code, done.json["peer_alert"]) == (Exit.NEGOTIATION, "no_application_protocol")


def test_network_failures_exit_with_5(files: Files, server_config: ServerConfig) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = suitor("connect", f"127.0.0.1:{unused.getsockname()[1]}", "--insecure", "--json")
        assert (done.code, done.json["reason"]) == (Exit.NETWORK, "NO_CONNECTION")

    done = suitor("connect", "nowhere.invalid:443", "--insecure")
    assert done.code == Exit.NETWORK
    assert done.err.startswith("suitor: nowhere.invalid: ")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = suitor("connect", f"127.0.0.1:{port}", "--insecure", "--timeout", "0.3", "--json")
        assert (done.code, done.json["reason"]) == (Exit.NETWORK, "TIMED_OUT")

    with listening(lambda sock: sock.close()) as address:
        assert suitor("connect", address, "--insecure").code == Exit.NETWORK

    def cut(peer: TLSSocket) -> None:
        peer.sendall(b"half a")
        peer._sock.close()

    with listening(tls(server_config, cut)) as address:
        done = suitor("connect", address, "--ca", files.ca, "--json", stdin=b"")
    assert (done.code, done.out) == (Exit.NETWORK, b"half a")
    assert json.loads(done.err.splitlines()[-1])["reason"] == "TRUNCATED"


def test_broken_protocol_exits_with_6() -> None:
    def speak_http(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        while sock.recv(1000):
            pass

    with listening(speak_http) as address:
        done = suitor("connect", address, "--insecure", "--json")
    assert (done.code, done.json["reason"]) == (Exit.PROTOCOL, "NOT_TLS")

    def complain(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(bytes.fromhex("15 0303 0002 02 32"))

    with listening(complain) as address:
        done = suitor("connect", address, "--insecure", "--json")
    assert (done.code, done.json["peer_alert"]) == (Exit.PROTOCOL, "decode_error")


@pytest.mark.parametrize("moment", ["handshake", "connected"])
def test_ctrl_c_exits_with_130(moment: str, files: Files, server_config: ServerConfig) -> None:
    reached = threading.Event()

    def act(sock: socket.socket) -> None:
        try:
            if moment == "handshake":
                sock.recv(1000)
                reached.set()
                while sock.recv(1000):
                    pass
            else:
                peer = wrap(sock, server_config)
                peer.sendall(b"!")
                reached.set()
                while peer.recv(1000):
                    pass
        except (SuitorError, OSError):
            pass

    with listening(act) as address:
        process = subprocess.Popen(
            [*COMMAND, "connect", address, "--ca", str(files.ca)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        with process:
            assert reached.wait(20)
            if moment == "connected":
                assert process.stdout is not None
                assert process.stdout.read(1) == b"!"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == Exit.INTERRUPTED
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()
