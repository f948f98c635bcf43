"""HelloRetryRequest (RFC 8446 section 4.1.4): the server asks for another share, the client sends it."""

from __future__ import annotations

from attrs import frozen

from suitor.answer import check_answer
from suitor.decision import Agreement, Axis
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.flow.handshake import Handshake
from suitor.plug.interfaces import Group
from suitor.steps.client_hello import SentHello
from suitor.steps.server_hello import check_echo
from suitor.wire import extensions as ext
from suitor.wire.codec import vec16
from suitor.wire.hello import RETRY_RANDOM, ClientHello, ServerHello, encode_server_hello


def make_hello_retry_request(
    hello: ClientHello, agreement: Agreement, group: Group, cookie: bytes | None
) -> bytes:
    """Server: ask for a share of the chosen group, and for the cookie back."""
    extensions = {
        ext.SUPPORTED_VERSIONS: agreement.version.to_bytes(2, "big"),
        ext.KEY_SHARE: group.code.to_bytes(2, "big"),
    }
    if cookie is not None:
        extensions[ext.COOKIE] = vec16(cookie)
    return encode_server_hello(ServerHello(RETRY_RANDOM, hello.session_id, agreement.suite.code, extensions))


@frozen
class Retry:
    """What a HelloRetryRequest asks for; ``suite`` must be the ServerHello's too."""

    suite: int
    group: Group | None
    cookie: bytes | None


def read_hello_retry_request(hs: Handshake, sent: SentHello, retry: ServerHello) -> Retry:
    """Client: it must ask for something new, and only for what was offered."""
    for code in retry.extensions:
        # The cookie alone may come unasked (section 4.2).
        if code != ext.COOKIE and code not in sent.extensions:
            raise ProtocolError(PeerMisbehaved.UNSOLICITED_EXTENSION, ext.extension_name(code))
    check_echo(sent, retry)
    check_answer(Axis.SUITE, retry.suite, sent.offer.suites)
    selected = retry.selected_group
    group = None
    if selected is not None:
        check_answer(Axis.GROUP, selected, sent.offer.groups)
        group = hs.have.groups[selected]
        if selected in sent.private:
            raise ProtocolError(PeerMisbehaved.RETRY_GROUP_ALREADY_SHARED, group.name)
    if group is None and retry.cookie is None:
        raise ProtocolError(PeerMisbehaved.RETRY_CHANGES_NOTHING)
    return Retry(retry.suite, group, retry.cookie)
