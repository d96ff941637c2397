"""Write into bundle.yaml what a bundle's objects reach. Layer: actions; writes the bundle's folder."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bundler.actions.author.lint import order_of
from bundler.actions.compose.compose import render_context, values_of
from bundler.actions.delivery.switches import find_switches, order_with
from bundler.errors import BundlerError
from bundler.errors.bundle import BundleError
from bundler.expressions.compiled import CompiledCodes
from bundler.files.whole_file import write_whole
from bundler.images.matrix import make_matrix
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.load import load_bundle
from bundler.loader.locate import BUNDLE_FILE, BundleLocation, folder_to_write
from bundler.model.json import is_mapping, mapping_at
from bundler.planning.reach import declaration_of, find_reach
from bundler.ports import UNCONFINED, Confinement
from bundler.render.bundle import render_bundle
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import MarkedDocument, read_document
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.actions.compose.user_values import UserInput
    from bundler.loader.load import FetchComponent
    from bundler.model.bundle import Reach
    from bundler.model.change import ReachNote

_COMMENT = re.compile(r"""\s+#[^'"]*$""")
_MAX_COLUMNS = 120


def declare_reach(
    location: BundleLocation,
    inputs: UserInput,
    *,
    namespace: str = "default",
    fetch: FetchComponent | None = None,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
    confinement: Confinement = UNCONFINED,
) -> dict[str, tuple[str, ...]]:
    """Add to ``spec.reach`` of bundle.yaml what the bundle reaches and does not declare; return what was added.

    Looked at are the order as given, and the settings over the bundle's switches that ``images`` tries too.

    Args:
        location: of a bundle in a folder.
        inputs: values to order it with, for bundles that cannot do without.
        namespace: where the release would be installed.
        fetch: brings components that are in registries.
        limits: how large a bundle may be.
        confinement: runs what the bundle's templates and expressions make of it.

    Raises:
        BundleError: when it is an archive, shipped with bundler, or broken, or the file cannot be written.
        BundlerError: when the order as given cannot be rendered.
    """
    folder = folder_to_write(location, f"writing the reach of {location.origin}")
    order = order_of(load_bundle(location, limits=limits, fetch=fetch), inputs, CompiledCodes(), namespace=namespace)
    missing = confinement.run(
        lambda: declaration_of(note for note in _notes(order) if note.is_undeclared),
        doing=f"looking for the reach of {location.origin}",
    )
    if not missing:
        return {}
    declared = _as_written(order.bundle.reach)
    keys = dict.fromkeys((*declared, *missing))
    wanted = {key: tuple(sorted({*declared.get(key, ()), *missing.get(key, ())})) for key in keys}
    path = folder / BUNDLE_FILE
    try:
        text = path.read_bytes().decode()
        written = with_reach(text, wanted)
        write_whole(path, written.encode(), mode=stat.S_IMODE(path.stat().st_mode))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"writing the reach of {order.bundle.origin}",
            context=[f"{path}: {error}"],
            hint=f"write it under spec yourself: reach: {_in_flow(wanted)}",
        ) from error
    return missing


def with_reach(text: str, wanted: Mapping[str, tuple[str, ...]]) -> str:
    """Return the text of bundle.yaml with other lists in ``spec.reach``; every other line stays as it is.

    Raises:
        ValueError: when the text is written in a way that this cannot change.
    """
    try:
        return _checked(text, _Page(text).with_reach(wanted), wanted)
    except YamlSyntaxError as error:
        raise ValueError(f"line {error.line}: {error.problem}") from error


def _notes(order: RenderRequest) -> Iterator[ReachNote]:
    with order.codes:
        values = values_of(order)
        for variant in make_matrix(find_switches(order, values)).variants:
            try:
                yield from _notes_of(order_with(order, variant))
            except BundlerError:
                if not variant:
                    raise


def _notes_of(order: RenderRequest) -> tuple[ReachNote, ...]:
    values = values_of(order)
    rendering = render_bundle(order.bundle, values, render_context(order, None))
    return find_reach(
        rendering.manifests,
        namespace=order.namespace,
        declared=rendering.reach,
        generated=rendering.generated,
    )


def _as_written(reach: Reach) -> dict[str, tuple[str, ...]]:
    lists = {"clusterScoped": reach.cluster_scoped, "namespaces": reach.namespaces, "grants": reach.grants}
    return {key: names for key, names in lists.items() if names}


def _in_flow(wanted: Mapping[str, tuple[str, ...]]) -> str:
    return "{" + ", ".join(f"{key}: {_listed(names)}" for key, names in wanted.items()) + "}"


def _listed(names: tuple[str, ...]) -> str:
    return f"[{', '.join(dump_yaml(name).strip() for name in names)}]"


def _checked(before: str, after: str, wanted: Mapping[str, tuple[str, ...]]) -> str:
    """Return the new text if it says what the old one said, and nothing new but the reach."""
    old, new = read_document(before).value, read_document(after).value
    if is_mapping(old):
        reach = {**mapping_at(old, "spec", "reach"), **{key: list(names) for key, names in wanted.items()}}
        old = {**old, "spec": {**mapping_at(old, "spec"), "reach": reach}}
    if old != new:
        raise ValueError("spec is written in a way that cannot be added to")
    return after


class _Page:
    """The lines of bundle.yaml, and where its parts stand among them."""

    def __init__(self, text: str) -> None:
        self._document: MarkedDocument = read_document(text)
        self._rows = text.split("\n")
        self._end = "\r" if self._rows[0].endswith("\r") else ""

    def with_reach(self, wanted: Mapping[str, tuple[str, ...]]) -> str:
        """Return the text with other lists in ``spec.reach``."""
        found = mapping_at(self._document.value, "spec")
        if not found:
            rows = [row for row in self._rows if not re.match(r"spec\s*:", row)]
            while rows and not rows[-1].strip():
                rows.pop()
            return "\n".join([*rows, f"spec:{self._end}", *self._block(wanted, 2), ""])
        if self._document.marks["/spec"].is_flow:
            raise ValueError("spec is written in braces, which cannot be added to")
        _, after = self._region("", "spec", len(self._rows))
        indent = self._document.marks["/spec"].column
        if "reach" not in found:
            rows = [*self._rows[:after], *self._block(wanted, indent), *self._rows[after:]]
            return "\n".join(rows)
        return self._changed(wanted, self._region("/spec", "reach", after), indent)

    def _changed(self, wanted: Mapping[str, tuple[str, ...]], place: tuple[int, int], indent: int) -> str:
        first, after = place
        rows, reach = list(self._rows), mapping_at(self._document.value, "spec", "reach")
        if not reach or self._document.marks["/spec/reach"].is_flow:
            kept = f"  {found[0].strip()}" if (found := _COMMENT.search(rows[first])) else ""
            head, *rest = self._block(wanted, indent)
            return "\n".join([*rows[:first], f"{head.rstrip()}{kept}{self._end}", *rest, *rows[after:]])
        inner = self._document.marks["/spec/reach"].column
        regions = {key: self._region("/spec/reach", key, after) for key in wanted if key in reach}
        for key in (key for key in wanted if key not in reach):
            rows[after:after] = self._list(key, wanted[key], inner)
        for key, (start, end) in sorted(regions.items(), key=lambda item: -item[1][0]):
            if reach[key] != list(wanted[key]):
                comment = _COMMENT.search(rows[start].removesuffix(self._end))
                lines = self._list(key, wanted[key], inner)
                if comment is not None:
                    lines[0] = f"{lines[0].removesuffix(self._end)}  {comment[0].strip()}{self._end}"
                rows[start:end] = lines
        return "\n".join(rows)

    def _region(self, parent: str, key: str, limit: int) -> tuple[int, int]:
        """Return the first row of a key and the one after its last, without blank rows and comments below."""
        steps = parent.split("/")[1:]
        above = mapping_at(self._document.value, *steps) if steps else self._document.value
        numbers = [self._document.lines[f"{parent}/{name}"] - 1 for name in (above if is_mapping(above) else ())]
        start = self._document.lines[f"{parent}/{key}"] - 1
        end = min((number for number in numbers if number > start), default=limit)
        while end > start + 1 and (not (row := self._rows[end - 1].strip()) or row.startswith("#")):
            end -= 1
        return start, end

    def _block(self, wanted: Mapping[str, tuple[str, ...]], indent: int) -> list[str]:
        rows = [row for key, names in wanted.items() for row in self._list(key, names, indent + 2)]
        return [f"{' ' * indent}reach:{self._end}", *rows]

    def _list(self, key: str, names: tuple[str, ...], indent: int) -> list[str]:
        margin = " " * indent
        row = f"{margin}{key}: {_listed(names)}"
        if len(row) <= _MAX_COLUMNS:
            return [f"{row}{self._end}"]
        items = [f"{margin}  - {dump_yaml(name).strip()}{self._end}" for name in names]
        return [f"{margin}{key}:{self._end}", *items]
