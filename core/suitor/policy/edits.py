"""Naming a policy, and changing it in a few words.

A policy is named by a preset or a TOML file, optionally followed by edits, all separated by commas::

    modern, without chacha20, prefer secp384r1, shares 2
    ./ours.toml, with x448

====================================  =====================================================================
edit                                  meaning
====================================  =====================================================================
``without TOKEN ...``                 take every match off its list
``with NAME ...``                     put names at the end of their list, where they are not on it yet
``prefer TOKEN ...``                  move matches to the front, in that order; a name is added if absent
``only TOKEN ...``                    keep just the matches, in that order, on every list that is touched
``preference server|client``          whose order decides a server's choice
``retry avoid|best-group``            whether a server asks again for its best group
``shares N``                          how many key shares a client sends at once
``minimum-cipher|group|signature N``  floors, in bits (``minimum-cipher 256``)
``middlebox-compat on|off``           RFC 8446 appendix D.4
``certificate-compression on|off``    RFC 8879, where installed
``retry-cookie on|off``               a server's HelloRetryRequest carries a cookie (RFC 8446 section 4.2.2)
``record-padding N``                  pad protected records to a multiple of N bytes (RFC 8446 section 5.4)
====================================  =====================================================================

A NAME is IANA's name of a version, suite, group or signature scheme. A TOKEN is a NAME, or some whole words
out of one: ``chacha20``, ``aes_128_gcm``, ``cbc``, ``mlkem768``. Case does not matter. A TOKEN that is a NAME
on the list means that one alone: ``without x25519`` leaves X25519MLKEM768.

``suite:``, ``group:``, ``signature:`` or ``version:`` before it limits it to that list: ``without suite:rsa``
leaves the signatures. A private name that the registry does not know needs the prefix, and is taken as it
stands (``with group:ours``). What matches nothing is an error that says what comes nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve

from suitor.errors import LocalError, LocalMistake
from suitor.policy.match import Lists, bad, nearest, to_add, to_pick, to_take_off
from suitor.policy.model import HelloRetry, Policy, Preference
from suitor.policy.presets import PRESETS
from suitor.policy.toml import from_toml

T = TypeVar("T")


def find_policy(spec: str) -> Policy:
    """The policy that ``spec`` names: a preset or a file, then edits (see this module's text).

    Raises LocalError: UNKNOWN_POLICY for the first part, BAD_POLICY for a file's contents or an edit.
    """
    first, *edits = (part.strip() for part in spec.split(","))
    policy = PRESETS.get(first.lower()) or _read(first)
    for text in edits:
        policy = edit(policy, text)
    return policy


def edit(policy: Policy, text: str) -> Policy:
    """One or more edits, separated by commas; the result's name tells them. Raises LocalError(BAD_POLICY)."""
    for part in text.split(","):
        words = part.split()
        if not words:
            raise bad("an empty edit")
        verb, arguments = words[0].lower(), words[1:]
        if verb not in _VERBS:
            raise bad(f"{words[0]} is not an edit{nearest(verb, _VERBS)}")
        if not arguments:
            raise bad(f"{verb} needs something after it")
        name = f"{policy.name}, {' '.join([verb, *arguments])}"
        policy = _changed(_VERBS[verb](policy, verb, arguments), name=name)
    return policy


def _read(first: str) -> Policy:
    path = Path(first)
    if not first or not (path.suffix == ".toml" or "/" in first or path.is_file()):
        hint = nearest(first, PRESETS)
        raise LocalError(LocalMistake.UNKNOWN_POLICY, f"{first!r}{hint}; presets are {', '.join(PRESETS)}")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LocalError(LocalMistake.UNKNOWN_POLICY, f"{first}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise bad(f"{first} is not UTF-8 text") from None
    return from_toml(text, name=path.stem)


# --- lists ------------------------------------------------------------------------------------------------


def _without(policy: Policy, _verb: str, tokens: Sequence[str]) -> Policy:
    gone = _joined(to_take_off(policy, token) for token in tokens)
    return _with_lists(
        policy,
        {axis: tuple(n for n in getattr(policy, axis) if n not in names) for axis, names in gone.items()},
    )


def _with(policy: Policy, _verb: str, tokens: Sequence[str]) -> Policy:
    added = _joined(to_add(policy, token) for token in tokens)
    return _with_lists(
        policy,
        {axis: tuple(dict.fromkeys((*getattr(policy, axis), *names))) for axis, names in added.items()},
    )


def _prefer(policy: Policy, _verb: str, tokens: Sequence[str]) -> Policy:
    first = _joined(to_pick(policy, token) for token in tokens)
    return _with_lists(
        policy,
        {axis: tuple(dict.fromkeys((*names, *getattr(policy, axis)))) for axis, names in first.items()},
    )


def _only(policy: Policy, _verb: str, tokens: Sequence[str]) -> Policy:
    return _with_lists(policy, _joined(to_pick(policy, token) for token in tokens))


def _joined(parts: Iterable[Lists]) -> Lists:
    """Several tokens' names, in the order of the tokens."""
    joined: dict[str, dict[str, None]] = {}
    for part in parts:
        for axis, names in part.items():
            joined.setdefault(axis, {}).update(dict.fromkeys(names))
    return {axis: tuple(names) for axis, names in joined.items()}


def _with_lists(policy: Policy, lists: Lists) -> Policy:
    for axis, names in lists.items():
        if not names:
            raise bad(f"that leaves no {axis.replace('_', ' ')} in {policy.name!r}")
    return _changed(policy, **lists)


def _changed(policy: Policy, **attributes: Any) -> Policy:
    return evolve(policy, **attributes)


# --- settings ---------------------------------------------------------------------------------------------


def _set_preference(policy: Policy, verb: str, arguments: Sequence[str]) -> Policy:
    choices = {choice.value: choice for choice in Preference}
    return _changed(policy, preference=_choice(verb, arguments, choices))


def _set_retry(policy: Policy, verb: str, arguments: Sequence[str]) -> Policy:
    choices = {choice.value: choice for choice in HelloRetry}
    return _changed(policy, hello_retry=_choice(verb, arguments, choices))


def _set_number(policy: Policy, verb: str, arguments: Sequence[str]) -> Policy:
    digits = arguments[0]
    # A number that needs more digits than this bounds nothing; int() refuses very long ones besides.
    if len(arguments) != 1 or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise bad(f"{verb} needs one whole number")
    attribute = "key_shares" if verb == "shares" else verb.replace("-", "_")
    return _changed(policy, **{attribute: int(digits)})


def _set_flag(policy: Policy, verb: str, arguments: Sequence[str]) -> Policy:
    choices = {"on": True, "off": False}
    return _changed(policy, **{verb.replace("-", "_"): _choice(verb, arguments, choices)})


def _choice(verb: str, arguments: Sequence[str], choices: Mapping[str, T]) -> T:
    if len(arguments) != 1 or arguments[0].lower() not in choices:
        raise bad(f"{verb} needs one of {', '.join(choices)}")
    return choices[arguments[0].lower()]


_VERBS: Mapping[str, Callable[[Policy, str, Sequence[str]], Policy]] = {
    "without": _without,
    "with": _with,
    "prefer": _prefer,
    "only": _only,
    "preference": _set_preference,
    "retry": _set_retry,
    "shares": _set_number,
    "minimum-cipher": _set_number,
    "minimum-group": _set_number,
    "minimum-signature": _set_number,
    "middlebox-compat": _set_flag,
    "certificate-compression": _set_flag,
    "retry-cookie": _set_flag,
    "record-padding": _set_number,
}
