"""An order's ``spec`` as values of the bundle. Layer: menu, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bundler.errors import Found
from bundler.errors.bundle import ValuesInvalidError
from bundler.menu.definition import spec_schema
from bundler.menu.place import ENTRY, FROM, ITEM, path_below
from bundler.model.json import Body, JSONValue, escape_token, is_list, is_mapping, mapping_at, text_at
from bundler.model.kind import OrderKind, SecretKey
from bundler.model.lean import dataclass
from bundler.syntax.events import YamlSyntaxError
from bundler.syntax.reader import read_document


def secrets_of_order(spec: Body, kind: OrderKind) -> tuple[SecretKey, ...]:
    """Return the keys of Secrets that an order names, each once; they are in its namespace.

    Args:
        spec: of the order.
        kind: that it is of.

    Example:
        >>> from bundler import Session, secrets_of_order
        >>> with Session.local() as session:
        ...     secrets_of_order({"qps": 1000}, session.menu("shop"))
        ()
    """
    named = (_key_of(one.value) for one in _walk(spec, kind, _Around(spec_schema(kind))) if one.is_secret)
    return tuple(dict.fromkeys(key for key in named if key is not None))


def values_of_order(spec: Body, kind: OrderKind, secrets: Mapping[SecretKey, str]) -> Body:
    """Return what an order says as values of the bundle, which are then checked as any user's.

    A null counts as if it were not written: an order has no way to delete what the bundle sets.

    Args:
        spec: of the order.
        kind: that it is of.
        secrets: the text of each key that the order names, as `secrets_of_order` returns them.

    Raises:
        ValuesInvalidError: with every field whose Secret cannot be used, by its path.

    Example:
        >>> from bundler import Session, values_of_order
        >>> with Session.local() as session:
        ...     values_of_order({"qps": 1000, "host": None}, session.menu("shop"), {})
        {'qps': 1000}
    """
    problems: list[Found] = []
    values = _values(spec, kind, _Reading(secrets, problems), _Around(spec_schema(kind)))
    if problems:
        raise ValuesInvalidError(
            f"reading the Secrets that the {kind.spec.kind} names",
            context=problems,
            hint="create the Secret in the namespace of the order, or name another one",
        )
    return values


@dataclass(frozen=True, slots=True)
class _Around:
    """A place in an order."""

    schema: Body
    """Of the definition."""
    path: str = ""
    """As the kind knows it: ``users[].passwordFrom``."""
    pointer: str = ""

    def below(self, key: str) -> _Around:
        named = mapping_at(self.schema, "properties")
        pointer = f"{self.pointer}/{escape_token(key)}"
        if key not in named and is_mapping(free := self.schema.get("additionalProperties")):
            return _Around(free, f"{self.path}{ENTRY}", pointer)
        return _Around(mapping_at(named, key), path_below(self.path, key), pointer)

    def item(self, index: int) -> _Around:
        return _Around(mapping_at(self.schema, "items"), f"{self.path}{ITEM}", f"{self.pointer}/{index}")


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an order, as it is met."""

    key: str
    value: JSONValue
    around: _Around
    is_secret: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    secrets: Mapping[SecretKey, str]
    problems: list[Found]

    def refuse(self, field: _Field, message: str) -> None:
        pointer = field.around.pointer
        self.problems.append(Found(f"{pointer}: {message}", message=message, field=pointer))


def _fields(spec: Body, kind: OrderKind, around: _Around) -> Iterator[_Field]:
    for key, value in spec.items():
        below = around.below(key)
        yield _Field(key, value, below, below.path in kind.secrets)


def _walk(value: JSONValue, kind: OrderKind, around: _Around) -> Iterator[_Field]:
    if is_list(value):
        for index, item in enumerate(value):
            yield from _walk(item, kind, around.item(index))
    elif is_mapping(value):
        for field in _fields(value, kind, around):
            yield field
            if not field.is_secret:
                yield from _walk(field.value, kind, field.around)


def _values(spec: Body, kind: OrderKind, reading: _Reading, around: _Around) -> dict[str, JSONValue]:
    values: dict[str, JSONValue] = {}
    for field in _fields(spec, kind, around):
        if field.value is None:
            continue
        if not field.is_secret:
            values[field.key] = _value(field.value, kind, reading, field.around)
        elif (text := _text(field, reading)) is not None:
            is_text = kind.secrets[field.around.path]
            values[field.key.removesuffix(FROM)] = text if is_text else _parsed(text, field, reading)
    return values


def _value(value: JSONValue, kind: OrderKind, reading: _Reading, around: _Around) -> JSONValue:
    if is_mapping(value):
        return _values(value, kind, reading, around)
    if is_list(value):
        return [_value(item, kind, reading, around.item(index)) for index, item in enumerate(value)]
    return value


def _text(field: _Field, reading: _Reading) -> str | None:
    key = _key_of(field.value)
    if key is None:
        reading.refuse(field, "must be the name and the key of a Secret")
        return None
    if key not in reading.secrets:
        reading.refuse(field, f"there is no key {key.key} in a Secret {key.name}")
    return reading.secrets.get(key)


def _parsed(text: str, field: _Field, reading: _Reading) -> JSONValue:
    try:
        return read_document(text).value
    except YamlSyntaxError as error:
        reading.refuse(field, f"what is in the Secret is not YAML: line {error.line}")
        return None


def _key_of(value: JSONValue) -> SecretKey | None:
    name, key = text_at(value, "name"), text_at(value, "key")
    return SecretKey(name, key) if name and key else None
