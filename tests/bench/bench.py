"""Suitor beside Python's ``ssl``, in one run: the figures that count are the ratios.

    python tests/bench/bench.py [--rounds N] [--json]

The two take turns, round by round, so that a machine whose speed drifts hurts both alike; a row's ratio is the
median of its rounds' ratios. Both do the same work over memory: TLS 1.3, X25519, ECDSA P-256,
TLS_AES_128_GCM_SHA256, no session tickets, and a client that verifies chain and name.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

NAME = "bench.example"
RECORD = 16_384

_OPENSSL_CONF = """\
openssl_conf = settings
[settings]
ssl_conf = ssl_settings
[ssl_settings]
system_default = everything
[everything]
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""


def _with_same_suite(folder: Path) -> None:
    """Start again with an OpenSSL set-up of the same suite and group; ``ssl`` has no call for TLS 1.3 suites."""
    if os.environ.get("SUITOR_BENCH") != "1":
        settings = folder / "openssl.cnf"
        settings.write_text(_OPENSSL_CONF)
        environment = {**os.environ, "OPENSSL_CONF": str(settings), "SUITOR_BENCH": "1"}
        sys.exit(subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode)


class Pairs:
    """Ready-made configurations of both stacks for the same certificate."""

    def __init__(self, folder: Path) -> None:
        import ssl

        import suitor
        from suitor.cli import pki

        root = pki.make_root()
        leaf = pki.make_leaf(root, [NAME])
        files = {"root": root.chain_pem(), "chain": leaf.chain_pem(), "key": leaf.key_pem()}
        for name, data in files.items():
            (folder / f"{name}.pem").write_bytes(data)

        catalogue = suitor.default_catalogue()
        policy = suitor.find_policy("modern, only TLS_AES_128_GCM_SHA256, only x25519")
        paths = [(folder / "chain.pem", folder / "key.pem")]
        self.server = suitor.ServerConfig(
            credentials=catalogue.stages["credentials", "sni"].make(files=paths), policy=policy
        )
        self.client = suitor.ClientConfig(
            verification=catalogue.stages["verification", "web"].make(roots=folder / "root.pem"),
            policy=policy,
        )
        self.ssl_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ssl_server.load_cert_chain(folder / "chain.pem", folder / "key.pem")
        self.ssl_server.num_tickets = 0
        self.ssl_client = ssl.create_default_context(cafile=str(folder / "root.pem"))
        self.ssl_client.minimum_version = ssl.TLSVersion.TLSv1_3


def suitor_handshake(pairs: Pairs) -> tuple[object, object]:
    from suitor import Connection

    client, server = Connection.client(pairs.client, NAME), Connection.server(pairs.server)
    for sender, receiver in ((client, server), (server, client), (client, server)):
        receiver.receive(sender.data_to_send())
        for _ in receiver.events():
            pass
    assert client.handshake_complete
    assert server.handshake_complete
    return client, server


def ssl_handshake(pairs: Pairs) -> tuple[object, object]:
    import ssl

    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = pairs.ssl_client.wrap_bio(down, up, server_hostname=NAME)
    server = pairs.ssl_server.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.cipher() == ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128), client.cipher()
    return client, server


def suitor_bulk(pairs: Pairs, size: int) -> Callable[[], None]:
    """Encrypt ``size`` bytes, move them, decrypt them."""
    from suitor import Connection

    client, server = suitor_handshake(pairs)
    assert isinstance(client, Connection)
    assert isinstance(server, Connection)
    data = bytes(size)

    def move() -> None:
        client.send(data)
        server.receive(client.data_to_send())
        for _ in server.events():
            pass

    return move


def ssl_bulk(pairs: Pairs, size: int) -> Callable[[], None]:
    """The same with ``ssl``, whose reads never return more than a record."""
    import ssl

    client, server = ssl_handshake(pairs)
    assert isinstance(client, ssl.SSLObject)
    assert isinstance(server, ssl.SSLObject)
    data = bytes(size)
    records = range(size // RECORD)

    def move() -> None:
        client.write(data)
        for _ in records:
            server.read(RECORD)

    return move


def rate(work: Callable[[], object], seconds: float) -> float:
    """Calls of ``work`` a second, measured for about ``seconds``."""
    batch, done, start = 1, 0, perf_counter()
    while True:
        for _ in range(batch):
            work()
        done += batch
        elapsed = perf_counter() - start
        if elapsed >= seconds:
            return done / elapsed
        batch = min(2 * batch, 512)


def beside(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, seconds: float
) -> dict[str, float]:
    """Take turns; the medians of both rates, and of the ratio round by round."""
    rate(ours, seconds / 4)
    rate(theirs, seconds / 4)
    pairs = [(rate(ours, seconds), rate(theirs, seconds)) for _ in range(rounds)]
    return {
        "suitor": statistics.median(a for a, _ in pairs),
        "ssl": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
    }


def decisions(pairs: Pairs, seconds: float) -> float:
    """Decisions a second of ``negotiate`` alone, for the hello that our own client sends under ``modern``."""
    from suitor import ClientConfig, Connection, decode_client_hello, negotiate

    hello = Connection.client(ClientConfig(verification=pairs.client.verification), NAME).data_to_send()
    offer = decode_client_hello(bytes(hello[5:])).offer
    found = pairs.server.credentials.select
    from suitor.plug import CredentialRequest, Selected

    selected = found(CredentialRequest(NAME))
    assert isinstance(selected, Selected)
    config = pairs.server
    return rate(
        lambda: negotiate(
            offer, config.policy, config.catalogue, credentials=selected.credentials, explain=False
        ),
        seconds,
    )


def import_time(module: str) -> float:
    """Seconds to import in a fresh interpreter, the best of five."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    return min(runs)


def idle_bytes(make: Callable[[], object], count: int = 200) -> float:
    """Python-visible bytes that one idle pair of connections holds, halved: one connection."""
    kept = [make() for _ in range(8)]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept += [make() for _ in range(count)]
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / count / 2


def measure(rounds: int, seconds: float, tell: Callable[[str], None]) -> dict[str, object]:
    import ssl

    import cryptography

    with tempfile.TemporaryDirectory() as name:
        pairs = Pairs(Path(name))
        tell("full handshakes")
        handshakes = beside(lambda: suitor_handshake(pairs), lambda: ssl_handshake(pairs), rounds, seconds)
        bulk = {}
        for size in (RECORD, 4 * RECORD):
            tell(f"bulk, {size // 1024} KiB a call")
            row = beside(suitor_bulk(pairs, size), ssl_bulk(pairs, size), rounds, seconds)
            bulk[size] = {**row, "suitor": row["suitor"] * size / 1e6, "ssl": row["ssl"] * size / 1e6}
        tell("decisions, import, memory")
        return {
            "machine": f"{platform.machine()}, Python {platform.python_version()}, {ssl.OPENSSL_VERSION}, "
            f"cryptography {cryptography.__version__}",
            "handshakes_per_second": handshakes,
            "bulk_megabytes_per_second": bulk[RECORD],
            "bulk_megabytes_per_second_64_kib_a_call": bulk[4 * RECORD],
            "decisions_per_second": decisions(pairs, seconds),
            "import_seconds": {"suitor": import_time("suitor"), "ssl": import_time("ssl")},
            "idle_bytes_per_connection": idle_bytes(lambda: suitor_handshake(pairs)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="per side and round")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _with_same_suite(Path(folder))
    result = measure(
        options.rounds, options.seconds, lambda what: print(f"measuring {what} ...", file=sys.stderr)
    )
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(result["machine"])
    print(f"{'':34}{'suitor':>10}{'ssl':>10}{'ratio':>8}")
    for key, text in (
        ("handshakes_per_second", "full handshakes a second"),
        ("bulk_megabytes_per_second", "bulk, MB/s, 16 KiB a call"),
        ("bulk_megabytes_per_second_64_kib_a_call", "bulk, MB/s, 64 KiB a call"),
    ):
        row = result[key]
        assert isinstance(row, dict)
        print(f"{text:34}{row['suitor']:>10,.0f}{row['ssl']:>10,.0f}{row['ratio']:>8.2f}")
    print(f"{'decisions a second':34}{result['decisions_per_second']:>10,.0f}")
    times = result["import_seconds"]
    assert isinstance(times, dict)
    print(f"{'import, seconds':34}{times['suitor']:>10.3f}{times['ssl']:>10.3f}")
    print(f"{'idle connection, bytes (traced)':34}{result['idle_bytes_per_connection']:>10,.0f}")


if __name__ == "__main__":
    main()
