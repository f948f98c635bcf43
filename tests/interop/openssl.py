"""The command lines of OpenSSL's test server and client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suitor.cli.pki import KeyKind
from tests.interop.ours import Serving
from tests.interop.pki import NAME, PeerPki
from tests.interop.programs import Finished, Talk, free_port, program, run, talking

CURVES = {"x25519": "X25519", "secp256r1": "P-256", "secp384r1": "P-384"}


def s_client(server: Serving | Talk, pki: PeerPki, *options: str | Path) -> list[str]:
    """The command for a client that trusts the run's root."""
    name = () if "-servername" in options or "-noservername" in options else ("-servername", NAME)
    target = f"127.0.0.1:{server.port}"
    arguments = [program("openssl"), "s_client", "-connect", target, "-CAfile", pki.ca, *name, *options]
    return list(map(str, arguments))


def ask(server: Serving, pki: PeerPki, *options: str | Path) -> Finished:
    """Send a line, and wait until the server ends it."""
    return run(s_client(server, pki, "-verify_return_error", "-ign_eof", *options), b"hello\n")


@contextmanager
def s_server(
    pki: PeerPki, *options: str | Path, kind: KeyKind | str = KeyKind.P256, cwd: Path | None = None
) -> Iterator[Talk]:
    """Ready for connections, one after the other. With ``-rev`` it sends each line back reversed."""
    own = pki.odd[kind] if isinstance(kind, str) else pki.servers[kind]
    port = free_port()
    command = [
        program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-verifyCAfile", pki.ca,
        "-cert", own.chain, "-key", own.key, "-cert_chain", own.issuers, *options,
    ]  # fmt: skip
    with talking(command, port, cwd) as talk:
        talk.hear("ACCEPT")
        yield talk
