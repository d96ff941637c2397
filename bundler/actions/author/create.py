"""Make a new bundle that lints clean and installs where Pod Security is enforced. Layer: actions; writes files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from bundler.errors import UsageError
from bundler.errors.bundle import BundleError
from bundler.errors.disk import hint_to_write
from bundler.loader.load import load_bundle
from bundler.loader.locate import BUNDLE_FILE, find_bundle, known_names, shipped_bundle
from bundler.model.names import NAME_MAX_CHARS, is_dns_label

_STARTER = Path(__file__).with_name("starter")
_PLACEHOLDER = "@NAME@"
_RENAMED = {"bundleignore": ".bundleignore"}
_WORKLOAD = Path("templates", "web.yaml")
_ENV_FROM = "          envFrom:\n"
_SECRET, _SECRET_KEY = "secret", "secretKey"
"""Outputs that name the Secret with a bundle's password."""


def create_bundle(folder: Path, components: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write a small bundle into a new or empty folder, named after it; return the files written, sorted.

    Args:
        folder: to make.
        components: shipped bundles that it is to be made of too.

    Raises:
        UsageError: when the folder's name cannot be a bundle's, or a component is none that is shipped.
        BundleError: when the folder exists already, or cannot be written.
    """
    name = folder.resolve().name if folder.name in {"", ".."} else folder.name
    if not is_dns_label(name) or len(name) > NAME_MAX_CHARS:
        raise UsageError(
            f"creating bundle {name}",
            context=[f"{name!r} is not a name of a bundle"],
            hint=f"use small letters, digits and dashes, at most {NAME_MAX_CHARS}: `bundler create my-app`",
        )
    _check_shipped(components, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError(
            f"creating bundle {name}",
            context=[f"{folder} exists already and is not empty"],
            hint="choose another name, or remove the folder first",
        )
    was_there = folder.exists()
    try:
        files = tuple(_written(source, folder, name) for source in sorted(_STARTER.rglob("*")) if source.is_file())
        _add_components(folder, tuple(dict.fromkeys(components)))
    except OSError as error:
        _remove_begun(folder, was_there=was_there)
        raise BundleError(
            f"creating bundle {name}",
            context=[f"{error.filename or folder}: {error.strerror or error}"],
            hint=hint_to_write(error, "choose a folder that you can write to"),
        ) from error
    return files


def _remove_begun(folder: Path, *, was_there: bool) -> None:
    """Remove what was written of a bundle, since the next run refuses a folder that holds anything."""
    for path in folder.iterdir() if was_there else [folder]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _check_shipped(components: Sequence[str], name: str) -> None:
    unknown = [repr(component) for component in components if shipped_bundle(component) is None]
    if unknown:
        raise UsageError(
            f"creating bundle {name}",
            context=[f"{', '.join(unknown)} is not shipped with bundler"],
            hint=f"choose from {', '.join(known_names([]))}; other bundles go into {BUNDLE_FILE} by their path",
        )


def _add_components(folder: Path, names: Sequence[str]) -> None:
    """Name the components at the head of the spec, and pass their outputs to the application as variables."""
    if not names:
        return
    lines = "".join(f"    - {{name: {name}, bundle: {name}}}\n" for name in names)
    needs = f"  needs: [{', '.join(names)}]  # the application starts when they are ready\n"
    _replace(folder / BUNDLE_FILE, "\nspec:\n", f"\nspec:\n  components:\n{lines}{needs}")
    variables = "".join(line for name in names for line in _variables(name))
    _replace(folder / _WORKLOAD, _ENV_FROM, f"          env:\n{variables}{_ENV_FROM}")


def _replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")


def _variables(component: str) -> Iterator[str]:
    """Yield environment variables for the outputs of a shipped bundle; its Secret stays one."""
    told = {output.name for output in load_bundle(find_bundle(component)).outputs}
    place, prefix = f"components.{component}.outputs", component.upper()
    for name in sorted(told - {_SECRET, _SECRET_KEY}):
        yield f"            - {{name: {prefix}_{name.upper()}, value: {{{{ {place}.{name} | string | quote }}}}}}\n"
    if {_SECRET, _SECRET_KEY} <= told:
        yield f"            - name: {prefix}_PASSWORD\n              valueFrom:\n                secretKeyRef:\n"
        for key, output in (("name", _SECRET), ("key", _SECRET_KEY)):
            yield f"                  {key}: {{{{ {place}.{output} }}}}\n"


def _written(source: Path, folder: Path, name: str) -> Path:
    inside = source.relative_to(_STARTER)
    target = folder / inside.with_name(_RENAMED.get(inside.name, inside.name))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text("utf-8").replace(_PLACEHOLDER, name), "utf-8")
    return target
