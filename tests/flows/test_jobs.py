"""Slow stages: the handshake waits for a job, and goes on or fails with its outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from suitor.config import ClientAuth
from suitor.errors import (
    Ended,
    LocalError,
    LocalMistake,
    NegotiationError,
    NoAgreement,
    Untrusted,
    VerificationError,
)
from suitor.events import JobNeeded
from suitor.plug import Credential, Job, Selected, UnknownName, VerificationFailed, VerifiedPeer
from tests.flows.test_handshakes import told
from tests.support import pki
from tests.support.pairs import LIGHT, Pair, bytewise, client_config, pair, server_config


class Stage:
    """Any stage, whose answer is a job that runs ``work``."""

    name = "slow"

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work

    def select(self, request: Any) -> Job[Any]:
        return Job(lambda: self.work(request), label="select")

    def verify(self, peer: Any) -> Job[Any]:
        return Job(lambda: self.work(peer), label="verify")


def selecting(request: Any) -> Selected:
    return Selected((pki.credential() if request.server else pki.client_credential(),))


def slow_signer(base: Credential, result: Callable[[bytes], Any] = lambda signature: signature) -> Selected:
    def sign(scheme: Any, data: bytes) -> Job[Any]:
        return Job(lambda: result(scheme.sign(base.private_key, data)), label="sign")

    return Selected((evolve(base, sign=sign, private_key=None),))


def slow_everywhere(carry: Any = None) -> Pair:
    """Every stage and every signature is a job."""

    def select(request: Any) -> Selected:
        return slow_signer(selecting(request).credentials[0])

    made = pair(
        client_config(verification=Stage(pki.verification().verify), credentials=Stage(select)),
        server_config(
            credentials=Stage(select),
            verification=Stage(pki.verification().verify),
            client_auth=ClientAuth.REQUIRED,
            policy=evolve(LIGHT, groups=("secp256r1",)),
        ),
    )
    if carry is not None:
        made.carry = carry
    return made


def test_every_stage_may_be_slow() -> None:
    done = slow_everywhere().pump().check().exchange()
    assert done.server.info.peer is not None


def test_bytes_may_go_on_coming_while_a_job_runs() -> None:
    slow_everywhere(bytewise).pump().check().exchange((5,))


def test_nothing_is_read_or_sent_until_the_job_is_done() -> None:
    sides = pair(client_config(), server_config(credentials=Stage(selecting)))
    sides.to_server()
    (event,) = sides.server.of(JobNeeded)
    assert event.job.label == "select"
    assert sides.server.take() == b""
    sides.server.feed(b"\x14\x03\x03\x00\x01\x01")
    assert sides.server.take() == b""
    assert sides.server.error is None
    sides.pump().check()


def test_a_job_is_answered_once() -> None:
    sides = pair(client_config(), server_config(credentials=Stage(selecting)))
    sides.to_server()
    (event,) = sides.server.of(JobNeeded)
    other = Job(lambda: None)
    with pytest.raises(LocalError) as caught:
        sides.server.connection.job_done(other, None)
    assert caught.value.reason is LocalMistake.WRONG_STATE
    sides.pump().check()
    with pytest.raises(LocalError):
        sides.server.connection.job_done(event.job, event.job.run())
    sides.exchange()


def test_a_job_that_comes_too_late() -> None:
    sides = pair(client_config(), server_config(credentials=Stage(selecting)))
    sides.to_server()
    (event,) = sides.server.of(JobNeeded)
    sides.server.feed(b"")
    assert sides.server.error is not None
    assert sides.server.error.reason is Ended.CLOSED_DURING_HANDSHAKE
    with pytest.raises(type(sides.server.error)) as caught:
        sides.server.connection.job_done(event.job, event.job.run())
    assert caught.value is sides.server.error


def failing(error: Exception) -> Callable[[Any], Any]:
    def work(_: Any) -> Any:
        raise error

    return work


def answering(answer: Any) -> Callable[[Any], Any]:
    return lambda _: answer


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("work", "kind", "reason", "alert"),
    [
        (failing(UnknownName("x")), NegotiationError, NoAgreement.UNRECOGNIZED_NAME, 112),
        (failing(RuntimeError("the database is down")), LocalError, LocalMistake.PLUGIN_FAILED, 80),
        (failing(KeyError("secret")), LocalError, LocalMistake.PLUGIN_FAILED, 80),
        (answering(None), LocalError, LocalMistake.PLUGIN_FAILED, 80),
        (answering(Selected(())), NegotiationError, NoAgreement.NO_COMMON_SIGNATURE, 40),
    ],
)
def test_a_credentials_stage_that_fails(
    work: Any, kind: type[Exception], reason: Any, alert: int, slow: bool
) -> None:
    stage = Stage(work)
    if not slow:
        stage.select = work  # type: ignore[method-assign]
    sides = pair(client_config(), server_config(credentials=stage)).pump()
    assert isinstance(sides.server.error, kind)
    assert sides.server.error.reason is reason
    assert "secret" not in str(sides.server.error)
    assert "database" not in str(sides.server.error)
    assert told(sides.client.error) == alert


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("work", "kind", "reason", "alert"),
    [
        (failing(VerificationFailed(Untrusted.REVOKED)), VerificationError, Untrusted.REVOKED, 44),
        (failing(ValueError("x")), LocalError, LocalMistake.PLUGIN_FAILED, 80),
        (answering(True), LocalError, LocalMistake.PLUGIN_FAILED, 80),
        (answering(VerifiedPeer("not a key", "x")), LocalError, None, None),
    ],
)
def test_a_verification_stage_that_fails(
    work: Any, kind: type[Exception], reason: Any, alert: int | None, slow: bool
) -> None:
    stage = Stage(work)
    if not slow:
        stage.verify = work  # type: ignore[method-assign]
    sides = pair(client_config(verification=stage)).pump()
    assert sides.client.connection.info is None
    if reason is None:
        # A key that no scheme accepts: whatever the server signed with does not fit it.
        assert sides.client.error is not None
        return
    assert isinstance(sides.client.error, kind)
    assert sides.client.error.reason is reason
    assert told(sides.server.error) == alert


@pytest.mark.parametrize(
    "result", [lambda s: None, lambda s: "text", failing(OSError("the HSM is gone")), bytearray]
)
def test_a_signer_that_fails(result: Any) -> None:
    stage = Stage(lambda _: slow_signer(pki.credential(), result))
    sides = pair(client_config(), server_config(credentials=stage)).pump()
    assert isinstance(sides.server.error, LocalError)
    assert sides.server.error.reason is LocalMistake.PLUGIN_FAILED
    assert told(sides.client.error) == 80
