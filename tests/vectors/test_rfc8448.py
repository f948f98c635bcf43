"""RFC 8448's traces, step by step: every secret, key, record and message must come out byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

import suitor_plugins.algorithms
from suitor.keys.schedule import KeySchedule, derive_secret, expand_label, finished_data, traffic_keys
from suitor.plug.loader import load_catalogue
from suitor.record.protection import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE
from suitor.record.protection13 import Opener13, Sealer13
from suitor.record.reader import RecordReader
from suitor.record.writer import RecordWriter
from suitor.steps.certificate_verify import signed_content
from suitor.wire import hello, messages
from suitor.wire.codec import HandshakeType, message

FOLDER = Path(__file__).parent / "rfc8448"
FULL = ("simple_1rtt", "hello_retry_request", "client_authentication", "compatibility_mode")
RESUMED = "resumed_0rtt"
TRACES = (*FULL, RESUMED)

CATALOGUE = load_catalogue(plugins=[("suitor", suitor_plugins.algorithms)], entry_points=())
SUITE = CATALOGUE.suites[0x1301]
"""TLS_AES_128_GCM_SHA256, in every trace."""
HASH = SUITE.hash

CONTENT_TYPES = {
    "handshake record": HANDSHAKE,
    "alert record": ALERT,
    "application_data record": APPLICATION_DATA,
    "change_cipher_spec record": CHANGE_CIPHER_SPEC,
}


@frozen
class Step:
    """One step of a trace. ``transcript`` is the handshake so far, the step's own message included."""

    actor: str
    action: str
    name: str
    label: str
    same_as: str
    fields: dict[str, bytes]
    transcript: bytes = b""

    @property
    def message(self) -> bytes:
        """The handshake message that the step constructs; empty for other steps."""
        return next(iter(self.fields.values())) if self.action == "construct" else b""


def walk(trace: str) -> Iterator[Step]:
    """The steps in order, each with its transcript (RFC 8446 section 4.4.1)."""
    transcript = b""
    for raw in json.loads((FOLDER / f"{trace}.json").read_text())["steps"]:
        fields = {name: bytes.fromhex(value) for name, value in raw.get("fields", {}).items()}
        label, same_as = raw.get("label", ""), raw.get("same_as", "")
        step = Step(raw["actor"], raw["action"], raw["name"], label, same_as, fields)
        if is_retry(step.message):
            transcript = message(HandshakeType.MESSAGE_HASH, HASH.digest(transcript))
        transcript += step.message
        if step.action == "send" and transcript and fields["payload"].startswith(transcript):
            # A ClientHello with a PSK is constructed without its binders and sent with them.
            transcript = fields["payload"]
        yield evolve(step, transcript=transcript)


def is_retry(raw: bytes) -> bool:
    return raw[:1] == b"\x02" and hello.decode_server_hello(raw).retry


def valued(trace: str, **wanted: str) -> list[Step]:
    """The steps that fit, such as ``action="extract"``, and print values rather than pointing at others."""
    return [
        step for step in walk(trace) if step.fields and all(getattr(step, k) == v for k, v in wanted.items())
    ]


def only(trace: str, **wanted: str) -> Step:
    (step,) = valued(trace, **wanted)
    return step


# --- the key schedule -------------------------------------------------------------------------------------


@pytest.mark.parametrize("trace", TRACES)
def test_the_files_are_complete(trace: str) -> None:
    kinds = {step.action for step in walk(trace)}
    assert kinds >= {"create", "construct", "send", "extract", "derive", "calculate"}
    for step in walk(trace):
        assert step.fields or step.same_as, step


@pytest.mark.parametrize("trace", TRACES)
def test_every_extracted_secret(trace: str) -> None:
    steps = valued(trace, action="extract")
    assert [step.label for step in steps] == ["early", "handshake", "master"]
    for step in steps:
        assert HASH.hmac(step.fields["salt"], step.fields["IKM"]) == step.fields["secret"]


@pytest.mark.parametrize("trace", TRACES)
def test_every_derived_secret_and_the_transcript_it_binds(trace: str) -> None:
    steps = [step for step in valued(trace, action="derive") if step.label]
    assert len(steps) >= 8
    for step in steps:
        seen = b"" if step.label == "tls13 derived" else step.transcript
        assert HASH.digest(seen) == step.fields["hash"], step.label
        label = step.label.removeprefix("tls13 ").encode()
        derived = derive_secret(HASH, step.fields["PRK"], label, step.fields["hash"])
        assert derived == step.fields["expanded"], step.label


@pytest.mark.parametrize("trace", TRACES)
def test_every_traffic_key(trace: str) -> None:
    steps = [step for step in valued(trace, action="derive") if "traffic keys" in step.name]
    assert len(steps) >= 4
    for step in steps:
        keys = traffic_keys(HASH, step.fields["PRK"], SUITE.aead)
        assert keys == (step.fields["key_expanded"], step.fields["iv_expanded"])


@pytest.mark.parametrize("trace", TRACES)
def test_every_finished(trace: str) -> None:
    steps = valued(trace, action="calculate", name="finished")
    assert [step.actor for step in steps] == ["server", "client"]
    sent = valued(trace, name="Finished handshake message")
    for step, finished in zip(steps, sent, strict=True):
        verify_data = finished_data(HASH, step.fields["PRK"], HASH.digest(step.transcript))
        assert verify_data == step.fields["finished"]
        assert messages.encode_finished(verify_data) == finished.message


@pytest.mark.parametrize("trace", FULL)
def test_the_ladder_from_private_keys_to_application_secrets(trace: str) -> None:
    """The shares of the hellos, the group's plugin and KeySchedule, without a look at a value in between."""
    pairs = valued(trace, action="create")
    client_hello = hello.decode_client_hello(
        valued(trace, actor="client", name="ClientHello handshake message")[-1].message
    )
    server_hello_step = valued(trace, actor="server", name="ServerHello handshake message")[-1]
    server_hello = hello.decode_server_hello(server_hello_step.message)
    assert server_hello.suite == SUITE.code
    assert server_hello.share is not None
    code, server_share = server_hello.share
    assert client_hello.shares is not None
    client_share = dict(client_hello.shares)[code]
    group = CATALOGUE.groups[code]

    shared = {
        group.finish(private_key(pair), server_share if pair.actor == "client" else client_share)
        for pair in pairs
        if pair.fields["public_key"] in (client_share, server_share)
    }
    assert shared == {only(trace, action="extract", label="handshake").fields["IKM"]}
    schedule = KeySchedule(HASH, shared.pop())
    at_hello = HASH.digest(server_hello_step.transcript)
    assert schedule.handshake_traffic(at_hello) == (
        secret_of(trace, "c hs traffic"),
        secret_of(trace, "s hs traffic"),
    )
    finished = only(trace, actor="server", name="Finished handshake message")
    assert schedule.application_traffic(HASH.digest(finished.transcript)) == (
        secret_of(trace, "c ap traffic"),
        secret_of(trace, "s ap traffic"),
        secret_of(trace, "exp master"),
    )


def secret_of(trace: str, label: str) -> bytes:
    return only(trace, action="derive", label=f"tls13 {label}").fields["expanded"]


def private_key(pair: Step) -> Any:
    private, public = pair.fields["private_key"], pair.fields["public_key"]
    if "x25519" in pair.name:
        key = x25519.X25519PrivateKey.from_private_bytes(private)
        assert key.public_key().public_bytes_raw() == public
        return key
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public).public_numbers()
    return ec.EllipticCurvePrivateNumbers(int.from_bytes(private, "big"), point).private_key()


def test_the_ticket_of_one_trace_is_the_secret_of_the_next() -> None:
    """RFC 8446 section 4.6.1: the PSK is derived from the resumption secret and the ticket's nonce."""
    step = only("simple_1rtt", action="generate", name="resumption secret")
    ticket = messages.decode_new_session_ticket(
        only("simple_1rtt", name="NewSessionTicket handshake message").message, 10
    )
    assert ticket.nonce == step.fields["hash"]
    psk = expand_label(HASH, step.fields["PRK"], b"resumption", ticket.nonce, HASH.digest_size)
    assert psk == step.fields["expanded"]
    assert psk == only(RESUMED, action="extract", label="early").fields["IKM"]


def test_the_binder() -> None:
    """RFC 8446 section 4.2.11.2: like a Finished over the hello without its binders."""
    step = only(RESUMED, action="calculate", name="PSK binder")
    assert HASH.digest(step.fields["ClientHello_prefix"]) == step.fields["binder_hash"]
    assert finished_data(HASH, step.fields["PRK"], step.fields["binder_hash"]) == step.fields["finished"]


# --- records ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trace", TRACES)
def test_every_record_opens_and_seals_to_the_same_bytes(trace: str) -> None:
    writers = {"client": RecordWriter(), "server": RecordWriter()}
    readers = {"client": RecordReader(), "server": RecordReader()}
    protected = 0
    named: dict[str, bytes] = {}
    for step in walk(trace):
        if step.action == "derive" and "traffic keys" in step.name:
            way, _, what = step.name.partition(" traffic keys for ")
            if step.fields:
                named[f"{step.actor} {what} {way} traffic keys"] = step.fields["PRK"]
            if way == "write":
                secret = step.fields["PRK"] if step.fields else named[step.same_as]
                keys = traffic_keys(HASH, secret, SUITE.aead)
                writers[step.actor].sealer = Sealer13(SUITE.aead, *keys)
                readers[step.actor].install(Opener13(SUITE.aead, *keys))
        if step.action == "send":
            payload, record = step.fields["payload"], step.fields["complete_record"]
            content_type = CONTENT_TYPES[step.name]
            writer = writers[step.actor]
            if content_type == CHANGE_CIPHER_SPEC:
                assert record == b"\x14\x03\x03\x00\x01" + payload
            else:
                writer.write(content_type, payload, int.from_bytes(record[1:3], "big"))
                assert writer.drain() == record
                protected += writer.sealer is not None
            reader = readers[step.actor]
            reader.feed(record)
            assert reader.read() == (content_type, payload)
            assert not reader.mid_record()
    assert protected >= 4


@pytest.mark.parametrize("trace", TRACES)
def test_what_is_sent_is_what_was_constructed(trace: str) -> None:
    sent = {"client": b"", "server": b""}
    made = {"client": b"", "server": b""}
    for step in walk(trace):
        if step.action == "send" and step.name == "handshake record":
            sent[step.actor] += step.fields["payload"]
        elif step.message:
            made[step.actor] += step.message
    if trace == RESUMED:
        # Only the sent ClientHello has its binders: two bytes of length, one of length, one digest.
        prefix = only(trace, name="ClientHello handshake message").message
        binders = sent["client"][len(prefix) : len(prefix) + 3 + HASH.digest_size]
        assert binders[:3] == b"\x00\x21\x20"
        made["client"] = made["client"].replace(prefix, prefix + binders)
    assert sent == made


# --- messages ---------------------------------------------------------------------------------------------

LIMIT = 100

AGAIN: dict[HandshakeType, Callable[[bytes], bytes]] = {
    HandshakeType.CLIENT_HELLO: lambda raw: hello.reencode_client_hello(hello.decode_client_hello(raw)),
    HandshakeType.SERVER_HELLO: lambda raw: hello.encode_server_hello(hello.decode_server_hello(raw)),
    HandshakeType.ENCRYPTED_EXTENSIONS: lambda raw: messages.encode_encrypted_extensions(
        messages.decode_encrypted_extensions(raw, LIMIT)
    ),
    HandshakeType.CERTIFICATE: lambda raw: messages.encode_certificate(
        messages.decode_certificate_body(raw[4:])
    ),
    HandshakeType.CERTIFICATE_REQUEST: lambda raw: messages.encode_certificate_request(
        messages.decode_certificate_request(raw, LIMIT)
    ),
    HandshakeType.CERTIFICATE_VERIFY: lambda raw: messages.encode_certificate_verify(
        *messages.decode_certificate_verify(raw)
    ),
    HandshakeType.FINISHED: lambda raw: messages.encode_finished(raw[4:]),
    HandshakeType.NEW_SESSION_TICKET: lambda raw: messages.encode_new_session_ticket(
        messages.decode_new_session_ticket(raw, LIMIT)
    ),
    HandshakeType.END_OF_EARLY_DATA: lambda raw: message(HandshakeType.END_OF_EARLY_DATA, raw[4:]),
}


@pytest.mark.parametrize("trace", TRACES)
def test_every_message_decodes_and_encodes_to_the_same_bytes(trace: str) -> None:
    seen = set()
    for step in walk(trace):
        if step.message:
            raw = step.message
            if trace == RESUMED and raw[0] == HandshakeType.CLIENT_HELLO:
                raw = step_after(trace, step).fields["payload"]
            kind = HandshakeType(raw[0])
            assert AGAIN[kind](raw) == raw, step.name
            seen.add(kind)
    assert len(seen) >= 4


def step_after(trace: str, step: Step) -> Step:
    """The record that the same side sends next."""
    steps = list(walk(trace))
    return next(s for s in steps[steps.index(step) :] if s.actor == step.actor and s.action == "send")


# --- signatures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trace", FULL)
def test_every_signature_verifies(trace: str) -> None:
    """RFC 8446 section 4.4.3. Signatures are random, so they can be checked and not made again."""
    steps = list(walk(trace))
    verifies = [step for step in steps if step.name == "CertificateVerify handshake message"]
    assert len(verifies) == (2 if trace == "client_authentication" else 1)
    for step in verifies:
        (certificate,) = (
            s for s in steps if s.actor == step.actor and s.name == "Certificate handshake message"
        )
        leaf = messages.decode_certificate_body(certificate.message[4:]).entries[0].data
        scheme, signature = messages.decode_certificate_verify(step.message)
        before = HASH.digest(step.transcript.removesuffix(step.message))
        data = signed_content(before, step.actor == "server")
        public_key = x509.load_der_x509_certificate(leaf).public_key()
        CATALOGUE.signatures[scheme].verify(public_key, signature, data)


def test_the_key_of_section_2_is_the_certificates() -> None:
    key = {
        name: int(value, 16)
        for name, value in json.loads((FOLDER / "rsa_key.json").read_text())["key"].items()
    }
    private = rsa.RSAPrivateNumbers(
        p=key["prime1"],
        q=key["prime2"],
        d=key["private_exponent"],
        dmp1=key["exponent1"],
        dmq1=key["exponent2"],
        iqmp=key["coefficient"],
        public_numbers=rsa.RSAPublicNumbers(key["public_exponent"], key["modulus"]),
    ).private_key()
    certificate = only("simple_1rtt", name="Certificate handshake message").message
    leaf = messages.decode_certificate_body(certificate[4:]).entries[0].data
    public = x509.load_der_x509_certificate(leaf).public_key()
    assert public == private.public_key()
