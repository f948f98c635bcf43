"""Files for the web below one directory, and nothing else."""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes

from attrs import frozen

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SHOWN = ".well-known"


class NotServed(Exception):
    """There is nothing to serve for that path; ``status`` is HTTP's word for why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@frozen
class Found:
    """An open file, its size in bytes and its content type."""

    file: BinaryIO
    size: int
    content_type: str


@frozen
class Moved:
    """A directory, asked for without the slash at its end."""

    location: str


def segments_of(path: bytes) -> list[str]:
    """The decoded parts of a URL path, without empty ones and dots.

    Raises NotServed: 400 for what is no path, 404 for parts that lead elsewhere (``..``, an encoded slash)
    or are hidden (a leading dot, except ``.well-known`` of RFC 8615).
    """
    if not path.startswith(b"/") or _BAD_ESCAPE.search(path):
        raise NotServed(400)
    segments = []
    for raw in path.split(b"/"):
        try:
            segment = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            raise NotServed(400) from None
        if any(ord(c) < 0x20 or ord(c) == 0x7F for c in segment):
            raise NotServed(400)
        if segment in ("", "."):
            continue
        if "/" in segment or os.sep in segment or (segment.startswith(".") and segment != _SHOWN):
            raise NotServed(404)
        segments.append(segment)
    return segments


def find(root: Path, path: bytes) -> Found | Moved:
    """The file for a URL path, ``index.html`` for a directory. ``root`` is an absolute path without symbolic
    links. Links are followed only to places below it. Raises NotServed."""
    segments = segments_of(path)
    place = _inside(root, root.joinpath(*segments))
    if place.is_dir():
        if not path.endswith(b"/"):
            # One slash at the start: two would name another host.
            return Moved("/" + "/".join(quote(segment) for segment in segments) + "/")
        place = _inside(root, place / "index.html")
    elif path.endswith(b"/"):
        raise NotServed(404)
    return _open(place)


def _inside(root: Path, wanted: Path) -> Path:
    try:
        place = wanted.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise NotServed(404) from None
    if not place.is_relative_to(root):
        raise NotServed(404)
    return place


def _open(place: Path) -> Found:
    try:
        # Without blocking, in case it is a named pipe.
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except PermissionError:
        raise NotServed(403) from None
    except OSError:
        raise NotServed(404) from None
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise NotServed(404)
    return Found(os.fdopen(descriptor, "rb"), facts.st_size, content_type(place.name))


def content_type(name: str) -> str:
    """The content type that a file's name tells."""
    kind, encoding = mimetypes.guess_type(name)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    if kind is None:
        return "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
