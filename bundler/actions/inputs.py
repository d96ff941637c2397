"""What a user gives for one order: files, assignments, the site. Layer: actions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bundler.errors import BundlerError, ValuesFileError
from bundler.loader.user_files import load_values_file, read_values
from bundler.model.json import is_list, is_mapping
from bundler.model.lean import dataclass, field, replace
from bundler.model.site import Site
from bundler.model.values import AssignmentKind, LayerKind, UserLayers, ValuesLayer
from bundler.values.assignments import parse_assignment
from bundler.values.list_operators import readings
from bundler.values.merge import make_layer
from bundler.values.paths import Match, get_value, parse_path, pointer_steps
from bundler.values.schema_view import bundle_view
from bundler.values.user import is_secret_place
from bundler.values.validate import sensitive_pointers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bundler.model.bundle import Bundle
    from bundler.model.json import Body, JSONValue
    from bundler.model.values import Assignment

T = TypeVar("T")

_MAX_FILE_BYTES = 10 * 1024 * 1024
STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values as they stand on the command line."""

    files: tuple[str, ...] = ()
    """``-f``: paths, ``-`` for standard input."""
    assignments: tuple[tuple[AssignmentKind, str], ...] = ()
    """The ``--set`` family, in the order typed."""
    unset: tuple[str, ...] = ()
    site: Path | None = None

    @property
    def names_files(self) -> bool:
        """Tell whether a values file or a site file is named: recorded values are then left aside."""
        return bool(self.files) or self.site is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Values read, not yet typed by a schema."""

    user: UserLayers
    site: Site = field(default_factory=lambda: Site(name="", values=make_layer({}, LayerKind.SITE, "")))

    @property
    def facts(self) -> Body:
        """What templates see as ``site``."""
        return self.site.facts


def read_inputs(given: Given, *, variables: Mapping[str, str], read_stdin: Callable[[], str]) -> Inputs:
    """Read all files and assignments of a command line.

    Args:
        given: as typed.
        variables: the environment, for ``--set-env``.
        read_stdin: returns standard input, for ``-f -``.

    Raises:
        ValuesFileError, ValuesPathError: with everything that cannot be read.
    """
    failures: list[BundlerError] = []
    site = _tried(partial(_load_site, given.site), failures) if given.site else None
    layers = [_tried(partial(_layer, name, read_stdin), failures) for name in given.files]
    assignments = [_tried(partial(_assignment, kind, text, variables), failures) for kind, text in given.assignments]
    _raise_all(failures)
    user = UserLayers(
        layers=tuple(layer for layer in (site.values if site else None, *layers) if layer is not None),
        assignments=tuple(one for one in assignments if one is not None),
        unset=given.unset,
    )
    return Inputs(user=user, site=site) if site else Inputs(user=user)


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


def _load_site(path: Path) -> Site:
    from bundler.loader.site_file import load_site  # noqa: PLC0415 - only those who name a site pay for it

    return load_site(path)


def _layer(name: str, read_stdin: Callable[[], str]) -> ValuesLayer:
    if name == STDIN:
        return read_values(read_stdin(), source="standard input")
    return load_values_file(Path(name).expanduser())


def _assignment(kind: AssignmentKind, text: str, variables: Mapping[str, str]) -> Assignment:
    plain = parse_assignment(text, kind=kind)
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
        return path.read_text("utf-8")
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


def sensitive_texts(bundle: Bundle, inputs: Inputs) -> set[str]:
    """Return the strings that were given at places which the bundle's schemas call sensitive."""
    view = bundle_view(bundle)
    found: set[str] = set()
    for layer in inputs.user.layers:
        for data in readings(layer.data, view):
            for pointer in sensitive_pointers(data, view):
                found |= set(_texts(get_value(data, pointer_steps(pointer, data))))
    for assignment in inputs.user.assignments:
        place = [0 if isinstance(step, Match) else step for step in parse_path(assignment.path)]
        if is_secret_place(view, place):
            found |= {assignment.text, assignment.typed if not assignment.names_its_content else ""}
    return found - {""}


def _texts(value: JSONValue) -> Iterator[str]:
    if is_mapping(value):
        for item in value.values():
            yield from _texts(item)
    elif is_list(value):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
