"""The asyncio streams over loopback. Every test fails when a task is left or the loop's handler is called."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from suitor.config import ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.errors import (
    Alert,
    ConnectionEnded,
    Ended,
    LocalError,
    LocalMistake,
    PeerMisbehaved,
    Reason,
    SuitorError,
    Untrusted,
    VerificationError,
)
from suitor.io import protocol
from suitor.io.streams import TLSReader, TLSServer, TLSWriter, open_connection, start_server
from suitor.plug.interfaces import Job

Run = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture
def run() -> Run:
    """Run a test's coroutine function, and look at what it leaves behind."""

    def runner(main: Callable[[], Awaitable[None]]) -> None:
        complaints: list[dict[str, Any]] = []

        async def watched() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, what: complaints.append(what))
            await main()
            for _ in range(3):
                await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            gc.collect()

        asyncio.run(watched(), debug=True)
        assert not complaints

    return runner


async def echo(reader: TLSReader, writer: TLSWriter) -> None:
    while data := await reader.read(100_000):
        writer.write(data)
        await writer.drain()


def port_of(server: TLSServer) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


@asynccontextmanager
async def client_of(
    server: TLSServer, config: ClientConfig, **options: Any
) -> AsyncIterator[tuple[TLSReader, TLSWriter]]:
    reader, writer = await open_connection("127.0.0.1", port_of(server), config, "localhost", **options)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


@contextmanager
def raises(reason: Reason) -> Iterator[None]:
    with pytest.raises(SuitorError) as caught:
        yield
    assert caught.value.reason is reason


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_echo_of_much(run: Run, client_config: ClientConfig, server_config: ServerConfig) -> None:
    payload = os.urandom(5_000_000)

    async def main() -> None:
        async with await start_server(echo, "127.0.0.1", 0, server_config) as server:
            async with client_of(server, client_config) as (reader, writer):

                async def push() -> None:
                    for start in range(0, len(payload), 300_000):
                        writer.write(payload[start : start + 300_000])
                        await writer.drain()
                    writer.write_eof()

                pushing = asyncio.create_task(push())
                assert await reader.read() == payload
                await pushing
            await until(lambda: server.connections == 0)

    run(main)


def test_extra_info_and_export(run: Run, client_config: ClientConfig, server_config: ServerConfig) -> None:
    async def tell(reader: TLSReader, writer: TLSWriter) -> None:
        assert writer.get_extra_info("suitor_info").server_name == "localhost"
        writer.writelines([writer.export(b"EXPORTER-test", b"context", 20)])

    async def main() -> None:
        async with (
            await start_server(tell, "127.0.0.1", 0, server_config) as server,
            client_of(server, client_config) as (reader, writer),
        ):
            assert writer.get_extra_info("suitor_info").peer.names
            assert writer.get_extra_info("peername") == ("127.0.0.1", port_of(server))
            assert writer.get_extra_info("no such", "none") == "none"
            assert await reader.readexactly(20) == writer.export(b"EXPORTER-test", b"context", 20)

    run(main)


def test_half_close(run: Run, client_config: ClientConfig, server_config: ServerConfig) -> None:
    async def late(reader: TLSReader, writer: TLSWriter) -> None:
        question = await reader.read()
        writer.write(question.upper())

    async def main() -> None:
        async with (
            await start_server(late, "127.0.0.1", 0, server_config) as server,
            client_of(server, client_config) as (reader, writer),
        ):
            writer.write(b"question")
            writer.write_eof()
            assert writer.can_write_eof()
            assert await reader.read() == b"QUESTION"
            with raises(LocalMistake.WRONG_STATE):
                writer.write(b"more")

    run(main)


def test_keys_change_on_request(run: Run, client_config: ClientConfig, server_config: ServerConfig) -> None:
    async def main() -> None:
        async with (
            await start_server(echo, "127.0.0.1", 0, server_config) as server,
            client_of(server, client_config) as (reader, writer),
        ):
            for data in (b"with the next keys", b"and the ones after"):
                writer.update_keys(request=True)
                writer.write(data)
                assert await reader.readexactly(len(data)) == data

    run(main)


def test_truncation_never_looks_finished(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    async def cut(reader: TLSReader, writer: TLSWriter) -> None:
        writer.write(b"line\nhalf a li")
        await writer.drain()
        writer.abort()

    async def main() -> None:
        async with await start_server(cut, "127.0.0.1", 0, server_config) as server:
            async with client_of(server, client_config) as (reader, writer):
                assert await reader.readline() == b"line\n"
                with raises(Ended.TRUNCATED):
                    await reader.readline()
                with raises(Ended.TRUNCATED):
                    await reader.read(1)
                with raises(Ended.TRUNCATED):
                    await writer.drain()
            async with client_of(server, client_config) as (reader, _):
                with raises(Ended.TRUNCATED):
                    await reader.read()
            async with client_of(server, client_config) as (reader, _):
                with raises(Ended.TRUNCATED):
                    await reader.readexactly(100)
            async with client_of(server, client_config) as (reader, _):
                assert await reader.read(100) == b"line\nhalf a li"
                with raises(Ended.TRUNCATED):
                    await reader.read(100)

    run(main)


def test_pressure_goes_back_both_ways(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    sent = 0

    async def flood(reader: TLSReader, writer: TLSWriter) -> None:
        nonlocal sent
        while True:
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    async def main() -> None:
        async with (
            await start_server(flood, "127.0.0.1", 0, server_config) as server,
            client_of(server, client_config, close_timeout=0.2) as (reader, _),
        ):
            await until(lambda: sent > 0)
            await asyncio.sleep(0.3)
            stuck = sent
            await asyncio.sleep(0.2)
            assert sent == stuck
            received = 0
            while received < stuck + 5_000_000:
                received += len(await reader.read(1_000_000))
            assert sent > stuck

    run(main)


def test_answers_do_not_pile_up(
    run: Run, client_config: ClientConfig, server_config: ServerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that asks for key updates and never reads the answers is no longer read itself."""
    monkeypatch.setattr(protocol, "MAX_ANSWERS", 1_000)
    taken = 0

    async def listen(reader: TLSReader, writer: TLSWriter) -> None:
        nonlocal taken
        writer.write(bytes(20_000_000))
        while data := await reader.read(100_000):
            taken += len(data)

    async def main() -> None:
        async with await start_server(listen, "127.0.0.1", 0, server_config) as server:
            connection = Connection.client(client_config, "localhost")
            loop = asyncio.get_running_loop()
            with socket.create_connection(("127.0.0.1", port_of(server))) as sock:
                sock.setblocking(False)
                await loop.sock_sendall(sock, connection.data_to_send())
                while not connection.handshake_complete:
                    connection.receive(await loop.sock_recv(sock, 65_536))
                for _ in range(200):
                    connection.send(b".")
                    connection.update_keys(request=True)
                    await loop.sock_sendall(sock, connection.data_to_send())
                    await asyncio.sleep(0.001)
                assert 0 < taken < 200
                connection.send(bytes(20_000_000))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(loop.sock_sendall(sock, connection.data_to_send()), 1)
                assert taken < 200

    run(main)


def test_refusal(run: Run, wary_client_config: ClientConfig, server_config: ServerConfig) -> None:
    refused: list[tuple[SuitorError, Any]] = []

    async def main() -> None:
        async with await start_server(
            echo, "127.0.0.1", 0, server_config, on_error=lambda error, peer: refused.append((error, peer))
        ) as server:
            with pytest.raises(VerificationError) as caught:
                await open_connection("localhost", port_of(server), wary_client_config)
            assert caught.value.reason is Untrusted.UNKNOWN_ISSUER
            await until(lambda: bool(refused))
        error, peer = refused[0]
        assert isinstance(error, ConnectionEnded)
        assert error.peer_alert == Alert.UNKNOWN_CA
        assert peer[0] == "127.0.0.1"

    run(main)


def test_nothing_a_peer_sends_disturbs_the_server(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    reasons: list[Reason] = []
    client = Connection.client(client_config, "localhost")
    hello = bytes(client.data_to_send())

    async def main() -> None:
        async with await start_server(
            echo, "127.0.0.1", 0, server_config, on_error=lambda error, _: reasons.append(error.reason)
        ) as server:

            async def attempt(data: bytes, *, reset: bool = False, finish: bool = False) -> None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
                writer.write(data)
                await writer.drain()
                if finish:
                    writer.write_eof()
                if reset:
                    writer.transport.abort()
                else:
                    await reader.read()
                writer.close()
                await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])

            await attempt(b"GET / HTTP/1.1\r\n\r\n")
            await attempt(os.urandom(100_000))
            await attempt(b"", finish=True)
            await attempt(hello[:50], finish=True)
            await attempt(hello, finish=True)
            await attempt(hello, reset=True)
            await attempt(b"", reset=True)
            await attempt(hello + hello)
            await until(lambda: server.connections == 0 and len(reasons) == 8)
            async with client_of(server, client_config) as (reader, writer):
                writer.write(b"still here")
                assert await reader.readexactly(10) == b"still here"

    run(main)
    assert reasons[0] is PeerMisbehaved.NOT_TLS
    assert {Ended.CLOSED_DURING_HANDSHAKE, PeerMisbehaved.NOT_TLS} <= set(reasons)


def test_an_abrupt_end_is_no_trouble_for_a_callback(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    async def impatient(reader: TLSReader, writer: TLSWriter) -> None:
        await reader.readexactly(1000)

    async def main() -> None:
        async with await start_server(impatient, "127.0.0.1", 0, server_config) as server:
            _reader, writer = await open_connection("127.0.0.1", port_of(server), client_config, "localhost")
            writer.write(b"some")
            writer.abort()
            await writer.wait_closed()
            async with client_of(server, client_config):
                pass
            await until(lambda: server.connections == 0)

    run(main)


def test_a_callbacks_own_mistake_is_reported(
    client_config: ClientConfig, server_config: ServerConfig
) -> None:
    complaints: list[dict[str, Any]] = []

    async def broken(reader: TLSReader, writer: TLSWriter) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, what: complaints.append(what))
        async with (
            await start_server(broken, "127.0.0.1", 0, server_config) as server,
            client_of(server, client_config) as (reader, _),
        ):
            assert await reader.read() == b""

    asyncio.run(main())
    assert [type(what["exception"]) for what in complaints] == [ZeroDivisionError]


def test_handshake_timeouts(run: Run, client_config: ClientConfig, server_config: ServerConfig) -> None:
    reasons: list[Reason] = []

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with raises(Ended.TIMED_OUT):
                await open_connection("127.0.0.1", port, client_config, handshake_timeout=0.1)
        async with await start_server(
            echo,
            "127.0.0.1",
            0,
            server_config,
            handshake_timeout=0.1,
            on_error=lambda error, _: reasons.append(error.reason),
        ) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            async with client_of(server, client_config) as (tls_reader, tls_writer):
                await asyncio.sleep(0.2)
                tls_writer.write(b"late")
                assert await tls_reader.read(4) == b"late"
        assert reasons == [Ended.TIMED_OUT]

    run(main)


def test_cancelling_leaves_nothing(run: Run, client_config: ClientConfig) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            opening = asyncio.create_task(open_connection("127.0.0.1", port, client_config))
            peer, _ = await asyncio.to_thread(silent.accept)
            with peer:
                await asyncio.sleep(0.05)
                opening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await opening
                peer.settimeout(5)
                while await asyncio.to_thread(peer.recv, 65_536):
                    pass

    run(main)


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_jobs(
    kind: str, run: Run, slow_client_config: Callable[[Any], ClientConfig], server_config: ServerConfig
) -> None:
    loops_turned = 0

    def job(work: Callable[[], Any]) -> Job[Any]:
        def blocking() -> Any:
            time.sleep(0.1)
            return work()

        async def waiting() -> Any:
            await asyncio.sleep(0.1)
            return work()

        return Job(blocking, waiting if kind == "coroutine" else None)

    async def count() -> None:
        nonlocal loops_turned
        while True:
            await asyncio.sleep(0.01)
            loops_turned += 1

    async def main() -> None:
        counting = asyncio.create_task(count())
        async with (
            await start_server(echo, "127.0.0.1", 0, server_config) as server,
            client_of(server, slow_client_config(job)) as (reader, writer),
        ):
            writer.write(b"x")
            assert await reader.read(1) == b"x"
        counting.cancel()
        await asyncio.wait([counting])
        assert loops_turned >= 5

    run(main)


def test_a_job_outlived_by_nobody(
    run: Run, slow_client_config: Callable[[Any], ClientConfig], server_config: ServerConfig
) -> None:
    """The handshake is given up while the job runs: the job is cancelled with it."""
    cancelled = asyncio.Event()

    def job(work: Callable[[], Any]) -> Job[Any]:
        async def endless() -> Any:
            try:
                await asyncio.sleep(60)
            finally:
                cancelled.set()

        return Job(work, endless)

    async def main() -> None:
        async with await start_server(echo, "127.0.0.1", 0, server_config) as server:
            with raises(Ended.TIMED_OUT):
                async with client_of(server, slow_client_config(job), handshake_timeout=0.2):
                    pass
            await asyncio.wait_for(cancelled.wait(), 5)

    run(main)


def test_a_failing_job(
    run: Run, slow_client_config: Callable[[Any], ClientConfig], server_config: ServerConfig
) -> None:
    def job(work: Callable[[], Any]) -> Job[Any]:
        def run() -> Any:
            raise OSError("the key server is down")

        return Job(run)

    async def main() -> None:
        async with await start_server(echo, "127.0.0.1", 0, server_config) as server:
            with pytest.raises(LocalError):
                async with client_of(server, slow_client_config(job)):
                    pass

    run(main)


def test_limit_on_connections(run: Run, client_config: ClientConfig, server_config: ServerConfig) -> None:
    async def main() -> None:
        async with await start_server(echo, "127.0.0.1", 0, server_config, max_connections=1) as server:
            async with client_of(server, client_config) as (reader, writer):
                with raises(Ended.CLOSED_DURING_HANDSHAKE):
                    async with client_of(server, client_config):
                        pass
                writer.write(b"unharmed")
                assert await reader.readexactly(8) == b"unharmed"
            await until(lambda: server.connections == 0)
            async with client_of(server, client_config):
                pass

    run(main)


def test_shutdown_lets_callbacks_finish(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    async def slow(reader: TLSReader, writer: TLSWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(b"finished")

    async def main() -> None:
        server = await start_server(slow, "127.0.0.1", 0, server_config)
        async with client_of(server, client_config) as (reader, _):
            stopping = asyncio.create_task(server.shutdown(5))
            assert await reader.read() == b"finished"
        await stopping
        assert server.connections == 0
        assert not server.is_serving()

    run(main)


def test_shutdown_says_close_notify_to_the_rest(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    async def main() -> None:
        server = await start_server(echo, "127.0.0.1", 0, server_config)
        handshaking = socket.create_connection(("127.0.0.1", port_of(server)))
        with handshaking:
            async with client_of(server, client_config) as (reader, _):
                stopping = asyncio.create_task(server.shutdown(0.1))
                assert await reader.read() == b""
            await stopping
        assert server.connections == 0

    run(main)


def test_a_peer_that_reads_nothing_cannot_hold_a_closed_connection(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    async def generous(reader: TLSReader, writer: TLSWriter) -> None:
        writer.write(bytes(20_000_000))

    async def main() -> None:
        async with (
            await start_server(generous, "127.0.0.1", 0, server_config, close_timeout=0.1) as server,
            client_of(server, client_config, close_timeout=0.1),
        ):
            await until(lambda: server.connections == 0)

    run(main)


def test_writes_after_the_end_are_told_by_drain(
    run: Run, client_config: ClientConfig, server_config: ServerConfig
) -> None:
    async def main() -> None:
        async with (
            await start_server(echo, "127.0.0.1", 0, server_config) as server,
            client_of(server, client_config) as (_, writer),
        ):
            writer.close()
            assert writer.is_closing()
            writer.write(b"too late")
            with pytest.raises(ConnectionResetError):
                await writer.drain()

    run(main)
