"""The entry point ``stages``: the built-in credentials and verification stages.

The stages themselves are imported when one is made: X.509 would cost more at start-up than all algorithms.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from suitor.plug import Credential, Credentials, PeerVerification, StageFactory, hookimpl

Path = str | os.PathLike[str]


def sni(
    credentials: Sequence[Credential] = (),
    *,
    files: Sequence[tuple[Path, Path | None]] = (),
    password: str | bytes | None = None,
    strict: bool = False,
) -> Credentials:
    """SniCredentials of ``credentials`` and then those of ``files``: pairs of PEM files, the certificates
    (leaf first) and the private key (None: in the same file). ``password`` opens the keys that need one."""
    from suitor_plugins.credentials import SniCredentials, load_credential

    loaded = (load_credential(certificates, key, password) for certificates, key in files)
    return SniCredentials((*credentials, *loaded), strict=strict)


def web(**options: Any) -> PeerVerification:
    """WebVerification, which has the options ``roots``, ``max_depth`` and ``clock``."""
    from suitor_plugins.verification import WebVerification

    return WebVerification(**options)


def private(**options: Any) -> PeerVerification:
    """PrivateVerification, which has the options ``roots`` (required), ``max_depth`` and ``clock``."""
    from suitor_plugins.verification import PrivateVerification

    return PrivateVerification(**options)


def insecure() -> PeerVerification:
    """NoVerification."""
    from suitor_plugins.verification import NoVerification

    return NoVerification()


@hookimpl
def suitor_stages() -> Iterable[StageFactory]:
    return (
        StageFactory(
            StageFactory.CREDENTIALS,
            "sni",
            sni,
            "certificates by server name: exact, then wildcard, then the first as default",
        ),
        StageFactory(
            StageFactory.VERIFICATION, "web", web, "the public web's rules; the platform's roots or your own"
        ),
        StageFactory(
            StageFactory.VERIFICATION,
            "private",
            private,
            "what a sane private authority issues; your own roots",
        ),
        StageFactory(StageFactory.VERIFICATION, "insecure", insecure, "no check: for experiments alone"),
    )
