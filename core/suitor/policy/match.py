"""What a word in an edit stands for: names on a policy's lists, and names that could be put there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from suitor import registry
from suitor.errors import LocalError, LocalMistake
from suitor.policy.model import AXES, Policy

Lists = Mapping[str, tuple[str, ...]]
"""Names by the attribute of the policy that lists them."""

_PREFIXES: Lists = {
    "version": ("versions",),
    "suite": ("suites",),
    "group": ("groups",),
    "signature": ("signatures", "certificate_signatures"),
}
_PRIVATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]*")
# A word ends at an underscore and where one algorithm's name runs into the next, as in X25519MLKEM768.
_EDGE = re.compile(r"_|^|$|(?<=[A-Za-z0-9][0-9])(?=[A-Z])")


@frozen
class Meaning:
    """What one token stands for.

    ``listed``: names on the lists that it is. ``words``: names on the lists that it is whole words of.
    ``addable``: names that it is and that the lists lack. ``private``: no registry knows it, and its prefix
    says which list it is for.
    """

    listed: Lists
    words: Lists
    addable: Lists
    private: bool


def meaning(policy: Policy, token: str) -> Meaning:
    """Raises LocalError(BAD_POLICY) for a token that neither the policy nor the registry knows."""
    axes, name = _split(token)
    listed: dict[str, tuple[str, ...]] = {}
    words: dict[str, tuple[str, ...]] = {}
    addable: dict[str, tuple[str, ...]] = {}
    known = False
    for axis in axes:
        names, registered = getattr(policy, axis), _registered(axis)
        _put(listed, axis, (n for n in names if n.lower() == name.lower()))
        _put(words, axis, (n for n in names if _is_words_of(name, n)))
        if axis not in listed and _takes(policy, axis):
            _put(addable, axis, (n for n in registered if n.lower() == name.lower()))
        known = known or axis in words or any(_is_words_of(name, n) for n in registered)
    private = not known and ":" in token and "versions" not in axes and bool(_PRIVATE.fullmatch(name))
    if private:
        addable = {axis: (name,) for axis in axes if _takes(policy, axis)}
    elif not known:
        names = _all_names(policy)
        near = [*names, *(word for n in names for word in _EDGE.split(n) if word)]
        raise bad(f"{token} is neither a name nor words out of one{nearest(name, near)}")
    return Meaning(listed, words, addable, private)


def to_add(policy: Policy, token: str) -> Lists:
    """The name that ``token`` is, per list that may have it. Words are not enough: they would light far more
    than anybody meant. Raises LocalError(BAD_POLICY)."""
    found = meaning(policy, token)
    if not found.listed and not found.addable:
        raise bad(f"{token} is not a whole name{nearest(token, _all_names(policy))}")
    return {**found.listed, **found.addable}


def to_take_off(policy: Policy, token: str) -> Lists:
    """What is on the lists and is ``token``, or has it as words. Raises LocalError(BAD_POLICY)."""
    found = meaning(policy, token)
    if found.private:
        raise bad(f"{token} is not in {policy.name!r}")
    return found.listed or found.words


def to_pick(policy: Policy, token: str) -> Lists:
    """What ``token`` is: on the lists or to be added; otherwise what has it as words on the lists. Raises
    LocalError(BAD_POLICY)."""
    found = meaning(policy, token)
    picked = found.listed or found.addable or found.words
    if not picked:
        raise bad(f"nothing in {policy.name!r} matches {token}")
    return picked


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at what was meant, or nothing."""
    import difflib  # for errors only

    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, 3)
    return f"; did you mean {' or '.join(by_lower[name] for name in close)}?" if close else ""


def bad(detail: str) -> LocalError:
    return LocalError(LocalMistake.BAD_POLICY, detail)


def _put(lists: dict[str, tuple[str, ...]], axis: str, names: Iterable[str]) -> None:
    found = tuple(names)
    if found:
        lists[axis] = found


def _takes(policy: Policy, axis: str) -> bool:
    """An empty certificate_signatures means "the same as signatures", and one name would change that."""
    return axis != "certificate_signatures" or bool(policy.certificate_signatures)


def _split(token: str) -> tuple[Sequence[str], str]:
    """The lists that a token speaks of, and the rest of it."""
    prefix, colon, name = token.partition(":")
    if not colon:
        return AXES, token
    if prefix.lower() not in _PREFIXES:
        raise bad(f"{prefix}: is not one of {', '.join(f'{known}:' for known in _PREFIXES)}")
    return _PREFIXES[prefix.lower()], name


def _is_words_of(token: str, name: str) -> bool:
    starts = {edge.end() for edge in _EDGE.finditer(name)}
    ends = {edge.start() for edge in _EDGE.finditer(name)}
    token, low = token.lower(), name.lower()
    at = low.find(token) if token else -1
    while at >= 0:
        if at in starts and at + len(token) in ends:
            return True
        at = low.find(token, at + 1)
    return False


def _registered(axis: str) -> Sequence[str]:
    if axis == "versions":
        return [registry.version_name(code) for code in (registry.TLS13, registry.TLS12)]
    if axis == "suites":
        return [suite.name for suite in registry.suites().values() if not suite.signalling]
    table = registry.groups() if axis == "groups" else registry.schemes()
    return [row.name for row in table.values()]


def _all_names(policy: Policy) -> list[str]:
    return [name for axis in AXES for name in (*getattr(policy, axis), *_registered(axis))]
