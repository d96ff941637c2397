"""Load a bundle and its components into memory. Layer: loader; reads local files only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import bundler.loader
from bundler import archive
from bundler.errors import BundlerError
from bundler.loader.bundle_reader import BundleReader
from bundler.loader.definition import NO_FACTS
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.locate import (
    ARCHIVE_SUFFIX,
    COMPONENTS,
    LOCK_FILE,
    OCI_SCHEME,
    BundleLocation,
    known_names,
    shipped_bundle,
)
from bundler.loader.problems import Problems
from bundler.loader.schema_refs import load_schema
from bundler.loader.tree import read_directory
from bundler.model.bundle import Bundle, BundleFile, ComponentSpec
from bundler.model.digest import Digest, digest_of, tree_digest
from bundler.model.lean import dataclass, replace
from bundler.model.manifest import Source
from bundler.resolve.versions import parse_range, parse_version

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.loader.lockfile import LockEntry

    FetchComponent = Callable[[ComponentSpec, LockEntry | None], Path]

_Files = dict[str, BundleFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a bundle stands: on disk, and among the components."""

    directory: Path | None
    """None in an archive, and in what is vendored."""
    origin: str
    prefix: str = ""
    """The component's path with a slash, for messages and sources; empty for the top bundle."""
    above: tuple[Path, ...] = ()
    """Folders and archives of the bundles around this one."""

    @property
    def depth(self) -> int:
        """How many bundles stand around this one."""
        return self.prefix.count("/")


def load_bundle(
    location: BundleLocation,
    *,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
    fetch: FetchComponent | None = None,
    is_fresh: bool = False,
) -> Bundle:
    """Load the bundle at ``location``, components included; nothing is written.

    Args:
        location: where it is.
        limits: of what is read.
        fetch: brings a component that is in a registry, and is not vendored, as an archive on disk.
        is_fresh: fetch components from registries even where they are vendored; what bundle.lock says is not held.

    Raises:
        BundleInvalidError: with every problem of the bundle and its components, by file and line.
        ArchiveError, UnsafeArchiveError: when an archive cannot be read or trusted.
        RegistryError: what ``fetch`` raises.
    """
    bundle, problems = load_what_can_be(location, limits=limits, fetch=fetch, is_fresh=is_fresh)
    problems.raise_any(location.origin)
    return bundle


def load_what_can_be(
    location: BundleLocation,
    *,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
    fetch: FetchComponent | None = None,
    is_fresh: bool = False,
) -> tuple[Bundle, Problems]:
    """Load a bundle as :func:`load_bundle` does; what is broken is empty, and reported by the problems.

    Args:
        location: where the bundle is.
        limits: the largest sizes and counts to accept.
        fetch: gets a component from a registry; None refuses such components.
        is_fresh: read files again, whatever a cache holds.

    Raises:
        ArchiveError, UnsafeArchiveError: when an archive cannot be read or trusted.
        RegistryError: what ``fetch`` raises.
    """
    problems = Problems()
    loader = _Loader(problems, limits, fetch, is_fresh=is_fresh)
    path = location.path.resolve()
    if location.is_archive:
        place = _Place(directory=None, origin=location.origin, above=(path,))
        bundle = loader.bundle(_archive_files(path, limits, location.origin), place)
    else:
        place = _Place(directory=path, origin=location.origin, above=(path,))
        bundle = loader.bundle(read_directory(path, prefix="", limits=limits, problems=problems), place)
    return bundle, problems


def load_packed(content: bytes, *, origin: str, limits: LoadLimits = DEFAULT_LOAD_LIMITS) -> Bundle:
    """Load a bundle from the bytes of its archive: out of a delivery, or fresh from a registry.

    Args:
        content: a .tgz as ``bundler package`` writes it.
        origin: where it was taken from, as the user would name it.
        limits: on what it holds.

    Raises:
        BundleInvalidError: with every problem of the bundle and its components, by file and line.
        ArchiveError, UnsafeArchiveError: when it cannot be read or trusted.
    """
    problems = Problems()
    files = archive.reader.read_packed(content, name=origin, limits=limits.archive)
    bundle = _Loader(problems, limits).bundle(files, _Place(directory=None, origin=origin))
    problems.raise_any(origin)
    return bundle


def bundle_digest(files: Iterable[BundleFile]) -> Digest:
    """Return the digest of a bundle's files: path, mode (0644 or 0755) and content of each."""
    return tree_digest((file.path, 0o755 if file.is_executable else 0o644, digest_of(file.content)) for file in files)


def _archive_files(path: Path, limits: LoadLimits, name: str = "") -> _Files:
    # tarfile and gzip cost more to import than a small bundle to load, and folders do not need them

    return archive.reader.read_archive(path, name=name, limits=limits.archive)


class _Loader:
    """Loads bundles recursively and gathers problems; what is broken becomes empty, so that all of it is seen."""

    def __init__(
        self, problems: Problems, limits: LoadLimits, fetch: FetchComponent | None = None, *, is_fresh: bool = False
    ) -> None:
        self._problems, self._limits = problems, limits
        self._fetch, self._is_fresh = fetch, is_fresh

    def bundle(self, files: _Files, place: _Place) -> Bundle:
        """Make a bundle of its files."""
        reader = BundleReader(files, place.prefix, self._problems, self._limits.yaml)
        definition = reader.definition()
        component_bundles = self._components(definition, files, reader, place)
        if definition.upgrade.steps is not None:
            bundler.loader.step_rules.report_unknown_components(
                definition.upgrade.steps, component_bundles, self._problems
            )
        if place.directory is not None:  # what stands for components is made again from the components themselves
            files = {
                path: file for path, file in files.items() if not path.startswith(COMPONENTS) and path != LOCK_FILE
            }
            if component_bundles:
                files |= bundler.loader.vendored.vendored_files(definition.components, component_bundles)
            files = dict(sorted(files.items()))
        return replace(
            definition,
            digest=bundle_digest(files.values()),
            origin=place.origin,
            component_bundles=component_bundles,
            site_defaults={**NO_FACTS, **definition.site_defaults},
            defaults=reader.defaults(),
            schema=load_schema(files, prefix=place.prefix, problems=self._problems),
            templates=reader.templates(definition.upgrade),
            crds=reader.crds(),
            notes=reader.notes(),
            files=files,
        )

    def _components(self, definition: Bundle, files: _Files, reader: BundleReader, place: _Place) -> dict[str, Bundle]:
        vendored = {path.split("/")[1] for path in files if path.startswith(COMPONENTS) and path.count("/") > 1}
        for name in sorted(vendored.difference(component.name for component in definition.components)):
            message = "is not a component of bundle.yaml; remove the folder or declare it"
            self._problems.add(Source(f"{place.prefix}{COMPONENTS}{name}", 0), message)
        is_needed = vendored or any(_is_remote(component) for component in definition.components)
        locked = reader.locked() if is_needed else {}
        found = {}
        for component in definition.components:
            if not component.bundle:
                continue  # which is reported where it is
            bundle = self._component(component, files, place, locked)
            if bundle is not None:
                found[component.name] = bundle
                self._check_version(component, bundle)
        return found

    def _component(
        self, component: ComponentSpec, files: _Files, place: _Place, locked: Mapping[str, LockEntry]
    ) -> Bundle | None:
        if place.depth >= self._limits.max_component_depth:
            self._fail(component, f"components are nested deeper than the limit of {self._limits.max_component_depth}")
            return None
        path = _path_of(component, place)
        folder = f"{COMPONENTS}{component.name}/"
        inner = {
            name.removeprefix(folder): replace(file, path=name.removeprefix(folder))
            for name, file in files.items()
            if name.startswith(folder)
        }
        here = path if path is not None and _exists(path) else None
        if here is None and place.directory is not None and not inner:
            here = shipped_bundle(component.bundle)
        if here is not None:
            return self._from_path(component, here, place)
        is_fetched = _is_remote(component) and place.directory is not None and (self._is_fresh or not inner)
        if is_fetched and not _has_readable_range(component):
            return None  # which is reported where it is
        if is_fetched and self._fetch is not None:
            return self._fetched(component, self._fetch(component, locked.get(component.name)), place, locked)
        if inner:
            return self._vendored(component, inner, place, locked)
        self._fail(component, _missing(component, place, path))
        return None

    def _from_path(self, component: ComponentSpec, path: Path, place: _Place) -> Bundle | None:
        path = path.resolve()
        if path in place.above:
            way = " -> ".join(above.name for above in (*place.above[place.above.index(path) :], path))
            self._fail(component, f"the bundle contains itself: {way}")
            return None
        prefix = f"{place.prefix}{component.name}/"
        inner = _Place(directory=None, origin=component.bundle, prefix=prefix, above=(*place.above, path))
        if path.is_dir():
            files = read_directory(path, prefix=prefix, limits=self._limits, problems=self._problems)
            return self.bundle(files, replace(inner, directory=path))
        try:
            return self.bundle(_archive_files(path, self._limits), inner)
        except BundlerError as error:
            self._fail(component, f"{error}: {'; '.join(error.context)}")
            return None

    def _fetched(self, component: ComponentSpec, path: Path, place: _Place, locked: Mapping[str, LockEntry]) -> Bundle:
        prefix = f"{place.prefix}{component.name}/"
        inner = _Place(directory=None, origin=component.bundle, prefix=prefix, above=(*place.above, path))
        bundle = self.bundle(_archive_files(path, self._limits), inner)
        entry = locked.get(component.name)
        version = bundle.metadata.version
        is_held = entry is None or (f"sha256:{entry.sha256}", entry.version) == (bundle.digest, version)
        if not is_held and not self._is_fresh:
            self._fail(component, f"{version}, {bundle.digest}, is not what {LOCK_FILE} names; run `bundler lock`")
        return bundle

    def _vendored(
        self, component: ComponentSpec, files: _Files, place: _Place, locked: Mapping[str, LockEntry]
    ) -> Bundle | None:
        inner = replace(place, directory=None, origin=component.bundle, prefix=f"{place.prefix}{component.name}/")
        bundle = self.bundle(files, inner)
        entry = locked.get(component.name)
        if entry is None:
            self._fail(component, f"is vendored, and {LOCK_FILE} does not name it; package the bundle again")
        elif f"sha256:{entry.sha256}" != bundle.digest:
            self._fail(component, f"is vendored, and its files are not those that {LOCK_FILE} names")
        return bundle

    def _check_version(self, component: ComponentSpec, bundle: Bundle) -> None:
        version = bundle.metadata.version
        try:
            is_met = not component.version or parse_range(component.version).admits(parse_version(version))
        except BundlerError:
            return  # one of the two cannot be read, which is reported where it is
        if not is_met:
            self._fail(component, f'asks for version "{component.version}", and {component.bundle} is {version}')

    def _fail(self, component: ComponentSpec, message: str) -> None:
        self._problems.add(component.source, f"component {component.name}: {message}")


def _path_of(component: ComponentSpec, place: _Place) -> Path | None:
    """Return the path that a component names; None where it names none, or may not name one."""
    if place.directory is None or not _is_relative_path(component.bundle):
        return None
    return place.directory / component.bundle


def _is_remote(component: ComponentSpec) -> bool:
    return component.bundle.startswith(OCI_SCHEME)


def _has_readable_range(component: ComponentSpec) -> bool:
    try:
        parse_range(component.version)
    except BundlerError:
        return False
    return True


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, a folder that may not be entered
        return False


def _is_relative_path(text: str) -> bool:
    return not text.startswith("/") and "://" not in text and ("/" in text or text.endswith(ARCHIVE_SUFFIX))


def _missing(component: ComponentSpec, place: _Place, path: Path | None) -> str:
    vendored = f"and {COMPONENTS}{component.name}/ does not exist"
    if _is_remote(component):
        return f"{component.bundle} is in a registry, {vendored}; `bundler lock --vendor` puts it there"
    if place.directory is None:
        return f"{component.bundle} cannot be reached from an archive, {vendored}; package the bundle again"
    if path is None:
        known = f"or a bundle shipped with bundler: {', '.join(known_names([]))}"
        return f'"{component.bundle}" must be a path relative to the bundle, like ../{component.name}, {known}'
    return f"{component.bundle} does not exist, {vendored}"
