"""``suitor serve`` as its visitors meet it: curl, openssl, our own client, and worse."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from suitor.catalogue import default_catalogue
from suitor.config import ClientConfig
from suitor.errors import Alert, ConnectionEnded, SuitorError
from suitor.io.sockets import TLSSocket, connect
from tests.cli.running import COMMAND, Files, Serve, Serving, environment, servers

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="session")
def client_config(files: Files) -> ClientConfig:
    catalogue = default_catalogue()
    verification = catalogue.stages["verification", "private"].make(roots=files.ca)
    return ClientConfig(verification=verification, catalogue=catalogue, alpn=(b"http/1.1",))


@contextlib.contextmanager
def visit(serving: Serving, config: ClientConfig, name: str = "localhost") -> Iterator[TLSSocket]:
    with connect("127.0.0.1", serving.port, config, server_name=name, timeout=20) as tls:
        tls.settimeout(20)
        yield tls


def read_to_end(tls: TLSSocket) -> bytes:
    data = bytearray()
    while piece := tls.recv(1_000_000):
        data += piece
    return bytes(data)


class _Raw(io.RawIOBase):
    """What http.client reads a response from."""

    def __init__(self, tls: TLSSocket) -> None:
        super().__init__()
        self.tls = tls

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.tls.recv_into(buffer)


@define
class Answered:
    """A response that has been read."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(tls: TLSSocket, request: bytes, *, method: str = "GET") -> Answered:
    """Send a request as it stands, and read the response."""
    tls.sendall(request)
    with http.client.HTTPResponse(_Raw(tls), method=method) as response:  # type: ignore[arg-type]
        response.begin()
        return Answered(response.status, response.headers, response.read())


def get(tls: TLSSocket, target: str, *headers: str, method: str = "GET") -> Answered:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return ask(tls, "\r\n".join(lines).encode(), method=method)


@pytest.fixture
def www(tmp_path: Path) -> Path:
    return make_www(tmp_path)


def make_www(place: Path) -> Path:
    """Files to serve, and some beside them to keep."""
    root = place / "www"
    (root / "sub dir").mkdir(parents=True)
    (root / ".well-known").mkdir()
    (root / ".git").mkdir()
    (root / "index.html").write_text("<p>front")
    (root / "sub dir" / "page.css").write_text("p {}")
    (root / "sub dir" / "index.html").write_text("<p>sub")
    (root / "big.bin").write_bytes(os.urandom(3_000_000))
    (root / "empty").write_bytes(b"")
    (root / "data.tar.gz").write_bytes(b"gz")
    (root / ".well-known" / "security.txt").write_text("Contact: us")
    (root / ".secret").write_text("hidden")
    (root / ".git" / "config").write_text("hidden")
    (place / "outside.txt").write_text("outside")
    (place / "www-beside").mkdir()
    (place / "www-beside" / "file").write_text("outside")
    (root / "leaving").symlink_to(place / "outside.txt")
    (root / "leaving-dir").symlink_to(place)
    (root / "staying").symlink_to(root / "index.html")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture(scope="module")
def busy_server(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for many requests."""
    with servers(files) as start:
        serving = start("--www", make_www(tmp_path_factory.mktemp("busy")))
        yield serving
        assert serving.stop() == 0


def test_status_page(serve: Serve, client_config: ClientConfig) -> None:
    serving = serve()
    with visit(serving, client_config) as tls:
        page = get(tls, "/")
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b"TLS_AES_128_GCM_SHA256" in page.body
        assert tls.info is not None
        for target, accept in (
            ("/status.json", "*/*"),
            ("/", "application/json"),
            ("/status", "application/json"),
        ):
            told = json.loads(get(tls, target, f"Accept: {accept}").body)
            assert told["schema"] == "suitor.status/1"
            assert (told["version"], told["suite"], told["group"]) == (
                tls.info.version,
                tls.info.suite,
                tls.info.group,
            )
            assert told["server_name"] == "localhost"
            assert any(note["verdict"] == "taken" for note in told["candidates"])
    line = serving.next("connected")
    assert (line["suite"], line["server_name"], line["alpn"]) == (tls.info.suite, "localhost", "http/1.1")
    assert line["address"].startswith("127.0.0.1:")
    assert serving.stop() == 0


def test_files(serve: Serve, client_config: ClientConfig, www: Path) -> None:
    serving = serve("--www", www)
    with visit(serving, client_config) as tls:
        for target, content_type, body in (
            ("/", "text/html; charset=utf-8", b"<p>front"),
            ("/?query=../..", "text/html; charset=utf-8", b"<p>front"),
            ("//index.html", "text/html; charset=utf-8", b"<p>front"),
            ("/./index.html", "text/html; charset=utf-8", b"<p>front"),
            ("/sub%20dir/page.css", "text/css; charset=utf-8", b"p {}"),
            ("/sub%20dir/", "text/html; charset=utf-8", b"<p>sub"),
            ("/big.bin", "application/octet-stream", (www / "big.bin").read_bytes()),
            ("/empty", "application/octet-stream", b""),
            ("/data.tar.gz", "application/gzip", b"gz"),
            ("/.well-known/security.txt", "text/plain; charset=utf-8", b"Contact: us"),
            ("/staying", "text/html; charset=utf-8", b"<p>front"),
            ("https://localhost/staying", "text/html; charset=utf-8", b"<p>front"),
        ):
            response = get(tls, target)
            assert (response.status, response.headers["Content-Type"]) == (200, content_type), target
            assert response.body == body
            assert response.headers["Content-Length"] == str(len(body))
        moved = get(tls, "/sub%20dir")
        assert (moved.status, moved.headers["Location"]) == (301, "/sub%20dir/")
        # A second slash at the start must not become another host.
        assert get(tls, "//sub%20dir").headers["Location"] == "/sub%20dir/"
        assert get(tls, "/status.json").status == 200
        head = get(tls, "/big.bin", method="HEAD")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, "3000000", b"")
        assert get(tls, "/").status == 200
    assert serving.stop() == 0


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/../outside.txt", 404),
        ("/..%2foutside.txt", 404),
        ("/%2e%2e/outside.txt", 404),
        ("/%2e%2e%2foutside.txt", 404),
        ("/sub%20dir/../../outside.txt", 404),
        ("/..%5coutside.txt", 404),
        ("/../www-beside/file", 404),
        ("/%2fetc/passwd", 404),
        ("//etc/passwd", 404),
        ("/leaving", 404),
        ("/leaving-dir/outside.txt", 404),
        ("/leaving-dir/", 404),
        ("/loop", 404),
        ("/pipe", 404),
        ("/.secret", 404),
        ("/%2esecret", 404),
        ("/.git/config", 404),
        ("/big.bin/", 404),
        ("/big.bin/x", 404),
        ("/index.html%00.png", 400),
        ("/a%0ab", 400),
        ("/%ff", 400),
        ("/%zz", 400),
        ("/%", 400),
        ("*", 400),
        ("ftp://localhost/", 400),
        ("/" + "x" * 300, 404),
        ("/" + "x" * 9_000, 414),
    ],
    ids=lambda value: str(value)[:40],
)
def test_nothing_else_is_served(
    target: str, status: int, busy_server: Serving, client_config: ClientConfig
) -> None:
    with visit(busy_server, client_config) as tls:
        response = get(tls, target)
        assert response.status == status
        assert b"outside" not in response.body
        assert b"hidden" not in response.body


def test_unreadable_files_are_forbidden(serve: Serve, client_config: ClientConfig, www: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (www / "empty").chmod(0)
    with visit(serve("--www", www), client_config) as tls:
        assert get(tls, "/empty").status == 403


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ],
)
def test_bad_requests(
    busy_server: Serving, client_config: ClientConfig, request_bytes: bytes, status: int
) -> None:
    with visit(busy_server, client_config) as tls:
        response = ask(tls, request_bytes)
        assert response.status == status
        if status == 405:
            assert response.headers["Allow"] == "GET, HEAD"
    with visit(busy_server, client_config) as tls:
        assert get(tls, "/").status == 200


def test_keep_alive_and_its_end(serve: Serve, client_config: ClientConfig) -> None:
    serving = serve()
    with visit(serving, client_config) as tls:
        for _ in range(3):
            assert get(tls, "/status.json").headers["Connection"] is None
        assert get(tls, "/", "Connection: close").status == 200
        assert tls.recv(1) == b""
    with visit(serving, client_config) as tls:
        two = b"GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2
        assert ask(tls, two).status == 200
    with visit(serving, client_config) as tls:
        assert ask(tls, b"GET / HTTP/1.0\r\n\r\n").status == 200
        assert tls.recv(1) == b""
    assert serving.stop() == 0


@needs_curl
def test_curl(serve: Serve, files: Files, www: Path) -> None:
    serving = serve("--www", www)
    command = ["curl", "-sS", "--max-time", "20", "--cacert", str(files.ca)]
    url = f"https://localhost:{serving.port}"
    done = subprocess.run(
        [*command, "-w", "%{http_code} %{ssl_verify_result}\n", f"{url}/", f"{url}/status.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("<p>front200 0\n")
    assert '"version": "TLSv1.3"' in done.stdout
    big = subprocess.run([*command, f"{url}/big.bin"], capture_output=True, check=True)
    assert big.stdout == (www / "big.bin").read_bytes()
    refused = subprocess.run(
        [*command, "--tls-max", "1.2", f"{url}/"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 35
    assert serving.next("failed")["alert"] == "protocol_version"
    assert serving.stop() == 0


@needs_openssl
def test_openssl(serve: Serve, files: Files) -> None:
    serving = serve()
    done = subprocess.run(
        [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{serving.port}",
            "-servername",
            "localhost",
            "-verify_hostname",
            "localhost",
            "-verify_return_error",
            "-CAfile",
            str(files.ca),
            "-quiet",
            "-ign_eof",
        ],
        input=b"GET /status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert b'"schema": "suitor.status/1"' in done.stdout
    assert done.returncode == 0
    assert serving.stop() == 0


def test_certificates_by_name(serve: Serve, files: Files, client_config: ClientConfig) -> None:
    serving = serve(*files.pair("localhost"), *files.pair("other"))
    for name, label in (("localhost", "localhost.pem"), ("other.example", "other.pem")):
        with visit(serving, client_config, name):
            pass
        assert serving.next("connected")["credential"] == label
    assert serving.stop() == 0


def test_strict_sni(serve: Serve, client_config: ClientConfig) -> None:
    serving = serve("--strict-sni")
    with pytest.raises(ConnectionEnded) as caught:
        connect("127.0.0.1", serving.port, client_config, server_name="unknown.example", timeout=20)
    assert caught.value.peer_alert == Alert.UNRECOGNIZED_NAME
    assert serving.next("failed")["reason"] == "UNRECOGNIZED_NAME"
    assert serving.stop() == 0


@pytest.mark.parametrize(("auth", "refused"), [("optional", False), ("required", True)])
def test_client_certificates(
    serve: Serve, files: Files, client_config: ClientConfig, auth: str, refused: bool
) -> None:
    serving = serve("--client-ca", files.ca, "--client-auth", auth)
    if refused:
        with visit(serving, client_config) as tls, pytest.raises((SuitorError, OSError)):
            get(tls, "/")
        line = serving.next("failed")
        assert (line["reason"], line["alert"]) == ("CERTIFICATE_REQUIRED", "certificate_required")
    else:
        with visit(serving, client_config) as tls:
            assert get(tls, "/").status == 200
        assert serving.next("connected")["peer"] is None
    credentials = client_config.catalogue.stages["credentials", "sni"].make(
        files=[(files.directory / "client.pem", files.directory / "client.key")]
    )
    known = ClientConfig(
        verification=client_config.verification, catalogue=client_config.catalogue, credentials=credentials
    )
    with visit(serving, known) as tls:
        told = json.loads(get(tls, "/status.json").body)
        assert "somebody@example.com" in told["peer"]["subject"]
        assert told["peer"]["verified"] is True
    assert serving.stop() == 0


def test_keylog(serve: Serve, client_config: ClientConfig, tmp_path: Path) -> None:
    log = tmp_path / "keys"
    log.write_text("# kept\n")
    fresh = tmp_path / "fresh"
    for path in (log, fresh):
        serving = serve("--keylog", path)
        with visit(serving, client_config):
            pass
        assert serving.stop() == 0
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    lines = log.read_text().splitlines()
    assert lines[0] == "# kept"
    assert {line.split()[0] for line in lines[1:]} >= {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}
    assert all(len(line.split()) == 3 for line in lines[1:])


def test_whatever_a_peer_sends_it_goes_on(serve: Serve, client_config: ClientConfig) -> None:
    """Garbage, silence, resets: a line for each, nothing on standard error (stop() looks), still serving."""
    serving = serve("--handshake-timeout", "0.5")

    def throw(data: bytes, *, reset: bool = False) -> None:
        with socket.create_connection(("127.0.0.1", serving.port), timeout=20) as sock:
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(data)
            if not reset:
                try:
                    while sock.recv(1000):
                        pass
                except ConnectionResetError:
                    pass

    throw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert serving.next("failed")["reason"] == "NOT_TLS"
    throw(os.urandom(200_000))
    serving.next("failed")
    throw(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
    assert serving.next("failed")["alert"] == "decode_error"
    throw(b"\x16\x03\x01", reset=True)
    serving.next("failed")
    throw(b"")
    assert serving.next("failed")["reason"] == "TIMED_OUT"
    with visit(serving, client_config) as tls:
        tls._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        tls.sendall(b"GET / HTTP/1.1\r\n")
        tls._sock.close()
    with visit(serving, client_config) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        tls._sock.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(ConnectionEnded) as caught:
            read_to_end(tls)
        assert caught.value.peer_alert == Alert.BAD_RECORD_MAC
    assert serving.next("failed")["reason"] == "BAD_RECORD_MAC"
    with visit(serving, client_config) as tls:
        assert get(tls, "/").status == 200
    assert serving.stop() == 0


def test_limit_on_connections(serve: Serve, client_config: ClientConfig) -> None:
    serving = serve("--max-connections", "2")
    with socket.create_connection(("127.0.0.1", serving.port)), visit(serving, client_config) as tls:
        with pytest.raises((ConnectionEnded, ConnectionError)):
            connect("127.0.0.1", serving.port, client_config, timeout=20)
        assert get(tls, "/").status == 200
    assert serving.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_politely(serve: Serve, client_config: ClientConfig, number: int) -> None:
    serving = serve()
    with visit(serving, client_config) as idle, socket.create_connection(("127.0.0.1", serving.port)):
        assert get(idle, "/").status == 200
        started = time.monotonic()
        serving.process.send_signal(number)
        assert idle.recv(1) == b""
        idle.close()
        serving.next("stopped")
        assert serving.process.wait(20) == 0
        assert time.monotonic() - started < 4


def test_an_answer_in_progress_is_finished(serve: Serve, client_config: ClientConfig, www: Path) -> None:
    serving = serve("--www", www)
    size = 30_000_000
    with (www / "big.bin").open("wb") as big:
        big.truncate(size)
    with visit(serving, client_config) as tls:
        tls.sendall(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        received = len(tls.recv(1000))
        serving.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", serving.port))
        received += len(read_to_end(tls))
        assert received > size
    assert serving.process.wait(20) == 0


def test_lines_for_people(files: Files, client_config: ClientConfig) -> None:
    command = [*COMMAND, "serve", *files.pair("localhost"), "--port"]
    with (
        subprocess.Popen(
            [*command, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        ) as process,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        connect("127.0.0.1", port, client_config, server_name="localhost", timeout=20).close()
        line = process.stdout.readline()
        for word in ("127.0.0.1:", "TLSv1.3", "sni=localhost", "alpn=http/1.1"):
            assert word in line
        # A port that is taken is a mistake on this side.
        second = subprocess.run([*command, str(port)], capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert "Traceback" not in second.stderr
        # Whoever reads the lines may go away.
        process.stdout.close()
        for _ in range(2):
            with connect("127.0.0.1", port, client_config, server_name="localhost", timeout=20) as tls:
                assert get(tls, "/").status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
