"""Find the bundle that a user names. Layer: loader; looks at local files only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bundler import loader, values
from bundler.errors.bundle import BundleError, BundleNotFoundError, VersionRangeError
from bundler.model.lean import dataclass
from bundler.model.names import is_dns_label
from bundler.model.size import listed
from bundler.resolve.versions import Version, parse_range, parse_version

_HINT_PLACES = (
    "write the path of a folder with a slash; BUNDLER_BUNDLE_PATH adds folders of bundles, and BUNDLER_CATALOGUES "
    "catalogues"
)
_MOST_SHOWN = 20

BUNDLE_FILE = "bundle.yaml"
LOCK_FILE = "bundle.lock"
COMPONENTS = "components/"
"""Folder of the components that travel inside of a bundle."""
ARCHIVE_SUFFIX = ".tgz"
OCI_SCHEME = "oci://"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleLocation:
    """A bundle that was found, not yet read."""

    path: Path
    origin: str
    """As the user would name it again: the name, or the path."""
    found: str
    """Which one was taken, in words: ``bundle shop (shipped with bundler)``."""
    is_archive: bool
    is_shipped: bool = False
    """It is a part of bundler's own installation, and not the user's to change."""


def find_bundle(
    name_or_path: str,
    *,
    search_path: Sequence[Path] = (),
    accepts: str = "",
    elsewhere: Mapping[str, Sequence[str] | None] = MappingProxyType({}),
) -> BundleLocation:
    """Find a bundle by its spelling: a word is a name, anything with a slash or suffix a path.

    Names are looked up in ``search_path`` (folders that hold ``NAME/`` or ``NAME-VERSION.tgz``, of which the highest
    release is taken), then among the bundles shipped with bundler.

    Args:
        name_or_path: as typed.
        search_path: folders of bundles.
        accepts: a range that the version of an archive found by its name has to be in.
        elsewhere: places that were asked already, with the names that they have, for the error; None: not asked,
            because bundler is offline.

    Raises:
        BundleNotFoundError: naming where was looked.
    """
    if name_or_path.startswith(OCI_SCHEME):
        raise BundleNotFoundError(
            f"looking for bundle {name_or_path}",
            context=["a bundle in a registry is not a local file"],
            hint="fetch it with `bundler pull`, and give the path of the .tgz",
        )
    try:
        if _is_path(name_or_path):
            return _at_path(name_or_path)
        if (found := _by_name(name_or_path, search_path, accepts)) is not None:
            return found
    except (OSError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        hint = "check the path and its permissions"
        raise BundleNotFoundError(f"looking for bundle {name_or_path}", context=[reason], hint=hint) from error
    here = {str(folder): sorted(names_in(folder)) for folder in local_folders(search_path)}
    raise _unknown_name(name_or_path, {**here, **elsewhere})


def folder_to_write(location: BundleLocation, doing: str) -> Path:
    """Return the folder of a bundle that is to be written to.

    Raises:
        BundleError: when it is an archive, or a part of bundler's own installation.
    """
    if location.is_archive:
        found, hint = "it is an archive", "name the folder that it was packed from"
    elif location.is_shipped:
        found = f"{location.origin} is shipped with bundler, in {location.path}, and stays as it is"
        hint = f"name a folder of your own by its path, with a slash: ./{location.origin}"
    else:
        return location.path
    raise BundleError(doing, context=[found], hint=hint)


def split_name(text: str) -> tuple[str, str]:
    """Return name and version of ``NAME@VERSION``; both are empty for what is not a name, such as a path."""
    if text.startswith(OCI_SCHEME) or _is_path(text):
        return "", ""
    name, _, accepts = text.partition("@")
    return name, accepts


def local_folders(search_path: Sequence[Path]) -> list[Path]:
    """Return the folders in which names are looked up, in their order; the last one is shipped with bundler."""
    return [*search_path, loader.shipped.shipped_dir("bundles")]


def shipped_bundle(name: str) -> Path | None:
    """Return the folder of a bundle that comes with bundler; None where there is none of that name."""
    path = loader.shipped.shipped_dir("bundles") / name
    return path if is_dns_label(name) and (path / BUNDLE_FILE).is_file() else None


def known_names(search_path: Sequence[Path]) -> list[str]:
    """Return the names that :func:`find_bundle` finds, sorted."""
    return sorted(set().union(*map(names_in, local_folders(search_path))))


def is_known_here(name: str, search_path: Sequence[Path]) -> bool:
    """Return whether this machine has a bundle of a name, a folder of that name where we are included.

    Raises:
        BundleNotFoundError: when no one can say, because a folder of ``search_path`` is missing.
    """
    if name in known_names(search_path) or (Path(name) / BUNDLE_FILE).is_file():
        return True
    missing = [folder for folder in search_path if not folder.is_dir()]
    if not missing:
        return False
    raise BundleNotFoundError(
        f"looking for bundle {name}",
        context=[f"{folder} of BUNDLER_BUNDLE_PATH is missing, and might have it" for folder in missing],
        hint="restore the folder, or take it out of BUNDLER_BUNDLE_PATH: catalogues are asked only then",
    )


def names_in(folder: Path) -> set[str]:
    """Return the names of the bundles in a folder; none where there is no such folder."""
    archived = (_name_of(path.name.removesuffix(ARCHIVE_SUFFIX)) for path in folder.glob(f"*{ARCHIVE_SUFFIX}"))
    return {path.parent.name for path in folder.glob(f"*/{BUNDLE_FILE}")} | {name for name in archived if name}


def _name_of(stem: str) -> str:
    """Return the name in ``NAME-VERSION``, where versions may have dashes too; empty for anything else."""
    places = [place for place, letter in enumerate(stem) if letter == "-"]
    return next((stem[:place] for place in places if _version_in(stem[place + 1 :]) is not None), "")


def _is_path(text: str) -> bool:
    return "/" in text or text in {".", ".."} or text.endswith((ARCHIVE_SUFFIX, ".bundle"))


def _at_path(text: str) -> BundleLocation:
    path = Path(text).expanduser()
    doing = f"looking for bundle {text}"
    if text.endswith(".bundle"):
        found = "a delivery holds the bundle packed, and this verb works on its source"
        raise BundleNotFoundError(doing, context=[found], hint="give the path of a folder or a .tgz archive")
    if path.is_dir():
        if not (path / BUNDLE_FILE).is_file():
            hint = f"name a folder that holds {BUNDLE_FILE}, or make one with `bundler create`"
            raise BundleNotFoundError(doing, context=[f"the folder {path} has no {BUNDLE_FILE}"], hint=hint)
        return BundleLocation(path=path, origin=text, found=f"bundle {text}", is_archive=False)
    if path.is_file() and text.endswith(ARCHIVE_SUFFIX):
        return BundleLocation(path=path, origin=text, found=f"bundle {text}", is_archive=True)
    found = "is neither a folder nor a .tgz archive" if path.exists() else "does not exist"
    raise BundleNotFoundError(
        doing, context=[f"{path} {found}"], hint="check the path; a name without a slash looks for a shipped bundle"
    )


def _by_name(name: str, search_path: Sequence[Path], accepts: str) -> BundleLocation | None:
    for folder in search_path:
        if (found := in_folder(folder, name, accepts)) is not None:
            is_archive = found.suffix == ARCHIVE_SUFFIX
            return BundleLocation(path=found, origin=str(found), found=f"bundle {found}", is_archive=is_archive)

    if (path := shipped_bundle(name)) is not None:
        # The author of a bundle of the same name, in the folder above it, may mean that one.
        aside = f"; for the folder here, write ./{name}" if (Path(name) / BUNDLE_FILE).is_file() else ""
        found_as = f"bundle {name} (shipped with bundler{aside})"
        return BundleLocation(path=path, origin=name, found=found_as, is_archive=False, is_shipped=True)
    return None


def in_folder(folder: Path, name: str, accepts: str = "") -> Path | None:
    """Return where a folder has the bundle of a name: a folder, or the archive with the highest release.

    Args:
        folder: of bundles.
        name: of the bundle.
        accepts: a range that the version of an archive has to be in.
    """
    if not name or name.startswith("."):
        return None
    if (folder / name / BUNDLE_FILE).is_file():
        return folder / name
    versions = archives_in(folder, name)
    if accepts:
        wanted = parse_range(accepts)
        versions = {version: path for version, path in versions.items() if wanted.admits(version)}
    releases = [version for version in versions if not version.is_prerelease]
    return versions[max(releases or versions)] if versions else None


def archives_in(folder: Path, name: str) -> dict[Version, Path]:
    """Return the archives ``NAME-VERSION.tgz`` in a folder."""
    return {version: path for path in folder.glob("*.tgz") if (version := _version_of(path, name)) is not None}


def _version_of(path: Path, name: str) -> Version | None:
    if not path.name.startswith(f"{name}-"):
        return None
    return _version_in(path.name[len(name) + 1 : -len(ARCHIVE_SUFFIX)])


def _version_in(text: str) -> Version | None:
    try:
        return parse_version(text)
    except VersionRangeError:
        return None


def _unknown_name(name: str, places: Mapping[str, Sequence[str] | None]) -> BundleNotFoundError:
    known = {one for names in places.values() for one in names or ()}
    looked = [f"{place}: {_shown(names)}" for place, names in places.items()]
    if (Path(name) / BUNDLE_FILE).is_file():
        hint = f"write ./{name} for the folder, or oci://HOST/CATALOGUE#{name} for a bundle of a catalogue"
    else:
        near = values.problems.closest(name, sorted(known))
        hint = f"did you mean {near}? For a folder write its path, with a slash"
        hint = hint if near else _HINT_PLACES
    return BundleNotFoundError(f"looking for bundle {name}", context=looked, hint=hint)


def _shown(names: Sequence[str] | None) -> str:
    if names is None:
        return "not asked, because bundler is offline"
    return listed(names, _MOST_SHOWN) or "no bundles"
