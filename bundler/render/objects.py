"""From rendered text to checked objects, each with its template line. Layer: render, pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import bundler.render
from bundler.errors.bundle import ManifestError, RenderedYamlError
from bundler.model.bundle import HOOKS_FOLDER
from bundler.model.json import Body, is_mapping, value_at
from bundler.model.labels import HOOK_ANNOTATIONS, PREFIX, TRACK
from bundler.model.lean import dataclass
from bundler.model.manifest import Source
from bundler.render.lines import lines_of, offset_of_line
from bundler.render.problems import Problem, may_hold_secret, rendered_excerpt, without_tags
from bundler.syntax.events import Mark, YamlSyntaxError
from bundler.syntax.limits import Limits
from bundler.syntax.objects import ObjectDocument, read_objects

if TYPE_CHECKING:
    from bundler.expressions.bounds import Bounds
    from bundler.expressions.expression import ValuePath
    from bundler.render.splice import FindMark
    from bundler.render.templates import PrintedPart
    from bundler.syntax.reader import MarkedDocument

_YAML_HINT = (
    "fix the template: values in a text are safest as {{ value | quote }}, structures as {{ value | to_yaml }}; "
    "`bundler template --show-invalid` prints the whole text"
)


class ObjectPart(NamedTuple):
    """One object in a rendered text."""

    body: Body
    source: Source
    document: ObjectDocument
    find_mark: FindMark
    pointer: str = ""
    """JSON pointer of the object in its document; not empty inside a List."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """One rendered text and how its places map to template lines."""

    text: str
    note_lines: Sequence[tuple[int, int, int]]
    source_of_note: Callable[[tuple[int, int, int] | None], Source]
    source_at: Callable[[int], Source]
    """Offset in the text -> template line; slow, for errors."""
    parts_of: Callable[[int, int], Iterable[PrintedPart]] | None = None
    """Start and end in the text -> what it is made of, and the values read for it; None for plain YAML."""
    reads: Callable[[], frozenset[ValuePath]] | None = None
    """All values that the template reads."""
    folder: str = ""
    """``hooks/`` or ``checks/``, whose objects have rules of their own."""


class ObjectReader:
    """Reads texts; collects problems instead of stopping at the first."""

    def __init__(self, bounds: Bounds) -> None:
        self._limits = Limits(max_bytes=4 * bounds.max_output_chars)
        self._detailed: tuple[ObjectDocument, MarkedDocument] | None = None
        self.problems: list[Problem] = []

    def read(self, part: TextPart) -> list[ObjectPart]:
        """Return the objects of a text; what is not a good object becomes a problem."""
        try:
            documents = read_objects(part.text, limits=self._limits)
        except YamlSyntaxError as error:
            self.problems.append(_syntax_problem(error, part))
            return []
        return [found for pair in _with_notes(documents, part.note_lines) for found in self._expand(*pair, part)]

    def _expand(
        self, document: ObjectDocument, note: tuple[int, int, int] | None, part: TextPart
    ) -> Iterator[ObjectPart]:
        body = document.value
        if not is_mapping(body):
            self._refuse(document, part, "", "it is not a mapping", "start the object with apiVersion and kind")
            return
        if is_object_list(body):
            yield from self._expand_list(document, body, part, "")
            return
        if self._check(body, document, part, ""):
            marks = document.marks
            source = part.source_of_note(note)
            yield ObjectPart(body, source, document, _finder(document, marks))

    def _expand_list(self, document: ObjectDocument, body: Body, part: TextPart, inside: str) -> Iterator[ObjectPart]:
        items = body.get("items")
        if not isinstance(items, list):
            self._refuse(document, part, inside, "its items are not a list", "write `items: []` for none")
            return
        detail = self._detail(document)
        for index, item in enumerate(items):
            pointer = f"{inside}/items/{index}"
            if not is_mapping(item):
                self._refuse(document, part, pointer, "it is not a mapping", "each item of a List is an object")
            elif is_object_list(item):
                yield from self._expand_list(document, item, part, pointer)
            elif self._check(typed := _typed_item(item, body), document, part, pointer):
                offset = detail.marks[pointer].offset if pointer in detail.marks else document.start_offset
                find_mark = _list_finder(detail.marks, f"{pointer}/metadata")
                yield ObjectPart(typed, part.source_at(offset), document, find_mark, pointer)

    def _check(self, body: Body, document: ObjectDocument, part: TextPart, pointer: str) -> bool:
        wrong = _first_wrong(body, part.folder)
        if wrong is None and part.folder:
            wrong = bundler.render.hooks.wrong_object(body, part.folder)
        if wrong is None:
            return True
        place, sentence, hint = wrong
        self._refuse(document, part, pointer + place, f"{_short(body)}: {sentence}", hint)
        return False

    def _refuse(self, document: ObjectDocument, part: TextPart, pointer: str, sentence: str, hint: str) -> None:
        line = self._line_of(document, pointer)
        offset = offset_of_line(part.text, line)
        text = document.text[document.start_offset : document.end_offset]
        is_format = sentence.startswith(("it ", "its "))
        self.problems.append(
            Problem(
                error_type=RenderedYamlError if is_format else ManifestError,
                source=part.source_at(offset),
                sentence=f"what it renders cannot be used: {sentence}" if is_format else sentence,
                hint=hint,
                details=tuple(rendered_excerpt(part.text, line, is_secret=may_hold_secret(text))),
            )
        )

    def _line_of(self, document: ObjectDocument, pointer: str) -> int:
        root = document.marks.get(())
        if not pointer and root is not None:
            return root.line
        return self._detail(document).line_of(pointer)

    def _detail(self, document: ObjectDocument) -> MarkedDocument:
        """Return the detail of the document that is read now; a List asks for it again with each of its items."""
        if self._detailed is None or self._detailed[0] is not document:
            self._detailed = (document, document.detail())
        return self._detailed[1]


def is_object_list(body: Body) -> bool:
    """Return whether a body holds objects: ``List``, and ``RoleList`` and its like with items, as for kubectl."""
    kind = body.get("kind")
    return kind == "List" or (isinstance(kind, str) and kind.endswith("List") and isinstance(body.get("items"), list))


def _typed_item(item: Body, around: Body) -> Body:
    """Return an item with the type that its list gives it, where it names none itself."""
    kind = around.get("kind")
    if item.get("kind") or not isinstance(kind, str) or kind == "List":
        return item
    return {"apiVersion": around.get("apiVersion"), **item, "kind": kind.removesuffix("List")}


def _first_wrong(body: Body, folder: str) -> tuple[str, str, str] | None:
    """Return (pointer, sentence, hint) of the first thing that makes ``body`` no usable object."""
    metadata = body.get("metadata")
    for key in ("apiVersion", "kind"):
        if not (isinstance(value := body.get(key), str) and value):
            return (f"/{key}", f"{key} is missing or not a string", f"write {key}: at the top level of the object")
    if not is_mapping(metadata):
        return ("/metadata", "metadata is missing or not a mapping", "write metadata: with at least a name")
    if metadata.get("generateName") is not None:
        hint = "give it a metadata.name: a release must find its objects again"
        return ("/metadata/generateName", "metadata.generateName is not available", hint)
    if not (isinstance(metadata.get("name"), str) and metadata["name"]):
        return (
            "/metadata/name",
            "metadata.name is missing or not a string",
            "write metadata.name, quoted if it is a number",
        )
    return _wrong_maps(metadata, is_hook=folder == HOOKS_FOLDER) or _wrong_namespace(metadata)


def _wrong_namespace(metadata: Body) -> tuple[str, str, str] | None:
    namespace = metadata.get("namespace", "")
    if isinstance(namespace, str):
        return None
    return ("/metadata/namespace", "metadata.namespace is not a string", "leave it out: bundler adds the release's")


def _wrong_maps(metadata: Body, *, is_hook: bool) -> tuple[str, str, str] | None:
    for name in ("labels", "annotations"):
        found = metadata.get(name)
        if found is None:
            continue
        if not is_mapping(found):
            return (f"/metadata/{name}", f"metadata.{name} is not a mapping", "write one `key: value` per line")
        for key in found:
            if key.startswith(PREFIX) and not (key == TRACK and name == "labels"):
                is_hooks = key in HOOK_ANNOTATIONS and name == "annotations"
                if is_hooks and is_hook:
                    continue
                pointer = f"/metadata/{name}/{key.replace('~', '~0').replace('/', '~1')}"
                hint = f"remove it: names under {PREFIX} are bundler's own; only the label {TRACK} is the author's"
                hint = f"move the object into a file of {HOOKS_FOLDER}" if is_hooks else hint
                return (pointer, f"the template sets {key} in metadata.{name}", hint)
    return None


def _short(body: Body) -> str:
    return f"{body.get('kind') or 'an object'}/{value_at(body, 'metadata', 'name') or '?'}"


def _with_notes(
    documents: Sequence[ObjectDocument], notes: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[ObjectDocument, tuple[int, int, int] | None]]:
    """Pair each document with the first note inside it; with the last one before it where there is none."""
    position, count = 0, len(notes)
    for document in documents:
        begin, end = document.start_offset, document.end_offset
        while position < count and notes[position][0] < begin:
            position += 1
        if position < count and notes[position][0] < end:
            yield document, notes[position]
        else:
            yield document, notes[position - 1] if position else None


def _finder(document: ObjectDocument, marks: Mapping[tuple[str, ...], Mark]) -> FindMark:
    def find(path: str) -> Mark | None:
        mark = marks.get(("metadata", path) if path else ("metadata",))
        return mark if mark is not None else document.detail().marks.get(f"/metadata/{path}" if path else "/metadata")

    return find


def _list_finder(marks: Mapping[str, Mark], base: str) -> FindMark:
    return lambda path: marks.get(f"{base}/{path}" if path else base)


def _syntax_problem(error: YamlSyntaxError, part: TextPart) -> Problem:
    line = _last_line_with_text(part.text, error.line)
    is_secret = may_hold_secret(part.text)
    problem = without_tags(error.problem) if is_secret else error.problem
    source = part.source_at(offset_of_line(part.text, line))
    return Problem(
        error_type=RenderedYamlError,
        source=source,
        sentence=f"what it renders is not valid YAML: {problem}",
        hint=_syntax_hint(error, lines_of(part.text)[line - 1], source),
        details=tuple(rendered_excerpt(part.text, line, is_secret=is_secret)),
    )


def _syntax_hint(error: YamlSyntaxError, line: str, source: Source) -> str:
    if "/crds/" in f"/{source.file}" and "{{" in line:
        return "files in crds/ are plain YAML; what needs values goes into templates/"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with blanks; YAML does not take tabs"
    if re.match(r"duplicate key \"(?:apiVersion|kind|metadata)\"", error.problem) and not line.startswith((" ", "{")):
        return "put a line with --- between two objects"
    return _YAML_HINT


def _last_line_with_text(text: str, line: int) -> int:
    """Return ``line``, or the last one above it that is not blank: parsers notice some errors only at the end."""
    lines = lines_of(text)
    line = min(line, len(lines))
    while line > 1 and not lines[line - 1].strip():
        line -= 1
    return line
