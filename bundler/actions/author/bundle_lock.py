"""Write bundle.lock, or find where it and the components differ. Layer: actions; writes the bundle's folder."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.errors.bundle import ArchiveError, BundleError, LockDriftError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.loader.decode import Node
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.load import load_bundle
from bundler.loader.locate import COMPONENTS, LOCK_FILE, OCI_SCHEME, BundleLocation, folder_to_write
from bundler.loader.lockfile import LockEntry, decode_lock
from bundler.loader.problems import Problems
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import MarkedDocument, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.loader.load import FetchComponent
    from bundler.model.bundle import Bundle
    from bundler.model.values import Pointer

_HINT_RESTORE = "restore it from version control, or delete it and run `bundler lock` again"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockResult:
    """What is locked now."""

    path: Path
    entries: tuple[LockEntry, ...]
    changed: tuple[str, ...]
    """Names of components whose entry is another one than before, sorted."""
    vendored: int = 0
    """Files that were written below components/."""


def lock_components(
    location: BundleLocation,
    fetch: FetchComponent,
    *,
    vendors: bool = False,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
) -> LockResult:
    """Write bundle.lock, and with ``vendors`` the components from registries into ``components/``.

    Args:
        location: of a bundle in a folder.
        fetch: brings components from registries, the highest version in their range.
        vendors: whether to write them down.
        limits: how large a bundle may be.

    Raises:
        BundleError: when the bundle is an archive, shipped with bundler, or broken.
        RegistryError: when a component cannot be had.
    """
    _folder_of(location)
    folder = folder_to_write(location, f"locking the components of {location.origin}")
    before = {entry.name: entry for entry in _entries(_read_lock(folder)).values()}
    bundle = load_bundle(location, limits=limits, fetch=fetch, is_fresh=True)
    entries = _wanted(bundle)
    try:
        if entries or (folder / LOCK_FILE).exists():
            _write_lock(folder, bundle)
        vendored = _vendor(folder, bundle) if vendors else 0
    except OSError as error:
        found = [f"{error.filename or folder}: {error.strerror or error}"]
        hint = hint_to_write(error, "check the folder's permissions")
        raise ArchiveError(f"writing {LOCK_FILE} of {location.origin}", context=found, hint=hint) from error
    changed = {name for name, entry in entries.items() if before.get(name) != entry} | (set(before) - set(entries))
    return LockResult(
        path=folder / LOCK_FILE,
        entries=tuple(entries.values()),
        changed=tuple(sorted(changed)),
        vendored=vendored,
    )


def check_lock(
    location: BundleLocation, fetch: FetchComponent, *, limits: LoadLimits = DEFAULT_LOAD_LIMITS
) -> tuple[LockEntry, ...]:
    """Compare bundle.lock with bundle.yaml and the components; return what is locked.

    Args:
        location: of a bundle in a folder.
        fetch: brings components from registries, the version that is locked where that is in the range.
        limits: how large a bundle may be.

    Raises:
        LockDriftError: with a line for each difference.
        BundleError, RegistryError: when one of them cannot be read.
    """
    folder = _folder_of(location)
    document = _read_lock(folder)
    locked = _entries(document)
    bundle = load_bundle(location, limits=limits, fetch=fetch, is_fresh=True)
    drift = sorted(set(_drift(bundle, locked, document.lines)))
    if drift:
        raise LockDriftError(
            f"checking {LOCK_FILE} of {location.origin}",
            context=drift,
            hint=f"run `bundler lock {shlex.quote(location.origin)}`, and look at what changes",
        )
    return tuple(locked.values())


def _folder_of(location: BundleLocation) -> Path:
    if not location.is_archive:
        return location.path
    raise BundleError(
        f"locking the components of {location.origin}",
        context=["it is an archive, and holds its components and their lock already"],
        hint="name the folder that it was packed from",
    )


def _read_lock(folder: Path) -> MarkedDocument:
    path = folder / LOCK_FILE
    try:
        return read_document(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return read_document("")
    except (OSError, ValueError, YamlSyntaxError) as error:
        what = (
            f"{LOCK_FILE}:{error.line}: {error.problem}" if isinstance(error, YamlSyntaxError) else f"{path}: {error}"
        )
        raise BundleError(f"reading {path}", context=[what], hint=_HINT_RESTORE) from error


def _entries(document: MarkedDocument) -> dict[str, LockEntry]:
    if document.value is None:
        return {}
    problems = Problems()
    entries = decode_lock(Node.root(document, LOCK_FILE, problems))
    if problems:
        raise BundleError(f"reading {LOCK_FILE}", context=problems.lines(), hint=_HINT_RESTORE)
    return entries


def _wanted(bundle: Bundle) -> dict[str, LockEntry]:
    file = bundle.files.get(LOCK_FILE)
    return _entries(read_document(file.content.decode())) if file is not None and bundle.components else {}


def _drift(bundle: Bundle, locked: Mapping[str, LockEntry], lines: Mapping[Pointer, int]) -> Iterator[str]:
    places = {name: f"/components/{number}" for number, name in enumerate(locked)}
    declared = {component.name: component for component in bundle.components}
    for name, entry in _wanted(bundle).items():
        said = f"component {name}"
        if name not in locked:
            yield f"{declared[name].source}: {said} is not in {LOCK_FILE}"
            continue
        old, at = locked[name], places[name]
        if old.source != entry.source:
            yield f"{_at(lines, at, 'source')}: {said} comes from {old.source}; bundle.yaml says {entry.source}"
        elif old.version != entry.version:
            yield f"{_at(lines, at, 'version')}: {said} is locked at {old.version}, {entry.source} is {entry.version}"
        elif old.sha256 != entry.sha256:
            yield f"{_at(lines, at, 'sha256')}: {said} {old.version} has other files now: sha256 {entry.sha256}"
    for name in set(locked) - set(declared):
        yield f"{_at(lines, places[name], 'name')}: {name} is not a component of bundle.yaml any more"


def _at(lines: Mapping[Pointer, int], place: Pointer, key: str) -> str:
    return f"{LOCK_FILE}:{lines.get(f'{place}/{key}', lines.get(place, 0))}"


def _write_lock(folder: Path, bundle: Bundle) -> None:
    path = folder / LOCK_FILE
    file = bundle.files.get(LOCK_FILE)
    if file is None or not bundle.components:
        path.unlink(missing_ok=True)
        return
    write_whole(path, file.content)


def _vendor(folder: Path, bundle: Bundle) -> int:
    """Write components from registries below components/, each folder again."""
    written = 0
    for component in bundle.components:
        if not component.bundle.startswith(OCI_SCHEME):
            continue
        top = f"{COMPONENTS}{component.name}"
        shutil.rmtree(folder / top, ignore_errors=True)
        for path, file in bundle.files.items():
            if path.startswith(f"{top}/"):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.content)
                target.chmod(0o755 if file.is_executable else 0o644)
                written += 1
    return written
