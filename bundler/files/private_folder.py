"""Folders that no one else can change. Layer: files; standard library alone, as bundler in one file begins with it.

What is checked by its path may be another file when it is opened. So a folder is opened from the root down, each step
by a descriptor of the one above it, and what was checked is what is used. In a folder that passes, every name stays
what it is: only this user and root could change it, or a folder above it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_private(path: str | os.PathLike[str], *, create: bool) -> int | None:
    """Return a descriptor of a folder; None where it cannot be opened, or where others may change what is in it.

    Args:
        path: of the folder; links in it are followed first.
        create: whether to make what is missing, for this user alone.
    """
    user = os.geteuid()
    try:
        here = os.open("/", _FOLDER)
        for name in os.path.realpath(path).split("/"):
            if name:
                here = _below(here, name, user, create=create)
        if is_own(os.fstat(here), user):
            return here
        os.close(here)
    except OSError:
        return None
    return None


def weak_place(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the first folder from the root down for which :func:`open_private` refuses one, and why, for a message."""
    user, last = os.geteuid(), Path(os.path.realpath(path))
    for place in [*reversed(last.parents), last]:
        try:
            found = place.lstat()
        except OSError as error:
            return place, f"cannot be opened: {error.strerror}"
        if not stat.S_ISDIR(found.st_mode):
            return place, "is not a folder"
        if not (is_own(found, user) if place == last else _keeps_names(found, user)):
            return place, f"belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):o}"
    return last, "cannot be opened"


def is_own(found: os.stat_result, user: int) -> bool:
    """Return whether a file or folder belongs to a user, and no one else may write to it."""
    return found.st_uid == user and not _others_may_write(found, user)


def _keeps_names(found: os.stat_result, user: int) -> bool:
    """Return whether no one but a user and root can rename or replace what is theirs in a folder."""
    # Where a folder is sticky, as /tmp is, others cannot rename what is not theirs.
    is_kept = bool(found.st_mode & stat.S_ISVTX) or not _others_may_write(found, user)
    return found.st_uid in {user, 0} and is_kept


def _below(above: int, name: str, user: int, *, create: bool) -> int:
    """Open a folder in another, which is closed; refuse one whose names others may change."""
    try:
        if not _keeps_names(os.fstat(above), user):
            raise PermissionError
        if create:
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=above)
        return os.open(name, _FOLDER, dir_fd=above)
    finally:
        os.close(above)


def _others_may_write(found: os.stat_result, user: int) -> bool:
    """Return whether a mode lets others write; a group with the user's own number is theirs alone, by custom."""
    is_alone = found.st_gid == found.st_uid == user
    return bool(found.st_mode & (stat.S_IWOTH if is_alone else stat.S_IWOTH | stat.S_IWGRP))
