"""From the premaster secret to record keys, and Finished, in TLS 1.2 (RFC 5246 sections 6.3, 7.4.9 and 8.1)."""

from __future__ import annotations

from hmac import compare_digest

from attrs import field, frozen

from suitor.catalogue import LitSuite
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.keys.prf12 import (
    VERIFY_DATA_SIZE,
    KeyBlock,
    extended_master_secret,
    key_block,
    master_secret,
    verify_data,
)
from suitor.plug.interfaces import Hash
from suitor.plug.tls12 import BlockCipher, explicit_nonce
from suitor.record.protection import Opener, Sealer
from suitor.record.protection12 import AeadOpener12, AeadSealer12, BlockOpener12, BlockSealer12
from suitor.steps.hello12 import Terms12
from suitor.wire.messages import encode_finished


@frozen(eq=False)
class Keys12:
    """One session's keys: the master secret and what is cut from it."""

    suite: LitSuite
    terms: Terms12
    client_random: bytes
    server_random: bytes
    master: bytes = field(repr=False)
    block: KeyBlock = field(repr=False)

    def sealer(self, *, by_server: bool) -> Sealer:
        mac_key, key, iv = self.block.half(by_server)
        if self.suite.cipher is not None:
            return AeadSealer12(self.suite.cipher, key, iv)
        return BlockSealer12(*self._block_cipher(key, mac_key))

    def opener(self, *, by_server: bool) -> Opener:
        mac_key, key, iv = self.block.half(by_server)
        if self.suite.cipher is not None:
            return AeadOpener12(self.suite.cipher, key, iv)
        return BlockOpener12(*self._block_cipher(key, mac_key))

    def _block_cipher(self, key: bytes, mac_key: bytes) -> tuple[BlockCipher, bytes, Hash, bytes, bool]:
        suite = self.suite
        assert suite.block_cipher is not None and suite.mac is not None
        return suite.block_cipher, key, suite.mac, mac_key, self.terms.encrypt_then_mac


def derive_keys(
    suite: LitSuite,
    terms: Terms12,
    premaster: bytes,
    client_random: bytes,
    server_random: bytes,
    transcript: bytes,
) -> Keys12:
    """``transcript`` is the hash up to and with ClientKeyExchange (RFC 7627 section 3)."""
    hash_ = suite.hash
    if terms.extended_master_secret:
        master = extended_master_secret(hash_, premaster, transcript)
    else:
        master = master_secret(hash_, premaster, client_random, server_random)
    cipher = suite.cipher
    if cipher is not None:
        sizes = (0, cipher.key_size, cipher.nonce_size - explicit_nonce(cipher))
    else:
        assert suite.block_cipher is not None and suite.mac is not None
        sizes = (suite.mac.digest_size, suite.block_cipher.key_size, 0)
    mac_size, key_size, iv_size = sizes
    block = key_block(
        hash_,
        master,
        client_random,
        server_random,
        mac_size=mac_size,
        key_size=key_size,
        iv_size=iv_size,
    )
    return Keys12(suite, terms, client_random, server_random, master, block)


def make_finished12(keys: Keys12, transcript: bytes, *, by_server: bool) -> bytes:
    return encode_finished(verify_data(keys.suite.hash, keys.master, transcript, by_server=by_server))


def check_finished12(keys: Keys12, transcript: bytes, raw: bytes, *, by_server: bool) -> None:
    """The peer's verify_data, compared in constant time."""
    if len(raw) != 4 + VERIFY_DATA_SIZE:
        raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "Finished has the wrong length")
    expected = verify_data(keys.suite.hash, keys.master, transcript, by_server=by_server)
    if not compare_digest(expected, raw[4:]):
        raise ProtocolError(PeerMisbehaved.BAD_FINISHED)
