"""Policies as TOML files.

Keys are the attributes of :class:`~suitor.policy.model.Policy`, plus ``base``::

    base = "modern"                 # start from a preset; without it every list must be given
    name = "ours"
    groups = ["x25519", "secp256r1"]
    hello_retry = "best-group"

    [winners]
    "group x25519" = "some-distribution"

    [limits]
    extensions = 50
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import asdict, evolve, fields

from suitor.errors import LocalError, LocalMistake
from suitor.policy.model import AXES, FLAGS, NUMBERS, HelloRetry, Limits, Policy, Preference
from suitor.policy.presets import PRESETS

_ENUMS: Mapping[str, type[Enum]] = {"preference": Preference, "hello_retry": HelloRetry}
_KEYS = ("base", *(attribute.name for attribute in fields(Policy)))
_REQUIRED = ("versions", "suites", "groups", "signatures")


def from_toml(text: str, *, name: str = "custom") -> Policy:
    """Read a policy; ``name`` is for a text that gives none. Raises LocalError(BAD_POLICY) naming the key."""
    import tomllib  # most programs read no policy file

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(str(error)) from None
    for key in table:
        if key not in _KEYS:
            raise _bad(f"unknown key {key}; known are {', '.join(_KEYS)}")
    base = table.pop("base", None)
    values: dict[str, Any] = {"name": name}
    values.update((key, _value(key, value)) for key, value in table.items())
    if base is not None:
        if not isinstance(base, str) or base not in PRESETS:
            raise _bad(f"base is not one of {', '.join(PRESETS)}")
        return evolve(PRESETS[base], **values)
    for key in _REQUIRED:
        if key not in values:
            raise _bad(f"{key} is missing, and there is no base")
    return Policy(**values)


def to_toml(policy: Policy) -> str:
    """The whole policy, with no base; :func:`from_toml` reads exactly the same policy back.

    Raises LocalError(MISSING_EXTRA) when the package that writes TOML is not installed.
    """
    try:
        import tomli_w
    except ImportError:
        raise LocalError(LocalMistake.MISSING_EXTRA, "pip install 'suitor[cli]' to write TOML") from None
    table = asdict(policy, recurse=False)
    for key in _ENUMS:
        table[key] = table[key].value
    table.update({axis: list(table[axis]) for axis in AXES})
    # Tables come last in TOML; whatever follows them would belong to them.
    table["winners"] = dict(table.pop("winners"))
    table["limits"] = asdict(table.pop("limits"))
    return tomli_w.dumps(table)


def _value(key: str, value: Any) -> Any:
    """The attribute for a key's TOML value. Raises LocalError(BAD_POLICY)."""
    if key in AXES:
        return _strings(key, value)
    if key in _ENUMS:
        choices = [member.value for member in _ENUMS[key]]
        if value not in choices:
            raise _bad(f"{key} is not one of {', '.join(choices)}")
        return _ENUMS[key](value)
    if key in NUMBERS:
        return _integer(key, value)
    if key in FLAGS:
        if not isinstance(value, bool):
            raise _bad(f"{key} is not true or false")
        return value
    if key == "winners":
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
            raise _bad("winners is not a table of strings")
        return value
    if key == "limits":
        return _limits(value)
    if not isinstance(value, str) or not value.strip():
        raise _bad(f"{key} is not a string with something in it")
    return value


def _strings(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise _bad(f"{key} is not a list of names")
    return tuple(value)


def _integer(key: str, value: Any) -> int:
    # bool is an int to Python, not to TOML.
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(f"{key} is not a whole number")
    return value


def _limits(value: Any) -> Limits:
    if not isinstance(value, dict):
        raise _bad("limits is not a table")
    known = [attribute.name for attribute in fields(Limits)]
    for key in value:
        if key not in known:
            raise _bad(f"unknown key limits.{key}; known are {', '.join(known)}")
    return Limits(**{key: _integer(f"limits.{key}", number) for key, number in value.items()})


def _bad(detail: str) -> LocalError:
    return LocalError(LocalMistake.BAD_POLICY, detail)
