"""What this side accepts, in preference order: presets, small edits to them, and TOML files.

``find_policy("modern, without chacha20, prefer secp384r1")`` is how people name one;
:mod:`suitor.policy.edits` has the grammar, :mod:`suitor.policy.toml` the file format.
"""

from suitor.policy.edits import edit, find_policy
from suitor.policy.model import AXES, HelloRetry, Limits, Policy, Preference
from suitor.policy.presets import COMPATIBLE, LEGACY, MODERN, PRESETS
from suitor.policy.toml import from_toml, to_toml

__all__ = [
    "AXES",
    "COMPATIBLE",
    "LEGACY",
    "MODERN",
    "PRESETS",
    "HelloRetry",
    "Limits",
    "Policy",
    "Preference",
    "edit",
    "find_policy",
    "from_toml",
    "to_toml",
]
