"""What stands for a value that is not set, and remembers which. Layer: expressions, pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.runtime import StrictUndefined, Undefined
from jinja2.utils import missing

_SHOWN_KEYS = 12


class UndefinedUseError(UndefinedError):
    """An undefined value was printed, looped over, compared or computed with."""

    def __init__(self, undefined: PathUndefined) -> None:
        super().__init__(undefined.describe({}))
        self.undefined = undefined


class PathUndefined(StrictUndefined):
    """StrictUndefined that knows its whole path, as written in the template, and what stands where it ends."""

    __slots__ = ("existing", "line", "written")

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: Any = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        self.existing = ""
        """How the template wrote the container that was looked into."""
        self.written = str(name) if obj is missing and name is not None else ""
        """How the template wrote the whole path."""
        self.line = 0

    @classmethod
    def below(cls, obj: object, key: object, *, existing: str, line: int) -> PathUndefined:
        """Return what stands for ``key``, which ``obj`` does not have.

        Args:
            obj: what was read from.
            key: that is missing.
            existing: what there is instead, for errors.
            line: of the template, from 1.
        """
        undefined = cls(obj=obj, name=key)
        undefined.existing = existing
        undefined.written = join_path(existing, key)
        undefined.line = line
        return undefined

    def child(self, key: object) -> PathUndefined:
        """Return what stands for a key below this missing one: the parents that exist stay the same."""
        undefined = PathUndefined(self._undefined_hint, self._undefined_obj, self._undefined_name)
        undefined.existing, undefined.line = self.existing, self.line
        undefined.written = join_path(self.written, key)
        return undefined

    @property
    def is_unknown_name(self) -> bool:
        """Return whether the very name that the path starts with is unknown."""
        return self._undefined_obj is missing and not self._undefined_hint

    @property
    def is_unexported(self) -> bool:
        """Return whether an imported template lacks the name; Jinja says so in words alone."""
        return "does not export" in (self._undefined_hint or "")

    @property
    def is_below_text(self) -> bool:
        """Return whether what was looked into is a string."""
        return isinstance(self._undefined_obj, str) and not self._undefined_hint

    @property
    def is_rooted(self) -> bool:
        """Return whether the whole path is known, down from the name it starts with."""
        return bool(self.written) and (self._undefined_obj is missing or bool(self.existing))

    def describe(self, roots: Mapping[str, object]) -> str:
        """Say what is not set and what is there instead; ``roots`` are the names the template sees."""
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return f"{self._undefined_name} is not defined"
        parent = self.existing or "what it is read from"
        known = real_path(roots, self._undefined_obj)
        if known and self.existing and known != self.existing:
            parent = f"{self.existing}, which is {known},"
        return f"{self.written or self._undefined_name} is not set ({parent} {_inventory(self._undefined_obj)})"

    def full_path(self, roots: Mapping[str, object]) -> str:
        """Return the path from its root name, seen through loop variables and ``set``; as written where unknown."""
        known = real_path(roots, self._undefined_obj)
        tail = self.written.removeprefix(self.existing)
        return known + tail if known and self.existing else self.written

    def _fail(self, *_args: object, **_named: object) -> NoReturn:
        raise UndefinedUseError(self)

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        self._fail()

    _fail_with_undefined_error = _fail
    __iter__ = __str__ = __len__ = _fail
    __eq__ = __ne__ = __bool__ = __hash__ = _fail
    __contains__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = _fail
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _fail
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail
    __pow__ = __rpow__ = __pos__ = __neg__ = _fail
    __call__ = __getitem__ = _fail
    __lt__ = __le__ = __gt__ = __ge__ = _fail
    __int__ = __float__ = __complex__ = __index__ = _fail


def join_path(parent: str, key: object) -> str:
    """Return how an author writes ``key`` below ``parent``."""
    if isinstance(key, str) and key.isidentifier():
        return f"{parent}.{key}" if parent else key
    return f"{parent}[{key!r}]"


def real_path(roots: Mapping[str, object], wanted: object) -> str:
    """Find the very container ``wanted`` below ``roots``: a loop variable's own path. Empty where it does not exist."""
    if not isinstance(wanted, Mapping | list | tuple):
        return ""
    pending = [(str(name), value) for name, value in roots.items()]
    for path, value in pending:
        if value is wanted:
            return path
        if isinstance(value, Mapping):
            pending.extend((join_path(path, key), item) for key, item in value.items())
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            pending.extend((join_path(path, index), item) for index, item in enumerate(value))
    return ""


def _inventory(obj: object) -> str:  # noqa: PLR0911 - a table
    match obj:
        case None:
            return "is null"
        case Mapping() if not obj:
            return "is empty"
        case Mapping():
            keys = sorted(map(str, obj))
            more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
            return f"exists with keys: {', '.join(keys[:_SHOWN_KEYS])}{more}"
        case str():
            return "is a text and has no keys"
        case bool() | int() | float():
            return "is a plain value and has no keys"
        case list() | tuple():
            return f"is a list of {len(obj)}"
        case _:
            return f"is a {type(obj).__name__} and has nothing of that name"


def refuse_undefined(*values: object) -> None:
    """Fail with the path of the first of ``values`` that is not set.

    Raises:
        UndefinedUseError: where there is one.
    """
    for value in values:
        if isinstance(value, Undefined):
            bool(value)
