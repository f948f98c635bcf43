"""Python's ``ssl`` in both roles, with blocking sockets and with asyncio."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import suitor
from suitor import Alert, ConnectionEnded, Ended, NoAgreement, PeerMisbehaved, SuitorError, Untrusted
from suitor.cli.pki import KeyKind
from suitor.io.streams import TLSReader, TLSWriter
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
from tests.interop.pki import KINDS, NAME, SCHEMES, Identity, PeerPki
from tests.interop.programs import PATIENCE, listen

CURVES = {"x25519": "X25519", "secp256r1": "prime256v1", "secp384r1": "secp384r1"}
MEGABYTES = bytes(range(256)) * 16_384


def their_client(pki: PeerPki, curve: str | None = None, own: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki.ca))
    if curve is not None:
        context.set_ecdh_curve(CURVES[curve])
    if own is not None:
        context.load_cert_chain(own.chain, own.key)
    return context


def their_server(pki: PeerPki, kind: KeyKind = KeyKind.P256) -> ssl.SSLContext:
    own = pki.servers[kind]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own.chain, own.key)
    return context


@contextmanager
def their_connection(server: Serving, context: ssl.SSLContext, name: str = NAME) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as sock,
        context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False) as tls,
    ):
        yield tls


@contextmanager
def their_service(context: ssl.SSLContext) -> Iterator[int]:
    """A server with blocking sockets that echoes to one client after the other; its port."""

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            try:
                with sock, context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False) as tls:
                    while data := tls.recv(65_536):
                        tls.sendall(data)
                    tls.unwrap()
            except OSError:
                pass

    with listen() as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


# --- their client, our server -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_client_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    for suite in SUITES:
        with serving(server_config(peer_pki, only(suite), peer_pki.servers[kind])) as server:
            for group in GROUPS:
                with their_connection(server, their_client(peer_pki, group)) as tls:
                    tls.sendall(b"hello")
                    assert tls.recv(5) == b"hello"
                    cipher = tls.cipher()
                    tls.unwrap()
                assert cipher is not None
                assert cipher[0] == suite
                info = server.outcome().agreed
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])


def test_client_megabytes_certificate_and_alpn(peer_pki: PeerPki) -> None:
    context = their_client(peer_pki, own=peer_pki.clients[KeyKind.RSA2048])
    context.set_alpn_protocols(["x", "h2"])
    with serving(mutual(peer_pki, alpn=(b"h2",))) as server:
        with their_connection(server, context) as tls:
            assert tls.selected_alpn_protocol() == "h2"
            # In turns: two threads at once on one SSLSocket may corrupt what it sends.
            received = bytearray()
            for start in range(0, len(MEGABYTES), 65_536):
                tls.sendall(MEGABYTES[start : start + 65_536])
                while len(received) < min(start + 65_536, len(MEGABYTES)):
                    received += tls.recv(65_536)
            tls.unwrap()
        peer = server.outcome().agreed.peer
    assert bytes(received) == MEGABYTES
    assert peer is not None
    assert peer.names == ("client.example",)


def test_client_refuses_our_certificate(peer_pki: PeerPki) -> None:
    for label, alert in (
        ("stranger", Alert.UNKNOWN_CA),
        ("expired", Alert.CERTIFICATE_EXPIRED),
        ("other", Alert.BAD_CERTIFICATE),
    ):
        with serving(server_config(peer_pki, only(), peer_pki.odd[label])) as server:
            with (
                pytest.raises(ssl.SSLCertVerificationError),
                their_connection(server, their_client(peer_pki)),
            ):
                pass
            assert alert_of(server.outcome().error) == alert


def test_client_is_refused(peer_pki: PeerPki) -> None:
    old = their_client(peer_pki)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(server_config(peer_pki)) as server:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"), their_connection(server, old):
            pass
        assert refused(server.outcome()).reason is NoAgreement.NO_COMMON_VERSION
    with serving(mutual(peer_pki)) as server:
        nobody = their_connection(server, their_client(peer_pki))
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"), nobody as tls:
            tls.recv(1)
        assert refused(server.outcome()).reason is PeerMisbehaved.CERTIFICATE_REQUIRED


def test_client_sees_a_cut(peer_pki: PeerPki) -> None:
    """Ours by an end of the transport without close_notify, theirs likewise."""
    with serving(server_config(peer_pki)) as server:
        with their_connection(server, their_client(peer_pki)) as tls:
            tls.sendall(b"hello")
            assert tls.recv(5) == b"hello"
            # Closed without unwrap() there is no close_notify.
        error = refused(server.outcome())
        assert error.reason is Ended.TRUNCATED


# --- our client, their server -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_server_every_suite_and_group(peer_pki: PeerPki, kind: KeyKind) -> None:
    with their_service(their_server(peer_pki, kind)) as port:
        for suite in SUITES:
            for group in GROUPS:
                with connect(client_config(peer_pki, only(suite, group)), port) as tls:
                    tls.sendall(b"hello")
                    assert receive(tls, 5) == b"hello"
                    info = tls.info
                    tls.unwrap()
                assert info is not None
                assert (info.suite, info.group, info.signature) == (suite, group, SCHEMES[kind])


def test_server_retry_and_alpn(peer_pki: PeerPki) -> None:
    context = their_server(peer_pki)
    context.set_ecdh_curve("secp384r1")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with their_service(context) as port, connect(client_config(peer_pki, alpn=(b"http/1.1",)), port) as tls:
        assert tls.info is not None
        assert tls.info.retried
        assert tls.info.alpn == "http/1.1"
        tls.unwrap()


def test_server_asks_for_a_certificate(peer_pki: PeerPki) -> None:
    context = their_server(peer_pki)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(peer_pki.ca)
    with their_service(context) as port:
        for own in peer_pki.clients.values():
            with connect(client_config(peer_pki, only(), own), port) as tls:
                tls.sendall(MEGABYTES[:100_000])
                assert receive(tls, 100_000) == MEGABYTES[:100_000]
                assert tls.info is not None
                assert tls.info.credential == own.credential.label
        assert refusal(client_config(peer_pki), port) == Alert.CERTIFICATE_REQUIRED


def test_server_refuses(peer_pki: PeerPki) -> None:
    old = their_server(peer_pki)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with their_service(old) as port:
        assert refusal(client_config(peer_pki), port) == Alert.PROTOCOL_VERSION
    narrow = their_server(peer_pki)
    narrow.set_ecdh_curve("secp521r1")
    with their_service(narrow) as port:
        assert refusal(client_config(peer_pki), port) == Alert.HANDSHAKE_FAILURE


# --- asyncio ----------------------------------------------------------------------------------------------


def ended(error: SuitorError, alert: Alert) -> bool:
    """Whether the peer ended it with that alert. asyncio may drop an alert with the connection it is about."""
    cut = error.reason in (Ended.CLOSED_DURING_HANDSHAKE, Ended.TRUNCATED)
    return cut or alert_of(error) == alert


def test_asyncio_their_client(peer_pki: PeerPki) -> None:
    errors: list[SuitorError] = []

    async def serve(reader: TLSReader, writer: TLSWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def main() -> None:
        server = await suitor.start_server(
            serve, "127.0.0.1", 0, server_config(peer_pki), on_error=lambda error, peer: errors.append(error)
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=their_client(peer_pki), server_hostname=NAME
            )
            writer.write(MEGABYTES)
            assert await reader.readexactly(len(MEGABYTES)) == MEGABYTES
            writer.close()
            await writer.wait_closed()
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection(
                    "127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname=NAME
                )
            for _ in range(100):
                if errors:
                    break
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert [ended(error, Alert.UNKNOWN_CA) for error in errors] == [True]


def test_asyncio_their_server(peer_pki: PeerPki) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=their_server(peer_pki))
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await suitor.open_connection("127.0.0.1", port, client_config(peer_pki), NAME)
            writer.write(MEGABYTES)
            assert await reader.readexactly(len(MEGABYTES)) == MEGABYTES
            writer.close()
            await writer.wait_closed()
            with pytest.raises(suitor.VerificationError) as caught:
                await suitor.open_connection("127.0.0.1", port, client_config(peer_pki), "other.example")
            assert caught.value.reason is Untrusted.NAME_MISMATCH

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_asyncio_refusal_by_their_server(peer_pki: PeerPki) -> None:
    context = their_server(peer_pki)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(peer_pki.ca)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await suitor.open_connection("127.0.0.1", port, client_config(peer_pki), NAME)
            with pytest.raises(ConnectionEnded) as caught:
                await reader.read(1)
            assert ended(caught.value, Alert.CERTIFICATE_REQUIRED)
            writer.close()
            await writer.wait_closed()

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
