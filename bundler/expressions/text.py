"""How values become text, and data. Layer: expressions, pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from jinja2.runtime import Undefined

from bundler.expressions.bounds import current_meter, join_pieces
from bundler.expressions.markers import YamlBlock, YamlText, mark_yaml
from bundler.expressions.sizes import written_size
from bundler.expressions.undefined import refuse_undefined
from bundler.model.json import JSONValue
from bundler.model.pattern import LazyPattern
from bundler.syntax.json_text import dump_json
from bundler.syntax.writer import dump_yaml

_UNPRINTABLE = LazyPattern("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_MAX_DEPTH = 100


class TemplateFailureError(Exception):
    """A function, filter or object of ours refuses; the sentence and the hint reach the author."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class TemplateObject:
    """Base of objects that templates see and that are not data; they offer what ``template_attribute`` returns."""

    __slots__ = ()

    def template_attribute(self, name: str) -> object:
        """Return what templates see as ``.name``.

        Raises:
            TemplateFailureError: when there is nothing of that name.
        """
        raise NotImplementedError(name)


def text_of(value: object) -> str:
    """Return what ``{{ value }}`` prints: YAML's words for booleans and null, numbers as they were written.

    Raises:
        TemplateFailureError: for lists, mappings and functions, whose Python spelling no one wants in YAML.
    """
    if type(value) is str:
        return value
    if isinstance(value, YamlText):
        return mark_yaml(value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Undefined | TemplateObject):
        return str(value)
    kind = "mapping" if isinstance(value, Mapping) else "list" if isinstance(value, Iterable) else "function"
    raise TemplateFailureError(
        f"a {kind} cannot be printed as it is",
        "call it: name(…)" if kind == "function" else "print it with `| to_yaml` or `| to_json`",
    )


def kind_of(value: object) -> str:
    """Return what an author calls this kind of value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def join_texts(values: tuple[object, ...]) -> str:
    """Do the ``~`` operator."""
    return join_pieces([text_of(value) for value in values])


def data_of(value: object, *, depth: int = 0) -> JSONValue:
    """Return ``value`` as plain data: tuples and generators become lists.

    Raises:
        TemplateFailureError: for what is not data.
        UndefinedUseError: when something in it is undefined.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    refuse_undefined(value)
    if depth > _MAX_DEPTH:
        raise TemplateFailureError("the data is nested too deeply", f"keep it within {_MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        current_meter().charge(len(value))
        return {text_of(key): data_of(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, TemplateObject):
        str(value)
    if isinstance(value, Iterable):
        items = [data_of(item, depth=depth + 1) for item in value]
        current_meter().charge(len(items))
        return items
    raise TemplateFailureError(f"a {type(value).__name__} is not data", "use texts, numbers, lists and mappings")


def to_yaml(value: object) -> YamlText:
    """Write ``value`` as YAML; printed, it is indented to where it is."""
    data = data_of(value)
    current_meter().charge_text(written_size(data, indent=2))
    text = dump_yaml(data)[:-1]
    current_meter().charge_text(len(text))
    return YamlBlock(text) if isinstance(data, Mapping | list) and data else YamlText(text)


def to_json(value: object, indent: int | None = None) -> str:
    """Write ``value`` as JSON, keys in their order."""
    if indent is not None and not 0 <= indent <= 16:
        raise TemplateFailureError(f"an indentation of {indent} is out of range", "use 0 to 16")
    data = data_of(value)
    current_meter().charge_text(written_size(data, indent=indent or 0))
    try:
        text = dump_json(data, indent=indent)
    except ValueError as error:
        raise TemplateFailureError("JSON has no infinite numbers and no NaN", "write it as a text") from error
    current_meter().charge_text(len(text))
    return _escape_unprintable(text)


def quote(value: object) -> str:
    """Write ``value`` as a double-quoted YAML string."""
    if isinstance(value, YamlText):
        value = str.__str__(value)
    return _escape_unprintable(json.dumps(text_of(value), ensure_ascii=False))


def _escape_unprintable(text: str) -> str:
    """Escape what JSON allows and YAML does not."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
