"""From the options of ``bundler image build`` to a request. Layer: cli."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bundler.cli.adapters.session import open_session
from bundler.errors import UsageError
from bundler.model.image_build import SCRATCH, Addition, ImageBuild, ImagePlace, ImageSettings, Owner
from bundler.model.lean import dataclass, replace
from bundler.model.oci import PLATFORM, normal_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bundler.cli.session.app import App
    from bundler.model.image_build import BuiltImage

T = TypeVar("T")

_OWNER = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?")
_MAX_ID = 2**32 - 2
_PORT = re.compile(r"([0-9]{1,5})(/(tcp|udp|sctp))?")
_MAX_PORT = 65_535
_VARIABLE = re.compile(r"[^=\s\x00-\x1f]+")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFlags:
    """Options of ``bundler image build``, as typed."""

    base: str
    additions: tuple[str, ...]
    to: str
    platforms: tuple[str, ...]
    entrypoint: str | None
    command: str | None
    env: tuple[str, ...]
    labels: tuple[str, ...]
    user: str | None
    workdir: str | None
    ports: tuple[str, ...]
    owner: str
    sbom_file: Path | None
    force: bool


def carry_out_build(app: App, flags: ImageFlags) -> BuiltImage:
    """Build as the options say.

    Raises:
        UsageError: with every option that cannot be taken.
        BundlerError: when it cannot be done; no tag names it then.
    """
    request = request_of(flags, time_s=app.settings.environment.archive_time_s)
    return open_session(app).build_image(request)


def request_of(flags: ImageFlags, *, time_s: int) -> ImageBuild:
    """Return what is asked for.

    Args:
        flags: as typed.
        time_s: seconds since 1970 that everything made carries.

    Raises:
        UsageError: with every option that cannot be taken.
    """
    read = _Reading()
    bases = read("--base", () if flags.base == SCRATCH else (flags.base,), _place)
    targets = read("--to", (flags.to,), _target)
    additions = read("--add", flags.additions, _addition)
    platforms = read("--platform", [one for text in flags.platforms for one in text.split(",")], _platform)
    entrypoints = read("--entrypoint", _given(flags.entrypoint), _words)
    commands = read("--cmd", _given(flags.command), _words)
    env, labels = read("--env", flags.env, _pair), read("--label", flags.labels, _pair)
    users, workdirs = read("--user", _given(flags.user), _user), read("--workdir", _given(flags.workdir), _workdir)
    ports, owners = read("--expose", flags.ports, _port), read("--owner", (flags.owner,), _owner)
    read.check()
    settings = ImageSettings(
        entrypoint=_first(entrypoints),
        command=_first(commands),
        env=env,
        labels=labels,
        user=_first(users),
        workdir=_first(workdirs),
        ports=ports,
    )
    return ImageBuild(
        base=_first(bases),
        to=targets[0],
        additions=additions,
        settings=settings,
        platforms=tuple(dict.fromkeys(platforms)),
        owner=owners[0],
        time_s=time_s,
        sbom_file=flags.sbom_file,
        is_forced=flags.force,
    )


class _Reading:
    """Reads options, and remembers what is wrong with them."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def __call__(self, option: str, texts: Sequence[str], parse: Callable[[str], T]) -> tuple[T, ...]:
        """Return what can be read of an option; the rest is a problem."""
        found: list[T] = []
        for text in texts:
            try:
                found.append(parse(text))
            except ValueError as error:
                self._problems.append(f"{option} {text}: {error}")
        return tuple(found)

    def check(self) -> None:
        """Report all problems.

        Raises:
            UsageError: when there are any.
        """
        if self._problems:
            hint = "correct these options; `bundler image build --help` describes them"
            raise UsageError("reading what the image is made of", context=self._problems, hint=hint)


def _given(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _first(found: tuple[T, ...]) -> T | None:
    return found[0] if found else None


def _place(text: str) -> ImagePlace:
    place = ImagePlace.parse(text)
    if place.ref is not None and (Path(text) / "index.json").is_file():
        raise ValueError(f"it is a folder here; write oci:{text} for the image in it")
    return replace(place, folder=str(Path(place.folder).expanduser())) if place.folder else place


def _target(text: str) -> ImagePlace:
    """Read where the image goes: in a registry under a tag that is said, because others read it there."""
    place = _place(text)
    if place.ref is not None and (place.ref.digest or ":" not in text.rpartition("/")[2]):
        raise ValueError("name a tag and no digest, like registry.example/app:1.0, or a folder, like oci:DIR")
    return place


def _addition(text: str) -> Addition:
    source, colon, target = text.rpartition(":")
    if not source or not colon or not target.startswith("/"):
        raise ValueError("write SRC:DST, where DST is an absolute path in the image, like ./src:/app")
    return Addition(source=Path(source).expanduser(), target=_absolute(target))


def _workdir(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("it is not an absolute path in the image, like /app")
    return _absolute(text).rstrip("/") or "/"


def _absolute(text: str) -> str:
    """Return a path in the image without what has no meaning in it; a slash at its end says that it is a folder."""
    if ".." in text.split("/"):
        raise ValueError("a path in the image has no .. in it")
    plain = "/" + posixpath.normpath(text).lstrip("/")
    return f"{plain.rstrip('/')}/" if text.endswith("/") else plain


def _platform(text: str) -> str:
    if not PLATFORM.fullmatch(text):
        raise ValueError("it is not a platform, like linux/amd64")
    return normal_platform(text)


def _words(text: str) -> tuple[str, ...]:
    """Read a command: a JSON list of texts, or words as a shell reads them; no shell runs it."""
    if not text.lstrip().startswith("["):
        return tuple(shlex.split(text))
    words = json.loads(text)
    if not all(isinstance(word, str) for word in words):
        raise ValueError('a JSON list holds texts alone, like ["python3", "/app/main.py"]')
    return tuple(words)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not _VARIABLE.fullmatch(name) or "\0" in value:
        raise ValueError("write NAME=VALUE")
    return name, value


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise ValueError("write UID, UID:GID or a name that the base knows, like 1000:1000")
    return text


def _owner(text: str) -> Owner:
    match = _OWNER.fullmatch(text)
    uid, gid = (int(match[1]), int(match[2] or match[1])) if match else (-1, -1)
    if not (0 <= uid <= _MAX_ID and 0 <= gid <= _MAX_ID):
        raise ValueError("write numbers, UID or UID:GID, like 1000:1000")
    return Owner(uid=uid, gid=gid)


def _port(text: str) -> str:
    match = _PORT.fullmatch(text)
    if match is None or not 0 < int(match[1]) <= _MAX_PORT:
        raise ValueError("write a port from 1 to 65535, with /udp or /sctp where it is not TCP, like 8080")
    return f"{int(match[1])}{match[2] or '/tcp'}"
