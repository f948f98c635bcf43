"""``suitor demo``: the story it tells is the one that happened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suitor.catalogue import default_catalogue
from suitor.cli.exits import Exit
from suitor.cli.story import ANSWER, QUESTION, SCHEMA, Story, collect
from suitor.decision import Axis, Verdict
from suitor.errors import NoAgreement
from suitor.events import TraceKind
from suitor.policy import find_policy
from tests.cli.running import suitor


def story_by(policy: str) -> Story:
    return collect(find_policy(policy), default_catalogue())


def test_the_story_of_a_handshake() -> None:
    story = story_by("modern")
    assert story.error is None
    assert story.info is not None
    assert [name for _, name in story.exchanged] == [QUESTION, ANSWER]
    messages = [(step.side, step.name) for step in story.steps if step.kind is TraceKind.MESSAGE]
    assert messages[0] == ("client", "ClientHello")
    assert messages[1] == ("server", "ServerHello")
    assert messages[-1] == ("client", "Finished")
    assert all(step.arrived is not None for step in story.steps if step.kind is TraceKind.MESSAGE)
    assert [step.at for step in story.steps] == sorted(step.at for step in story.steps)
    keys = {step.name for step in story.steps if step.kind is TraceKind.KEYS}
    assert keys == {
        "client_handshake_traffic_secret",
        "server_handshake_traffic_secret",
        "client_application_traffic_secret_0",
        "server_application_traffic_secret_0",
    }
    assert story.handshake_time is not None
    assert story.handshake_time > 0


def test_every_axis_has_one_winner_and_it_is_what_was_agreed() -> None:
    story = story_by("modern")
    assert story.info is not None
    taken = {note.axis: note.candidate for note in story.server_notes if note.verdict is Verdict.TAKEN}
    assert set(taken) == set(Axis)
    assert taken[Axis.VERSION] == story.info.version
    assert taken[Axis.SUITE] == story.info.suite
    assert taken[Axis.GROUP] == story.info.group
    assert taken[Axis.SIGNATURE] == story.info.signature
    assert taken[Axis.ALPN] == story.info.alpn
    offered = story.offered()
    assert taken[Axis.SUITE] in offered["suites"]
    assert taken[Axis.GROUP] in offered["key_shares"]
    assert offered["server_name"] == ["localhost"]


@pytest.mark.parametrize(
    ("policy", "field", "value"),
    [
        ("modern, only tls_chacha20_poly1305_sha256", "suite", "TLS_CHACHA20_POLY1305_SHA256"),
        ("modern, only secp384r1", "group", "secp384r1"),
        ("modern, prefer ed25519", "signature", "ed25519"),
        ("modern, only signature:rsa_pss_rsae_sha256", "signature", "rsa_pss_rsae_sha256"),
    ],
)
def test_the_policy_decides(policy: str, field: str, value: str) -> None:
    story = story_by(policy)
    assert story.error is None
    assert getattr(story.info, field) == value


def test_a_failure_is_told_too() -> None:
    story = story_by("modern, only signature:rsa_pss_rsae_sha384")
    assert story.info is None
    assert story.handshake_time is None
    assert story.error is not None
    assert story.error.reason is NoAgreement.NO_COMMON_SIGNATURE
    alerts = [(step.side, step.name) for step in story.steps if step.kind is TraceKind.ALERT]
    assert alerts == [("server", "handshake_failure")]


def run_json(*arguments: str) -> Any:
    done = suitor("demo", "--json", *arguments)
    assert done.err == ""
    return done.code, json.loads(done.out)


def test_json() -> None:
    code, told = run_json()
    assert code == Exit.SUCCESS
    assert set(told) == {
        "schema",
        "policy",
        "certificates",
        "offer",
        "candidates",
        "steps",
        "handshake_time",
        "agreed",
        "application_data",
        "error",
    }
    assert told["schema"] == SCHEMA == "suitor.demo/1"
    assert told["agreed"]["version"] == "TLSv1.3"
    assert told["agreed"]["peer"]["verified"] is True
    assert told["error"] is None


def test_json_of_a_failure() -> None:
    code, told = run_json("--policy", "modern, only signature:rsa_pss_rsae_sha384")
    assert code == Exit.NEGOTIATION
    assert told["agreed"] is None
    assert told["error"]["reason"] == "NO_COMMON_SIGNATURE"
    assert told["error"]["alert"] == "handshake_failure"


def test_plain_text_without_a_terminal() -> None:
    done = suitor("demo")
    assert (done.code, done.err) == (Exit.SUCCESS, "")
    text = done.out.decode("ascii")
    assert "\x1b" not in text
    for words in (
        "ClientHello",
        "TLS_AES_128_GCM_SHA256",
        "client_handshake_traffic_secret",
        ANSWER.decode(),
    ):
        assert words in text


def test_no_color_is_plain_on_a_terminal() -> None:
    assert b"\x1b" in suitor("demo", FORCE_COLOR="1", TERM="xterm-256color").out
    assert b"\x1b" not in suitor("demo", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").out


def test_secrets_stay_untold() -> None:
    """Nothing as long as a secret in hexadecimal is in the output."""
    told = suitor("demo", "--json").out.decode()
    words = "".join(c if c in "0123456789abcdef" else " " for c in told.lower()).split()
    assert max(map(len, words)) < 32
