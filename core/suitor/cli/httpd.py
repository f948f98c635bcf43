"""HTTP/1.1 for ``suitor serve``: GET and HEAD of a status page, and of the files below a directory."""

from __future__ import annotations

import asyncio
import contextlib
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import h11
from attrs import define, field, frozen

from suitor.cli.files import Found, NotServed, find
from suitor.cli.status import status_html, status_json
from suitor.events import ConnectionInfo
from suitor.io.streams import TLSReader, TLSWriter

MAX_HEAD = 16_384
"""The longest request line and headers together, in bytes."""

HEAD_PIECE = 2_048
"""Bytes read at once: h11 counts what is incomplete, so a head may be longer by this."""

MAX_TARGET = 8_192
"""The longest request target, in bytes."""

REQUEST_TIME = 30.0
"""Seconds for a request to arrive, the wait for a next one included."""

WRITE_TIME = 60.0
"""Seconds for one piece of a response to be taken."""

PIECE = 262_144
"""Bytes of a file that are read and sent at once."""

STATUS_PATHS = (b"/status", b"/status.json")
"""Always the status page, whatever files there are; "/" is too, when there is no index.html."""


@frozen
class Response:
    """A response to be: a body in memory, or an open file of ``size`` bytes."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | BinaryIO
    size: int


@define(eq=False)
class Session:
    """One connection of one client. ``busy`` while a request is being answered."""

    reader: TLSReader
    writer: TLSWriter
    root: Path | None
    info: ConnectionInfo
    busy: bool = False
    stopping: bool = False
    _http: h11.Connection = field(
        init=False, factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    )

    def stop(self) -> None:
        """Answer no more requests: close now, or after the one that is being answered."""
        self.stopping = True
        if not self.busy:
            self.writer.close()

    async def run(self) -> None:
        """Answer requests until one side has had enough. A peer's TLS errors are raised as they come."""
        while await self._answer_one():
            self._http.start_next_cycle()

    async def _answer_one(self) -> bool:
        """Whether another request may follow."""
        try:
            async with asyncio.timeout(REQUEST_TIME):
                request = await self._next_request()
        except TimeoutError:
            return False
        except h11.RemoteProtocolError as error:
            response, head_only = self._refusal(error), False
        else:
            if request is None:
                return False
            response, head_only = respond(request, self.root, self.info), request.method == b"HEAD"
        self.busy = True
        try:
            await self._send(response, head_only)
        except (TimeoutError, _FileShrank):
            self.writer.abort()
            return False
        finally:
            self.busy = False
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE and not self.stopping

    async def _next_request(self) -> h11.Request | None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is h11.NEED_DATA:
                self._http.receive_data(await self.reader.read(HEAD_PIECE))
            else:
                return None

    def _refusal(self, error: h11.RemoteProtocolError) -> Response:
        status = error.error_status_hint
        if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE and b"\n" not in self._http.trailing_data[0]:
            status = HTTPStatus.REQUEST_URI_TOO_LONG
        return plain(status)

    async def _send(self, response: Response, head_only: bool) -> None:
        body = response.body
        with contextlib.suppress(h11.RemoteProtocolError):
            # The end of a request without a body. A body stays unread, and the connection ends after this.
            self._http.next_event()
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("Server", "suitor"),
            ("Content-Length", str(response.size)),
            ("X-Content-Type-Options", "nosniff"),
            *response.headers,
        ]
        if self._http.their_state is not h11.DONE or self.stopping:
            headers.append(("Connection", "close"))
        try:
            reason = HTTPStatus(response.status).phrase
            await self._write(h11.Response(status_code=response.status, headers=headers, reason=reason))
            if not head_only:
                if isinstance(body, bytes):
                    await self._write(h11.Data(data=body))
                else:
                    await self._send_file(body, response.size)
            await self._write(h11.EndOfMessage())
        finally:
            if not isinstance(body, bytes):
                body.close()

    async def _send_file(self, file: BinaryIO, size: int) -> None:
        while size:
            piece = await asyncio.to_thread(file.read, min(size, PIECE))
            if not piece:
                raise _FileShrank
            size -= len(piece)
            await self._write(h11.Data(data=piece))

    async def _write(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        data = self._http.send(event)
        if data:
            self.writer.write(data)
            async with asyncio.timeout(WRITE_TIME):
                await self.writer.drain()


class _FileShrank(Exception):
    """A file is shorter than its announced length, so the response cannot be finished."""


def respond(request: h11.Request, root: Path | None, info: ConnectionInfo) -> Response:
    """The response to a request, its body not yet read from the disk."""
    if request.method not in (b"GET", b"HEAD"):
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, HEAD"))
    if len(request.target) > MAX_TARGET:
        return plain(HTTPStatus.REQUEST_URI_TOO_LONG)
    path = _path_of(request.target)
    if path is None:
        return plain(HTTPStatus.BAD_REQUEST)
    if path in STATUS_PATHS:
        return _status(info, as_json=path.endswith(b".json") or _wants_json(request))
    try:
        if root is None:
            raise NotServed(HTTPStatus.NOT_FOUND)
        found = find(root, path)
    except NotServed as error:
        if path == b"/" and error.status == HTTPStatus.NOT_FOUND:
            return _status(info, as_json=_wants_json(request))
        return plain(error.status)
    if isinstance(found, Found):
        return Response(HTTPStatus.OK, (("Content-Type", found.content_type),), found.file, found.size)
    return plain(HTTPStatus.MOVED_PERMANENTLY, ("Location", found.location))


def _path_of(target: bytes) -> bytes | None:
    """The path of a request target in origin or absolute form (RFC 9112 section 3.2), without the query."""
    if target.startswith(b"/"):
        return target.partition(b"?")[0]
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    return (parts.path or b"/") if parts.scheme in (b"http", b"https") and parts.netloc else None


def _wants_json(request: h11.Request) -> bool:
    accept = b",".join(value for name, value in request.headers if name == b"accept").lower()
    return b"application/json" in accept and b"text/html" not in accept


def _status(info: ConnectionInfo, *, as_json: bool) -> Response:
    body = status_json(info) if as_json else status_html(info)
    headers = (
        ("Content-Type", "application/json" if as_json else "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    )
    return Response(HTTPStatus.OK, headers, body, len(body))


def plain(status: int, *headers: tuple[str, str]) -> Response:
    """A response that is only its status, in a line of text."""
    body = f"{status} {HTTPStatus(status).phrase}\n".encode()
    return Response(status, (("Content-Type", "text/plain; charset=utf-8"), *headers), body, len(body))
