"""What a user gives for one order: files, assignments, the site. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bundler import loader, values
from bundler.errors import BundlerError
from bundler.errors.bundle import ValuesFileError
from bundler.model.lean import dataclass, field, replace
from bundler.model.site import Site
from bundler.model.values import Assignment, AssignmentKind, LayerKind, UserLayers, ValuesLayer
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from bundler.model.json import Body

T = TypeVar("T")

_MAX_FILE_BYTES = 10 * 1024 * 1024
STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a user gives for a release: a site file, values files, a mapping, assignments; later ones win.

    Nothing is read before the values are used. What the values come to is recorded with the revision; the next upgrade
    that names no file starts from there.

    Example:
        >>> from bundler import Values
        >>> Values(data={"web": {"replicas": 3}}).names_files
        False
        >>> Values(files=("values-prod.yaml",), unset=("web.debug",)).names_files
        True
    """

    files: tuple[str, ...] = ()
    """Paths of YAML or JSON files; on the command line ``-`` is standard input."""
    data: Body = field(default_factory=dict)
    """Values as nested mappings, over those of the files; null deletes."""
    assignments: tuple[tuple[AssignmentKind, str], ...] = ()
    """The ``--set`` family, as ``PATH=VALUE`` in order; the value is typed by the bundle's schema."""
    unset: tuple[str, ...] = ()
    """Paths of recorded values to drop, like ``web.replicas``."""
    site: Path | None = None
    """The site file: its values come first, and its policy, registry and namespace hold."""

    @property
    def names_files(self) -> bool:
        """Return whether a values file or a site file is named: recorded values are then left aside."""
        return bool(self.files) or self.site is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInput:
    """Values read, not yet typed by a schema."""

    user: UserLayers
    named_site: Site | None = None
    """The site file; None where none is named."""
    names_files: bool = False
    """A values file or a site file was named: recorded values are then left aside."""

    @property
    def site(self) -> Site:
        """The site file, or one that says nothing."""
        return self.named_site or Site(name="", values=make_layer({}, LayerKind.SITE, ""))

    @property
    def facts(self) -> Body:
        """What templates see as ``site``."""
        return self.named_site.facts if self.named_site else {}


def read_inputs(given: Values, *, variables: Mapping[str, str], read_stdin: Callable[[], str]) -> UserInput:
    """Read all files and assignments of a command line.

    Args:
        given: as typed.
        variables: the environment, for ``--set-env``.
        read_stdin: returns standard input, for ``-f -``.

    Raises:
        ValuesFileError, ValuesPathError: with everything that cannot be read.
    """
    failures: list[BundlerError] = []
    site = _tried(partial(loader.site_file.load_site, given.site), failures) if given.site else None
    layers = [_tried(partial(_layer, name, read_stdin), failures) for name in given.files]
    if given.data:
        layers.append(_tried(partial(_mapping, given.data), failures))
    assignments = [_tried(partial(_assignment, kind, text, variables), failures) for kind, text in given.assignments]
    _raise_all(failures)
    user = UserLayers(
        layers=tuple(layer for layer in (site.values if site else None, *layers) if layer is not None),
        assignments=tuple(one for one in assignments if one is not None),
        unset=given.unset,
    )
    return UserInput(user=user, named_site=site, names_files=given.names_files)


def _tried(read: Callable[[], T], failures: list[BundlerError]) -> T | None:
    try:
        return read()
    except BundlerError as error:
        failures.append(error)
        return None


def _raise_all(failures: Sequence[BundlerError]) -> None:
    if len(failures) == 1:
        raise failures[0]
    if failures:
        lines = [f"{error}: {line}" for error in failures for line in error.context]
        raise ValuesFileError("reading the values given on the command line", context=lines, hint=failures[0].hint)


def _layer(name: str, read_stdin: Callable[[], str]) -> ValuesLayer:
    if name == STDIN:
        return loader.user_files.read_values(read_stdin(), source="standard input")
    return loader.user_files.load_values_file(Path(name).expanduser())


def _mapping(data: Body) -> ValuesLayer:
    wrong = [f"{path or 'the values'}: {found}" for path, found in _strange(data, "")]
    if wrong:
        hint = "give text, numbers, true, false, None, lists and mappings with text as keys"
        raise ValuesFileError("reading the values given as a mapping", context=wrong, hint=hint)
    return make_layer(data, LayerKind.FILE, "the values given")


def _strange(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield what no values file could say, by its path."""
    match value:
        case None | str() | bool() | int():
            return
        case float():
            if not isfinite(value):
                yield path, f"{value} is not a number"
        case Mapping():
            for key, item in value.items():
                if isinstance(key, str):
                    yield from _strange(item, f"{path}.{key}" if path else key)
                else:
                    yield path, f"the key {key!r} is not a string"
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _strange(item, f"{path}[{index}]")
        case _:
            yield path, f"{type(value).__name__} is not a value"


def _assignment(kind: AssignmentKind, text: str, variables: Mapping[str, str]) -> Assignment:
    plain = values.assignments.parse_assignment(text, kind=kind)
    match kind:
        case AssignmentKind.FILE:
            return replace(plain, text=_file_text(plain.typed))
        case AssignmentKind.ENV:
            return replace(plain, text=_variable(plain.typed, plain.path, variables))
        case _:
            return plain


def _file_text(name: str) -> str:
    path = Path(name).expanduser()
    doing = f"reading {name} for --set-file"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ValuesFileError(
                doing, context=[f"{path} is larger than {_MAX_FILE_BYTES} bytes"], hint="name a smaller file"
            )
        return path.read_bytes().decode()
    except OSError as error:
        raise ValuesFileError(
            doing, context=[f"{path}: {error.strerror or error}"], hint="check the path and its permissions"
        ) from error
    except ValueError as error:
        raise ValuesFileError(
            doing, context=[f"{path} is not UTF-8 text"], hint="encode it, with base64 say, and name that file"
        ) from error


def _variable(name: str, path: str, variables: Mapping[str, str]) -> str:
    doing = f"reading --set-env {path}={name}"
    if name in variables:
        return _readable(variables[name], name, doing)
    raise ValuesFileError(
        doing,
        context=[f"the variable {name} is not set"],
        hint=f"export {name}, or leave the option out",
    )


def _readable(text: str, name: str, doing: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"the variable {name} does not hold UTF-8 text"
        raise ValuesFileError(doing, context=[found], hint="encode it, with base64 say") from error
    return text
