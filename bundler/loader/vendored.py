"""What an archive carries for a bundle's components: their files, and the lock that names them. Layer: loader, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bundler.loader.locate import COMPONENTS, LOCK_FILE
from bundler.loader.lockfile import LockEntry, dump_lock
from bundler.model.bundle import Bundle, BundleFile, ComponentSpec
from bundler.model.lean import replace


def vendored_files(components: Iterable[ComponentSpec], bundles: Mapping[str, Bundle]) -> dict[str, BundleFile]:
    """Return the files of each component in its folder, and the lock.

    Args:
        components: as bundle.yaml names them.
        bundles: by component name, those that could be loaded; at least one.
    """
    found: dict[str, BundleFile] = {}
    entries = []
    for component in components:
        if (bundle := bundles.get(component.name)) is None:
            continue
        digest = bundle.digest.removeprefix("sha256:")
        entries.append(LockEntry(component.name, bundle.metadata.version, component.bundle, digest))
        for path, file in bundle.files.items():
            inner = f"{COMPONENTS}{component.name}/{path}"
            found[inner] = replace(file, path=inner)
    found[LOCK_FILE] = BundleFile(path=LOCK_FILE, content=dump_lock(entries).encode())
    return found
