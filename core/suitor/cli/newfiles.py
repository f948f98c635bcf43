"""New files, all of them or none, and never over old ones unless told so."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from suitor.errors import LocalError, LocalMistake

_SECRET_MODE = 0o600
_PUBLIC_MODE = 0o644


@frozen
class NewFile:
    """A file to write. A ``secret`` one can be read by its owner alone, from its first instant. ``replace``
    allows to overwrite."""

    path: Path
    data: bytes = field(repr=False)
    secret: bool = False
    replace: bool = False


def write_all(files: Sequence[NewFile]) -> None:
    """Write all files, or none. Each stands complete under its name or not at all.

    Raises LocalError(FILE_EXISTS) for a file that is there already and may not be replaced, and OSError for
    what the system refuses. What was replaced before an error stays replaced; everything is staged first, so
    that only renames are left to fail.
    """
    paths = [file.path for file in files]
    if len(set(paths)) != len(paths):
        raise LocalError(LocalMistake.BAD_INPUT, "two of the files to write would have the same name")
    for file in files:
        if file.path.is_dir() or (not file.replace and os.path.lexists(file.path)):
            raise _exists(file.path)
    staged: list[Path] = []
    placed: list[Path] = []
    try:
        for file in files:
            staged.append(_stage(file))
        for file, temporary in zip(files, staged, strict=True):
            if file.replace:
                os.replace(temporary, file.path)
            else:
                _place(temporary, file.path)
                placed.append(file.path)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    finally:
        for temporary in staged:
            temporary.unlink(missing_ok=True)


def _stage(file: NewFile) -> Path:
    """The file under a name of its own beside its place."""
    temporary = file.path.with_name(f".{file.path.name}.{secrets.token_hex(8)}")
    mode = _SECRET_MODE if file.secret else _PUBLIC_MODE
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, mode), "wb") as stream:
            stream.write(file.data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _place(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)  # unlike a rename, fails when somebody else was quicker
    except FileExistsError:
        raise _exists(path) from None
    except OSError:
        # File systems without hard links.
        if os.path.lexists(path):
            raise _exists(path) from None
        os.rename(temporary, path)


def _exists(path: Path) -> LocalError:
    return LocalError(LocalMistake.FILE_EXISTS, f"{path} (--force overwrites)")
