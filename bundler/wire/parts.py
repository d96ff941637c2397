"""JSON that is read strictly: every key is known, every type is right, or the error says where. Layer: wire, pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

from bundler.model.digest import is_digest
from bundler.model.json import is_list, is_mapping
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Self

    from bundler.model.json import Body, JSONValue

T = TypeVar("T")

API_VERSION: Final = "bundler.dev/v1"
"""Of the documents that are written here and read again."""


class MalformedError(ValueError):
    """What is wrong with a document that is read, and where; becomes an error of ours."""


class Part:
    """One JSON object of a document that is read, and where it is."""

    def __init__(self, value: JSONValue, place: str) -> None:
        if not is_mapping(value):
            raise MalformedError(f"{place} is not an object")
        self.body, self.place = value, place

    @classmethod
    def of_kind(cls, kind: str, name: str, document: JSONValue) -> Self:
        """Return a whole document.

        Args:
            kind: what it has to say that it is.
            name: what that is, in words.
            document: decoded from JSON.

        Raises:
            MalformedError: when it is something else, or of another version.
        """
        if not is_mapping(document) or document.get("kind") != kind:
            raise MalformedError(f"this is not a {name}: it has no `kind: {kind}`")
        version = document.get("apiVersion")
        if version != API_VERSION:
            raise MalformedError(f"its apiVersion is {version!r}, and this bundler reads {API_VERSION}")
        return cls(document, "")

    def require(self, *keys: str, may: Collection[str] = ()) -> None:
        """Refuse an object without these keys, or with others.

        Args:
            keys: that it has.
            may: keys that it may have beside them.
        """
        for key in keys:
            if key not in self.body:
                raise MalformedError(f"{self._at(key)} is missing")
        for key in self.body:
            if key not in keys and key not in may:
                raise MalformedError(f"{self._at(key)} is not known")

    def text(self, key: str) -> str:
        """Return a string."""
        value = self.body.get(key)
        if not isinstance(value, str):
            raise MalformedError(f"{self._at(key)} is not a string")
        return value

    def name(self, key: str) -> str:
        """Return a string that is not empty."""
        text = self.text(key)
        if not text:
            raise MalformedError(f"{self._at(key)} is empty")
        return text

    def flag(self, key: str) -> bool:
        """Return a boolean."""
        value = self.body.get(key)
        if not isinstance(value, bool):
            raise MalformedError(f"{self._at(key)} is neither true nor false")
        return value

    def number(self, key: str) -> float:
        """Return a number that is not negative."""
        value = self.body.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
            raise MalformedError(f"{self._at(key)} is not a number of 0 or more")
        return value

    def count(self, key: str) -> int:
        """Return a whole number that is not negative."""
        value = self.number(key)
        if not isinstance(value, int):
            raise MalformedError(f"{self._at(key)} is not a whole number")
        return value

    def ordinal(self, key: str) -> int:
        """Return a whole number from 1."""
        value = self.count(key)
        if not value:
            raise MalformedError(f"{self._at(key)} is 0, and counts from 1")
        return value

    def mapping(self, key: str) -> Body:
        """Return an object, whatever its keys are."""
        return self.part(key).body

    def one_of(self, key: str, choices: Callable[[str], T]) -> T:
        """Return what a string is read as."""
        try:
            return choices(self.text(key))
        except ValueError as error:
            raise MalformedError(f"{self._at(key)}: {error}") from error

    def ref(self, key: str) -> ObjectRef:
        """Return the object that a string names."""
        return self._ref(self.text(key), key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        values = [value for value in self._list(key) if isinstance(value, str)]
        if len(values) != len(self._list(key)):
            raise MalformedError(f"{self._at(key)} holds what is not a string")
        return tuple(values)

    def digest(self, key: str) -> str:
        """Return a sha256 digest, or an empty string."""
        text = self.text(key)
        if text and not is_digest(text):
            raise MalformedError(f"{self._at(key)} is not a sha256 digest")
        return text

    def refs(self, key: str) -> tuple[ObjectRef, ...]:
        """Return the objects that a list of strings names."""
        return tuple(self._ref(text, key) for text in self.texts(key))

    def part(self, key: str) -> Part:
        """Return an object inside."""
        return Part(self.body.get(key), self._at(key))

    def parts(self, key: str) -> list[Part]:
        """Return the objects of a list."""
        return [Part(value, f"{self._at(key)}[{number}]") for number, value in enumerate(self._list(key))]

    def some_parts(self, key: str) -> list[Part]:
        """Return the objects of a list that is not empty."""
        parts = self.parts(key)
        if not parts:
            raise MalformedError(f"{self._at(key)} is empty")
        return parts

    def _ref(self, text: str, key: str) -> ObjectRef:
        if text.count("/") != 3 or not all(text.split("/")):
            raise MalformedError(f"{self._at(key)}: {text!r} is not GROUP/KIND/NAMESPACE/NAME")
        return ObjectRef.parse(text)

    def _list(self, key: str) -> list[JSONValue]:
        value = self.body.get(key)
        if not is_list(value):
            raise MalformedError(f"{self._at(key)} is not a list")
        return list(value)

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}".lstrip(".")
