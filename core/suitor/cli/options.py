"""What several subcommands make of their options: stages, ALPN names, addresses, the key log."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suitor.catalogue import Catalogue
from suitor.config import Keylog
from suitor.errors import LocalError, LocalMistake
from suitor.plug.interfaces import Credentials, PeerVerification, StageFactory


def credentials_from(
    catalogue: Catalogue, certs: Sequence[Path], keys: Sequence[Path], *, strict: bool = False
) -> Credentials:
    """The SNI stage with PEM files in pairs, in the order given. Raises LocalError."""
    if len(certs) != len(keys):
        text = (
            f"{len(certs)} --cert and {len(keys)} --key: give one key for each certificate, in the same order"
        )
        raise LocalError(LocalMistake.BAD_OPTION, text)
    files = list(zip(certs, keys, strict=True))
    made: Credentials = _stage(catalogue, StageFactory.CREDENTIALS, "sni")(files=files, strict=strict)
    return made


def verification_from(catalogue: Catalogue, ca: Path | None, *, insecure: bool = False) -> PeerVerification:
    """Whom to trust: a private authority's roots in a PEM file, nobody in particular, or the public web."""
    if insecure and ca is not None:
        raise LocalError(LocalMistake.BAD_OPTION, "--insecure checks nothing, so --ca makes no sense with it")
    made: PeerVerification
    if insecure:
        made = _stage(catalogue, StageFactory.VERIFICATION, "insecure")()
    elif ca is not None:
        made = _stage(catalogue, StageFactory.VERIFICATION, "private")(roots=ca)
    else:
        made = _stage(catalogue, StageFactory.VERIFICATION, "web")()
    return made


def _stage(catalogue: Catalogue, kind: str, name: str) -> Any:
    factory = catalogue.stages.get((kind, name))
    if factory is None:
        mistake = (
            LocalMistake.NO_VERIFICATION if kind == StageFactory.VERIFICATION else LocalMistake.NO_CREDENTIALS
        )
        text = f"no plugin brings the {kind} stage {name!r}: 'suitor plugins' shows what is installed"
        raise LocalError(mistake, text)
    return factory.make


def alpn_from(names: Sequence[str]) -> tuple[bytes, ...]:
    """Protocol names in order; each option may hold several, separated by commas."""
    parts = (part.strip() for name in names for part in name.split(","))
    return tuple(part.encode() for part in parts if part)


def address_from(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address. Raises LocalError."""
    host, separator, port = text.rpartition(":")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise LocalError(LocalMistake.BAD_OPTION, f"{text!r}: write an IPv6 address as [::1]:443")
        separator, port = rest[:1], rest[1:]
    elif not separator or ":" in host:
        host, separator, port = text, "", ""
    if not host:
        raise LocalError(LocalMistake.BAD_OPTION, f"{text!r}: the host is missing")
    if not separator:
        return host, default_port
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise LocalError(LocalMistake.BAD_OPTION, f"{text!r}: a port is a number from 1 to 65535")
    return host, int(port)


def keylog_to(path: Path | None) -> Keylog | None:
    """A key log that appends to a file (SSLKEYLOGFILE, RFC 9850), which only its owner can read when it is
    made here. Every line is one write, so that several processes may share the file."""
    if path is None:
        return None
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)

    def keylog(line: str) -> None:
        try:
            os.write(file, f"{line}\n".encode("ascii"))
        except OSError as error:
            # A full disk is no reason to end a connection.
            print(f"suitor: cannot write to {path}: {error.strerror}", file=sys.stderr)

    return keylog
