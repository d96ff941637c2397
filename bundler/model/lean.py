"""``dataclass`` for frozen types at a tenth of the start-up cost. Layer: model, pure, standard library only.

The standard decorator writes and executes six functions for each frozen class: 0.3 to 0.5 ms on Python 3.11, and a verb
loads some seventy classes. Here a class gets closures, and its ``__init__`` is written when there are many objects.
Type checkers see the standard decorator, and ``dataclasses.fields``, ``replace`` and ``asdict`` work; a test holds the
two to each other. Fields come from the class alone: there is no inheritance between such classes here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from dataclasses import dataclass

__all__ = ["dataclass", "field"]

_FEW = 8
"""So many objects of a class are filled field by field; writing its constructor costs as much as eighty of them."""


def lean_dataclass(
    *, frozen: bool, slots: bool, kw_only: bool = False, order: bool = False
) -> Callable[[type[Any]], type[Any]]:
    """Return the decorator that makes a frozen class with slots out of annotations, as ``dataclasses.dataclass`` does.

    Args:
        frozen: always true; spelled out so that a class reads as with the standard decorator.
        slots: always true.
        kw_only: whether fields are given by name only.
        order: whether objects compare by their fields in order.

    Raises:
        TypeError: for a class that the standard decorator is for.
    """
    if not (frozen and slots):
        raise TypeError("classes that change, or have no slots, are made by dataclasses.dataclass")

    def decorate(cls: type[Any]) -> type[Any]:
        fields = _fields_of(cls)
        names = tuple(fields)
        namespace = {name: value for name, value in vars(cls).items() if name not in fields}
        for name in ("__dict__", "__weakref__"):
            namespace.pop(name, None)
        namespace["__slots__"] = names
        namespace["__match_args__"] = () if kw_only else names
        made: Any = type.__call__(type(cls), cls.__name__, cls.__bases__, namespace)
        _add_construction(made, fields, is_kw_only=kw_only)
        _add_freezing(made, names)
        _add_comparison(made, [name for name, one in fields.items() if one.compare], is_ordered=order)
        _add_display(made, [name for name, one in fields.items() if one.repr])
        made.__dataclass_fields__ = _StandardFields(made, fields, is_kw_only=kw_only)
        decorated: type[Any] = made
        return decorated

    return decorate


if not TYPE_CHECKING:
    dataclass = lean_dataclass


def _fields_of(cls: type[Any]) -> dict[str, Field[Any]]:
    if any("__dataclass_fields__" in vars(base) for base in cls.__mro__[1:]):
        raise TypeError(f"{cls.__name__} inherits fields, which only dataclasses.dataclass knows")
    given = vars(cls)
    fields: dict[str, Field[Any]] = {}
    for name in given.get("__annotations__", {}):
        default = given.get(name, MISSING)
        fields[name] = default if isinstance(default, Field) else field(default=default)
    return fields


class _StandardFields:
    """What ``dataclasses`` looks for on a class, made by ``dataclasses`` when it is looked for."""

    def __init__(self, cls: type[Any], fields: dict[str, Field[Any]], *, is_kw_only: bool) -> None:
        self._cls, self._fields, self._is_kw_only = cls, fields, is_kw_only

    def __get__(self, instance: object, owner: type[Any]) -> dict[str, Field[Any]]:
        types = vars(self._cls).get("__annotations__", {})
        twin = dataclasses.make_dataclass(
            self._cls.__name__,
            [(name, types[name], one) for name, one in self._fields.items()],
            init=False,
            repr=False,
            eq=False,
            kw_only=self._is_kw_only,
            namespace={"__doc__": self._cls.__name__},  # else dataclasses writes one, for 3 ms
        )
        found: dict[str, Field[Any]] = vars(twin)["__dataclass_fields__"]
        self._cls.__dataclass_fields__ = found
        return found


def _add_construction(cls: Any, fields: dict[str, Field[Any]], *, is_kw_only: bool) -> None:
    few = iter(range(_FEW))

    def construct(self: object, /, *given: object, **named: object) -> None:
        if not given and next(few, None) is not None and _fill(self, fields, named):
            return
        written = _write_init(fields, is_kw_only=is_kw_only)
        written.__qualname__, written.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        cls.__init__ = written
        written(self, *given, **named)

    cls.__init__ = construct


def _fill(target: object, fields: dict[str, Field[Any]], named: dict[str, object]) -> bool:
    """Set the fields of one object; False where the arguments do not fit, which the written constructor explains."""
    if not named.keys() <= fields.keys():
        return False
    values: list[object] = []
    for name, one in fields.items():
        if name in named:
            values.append(named[name])
        elif one.default is not MISSING:
            values.append(one.default)
        elif one.default_factory is not MISSING:
            values.append(one.default_factory())
        else:
            return False
    for name, value in zip(fields, values, strict=True):
        object.__setattr__(target, name, value)
    return True


def _write_init(fields: dict[str, Field[Any]], *, is_kw_only: bool) -> Callable[..., None]:
    """Write the constructor out: a loop over fields would cost as much again for each of thousands of objects."""
    known: dict[str, Any] = {"put": object.__setattr__, "missing": MISSING}
    parameters, lines = ["self"], []
    if is_kw_only and fields:
        parameters.append("*")
    for name, one in fields.items():
        parameter, value = name, name
        if one.default is not MISSING:
            known[f"default_{name}"] = one.default
            parameter = f"{name}=default_{name}"
        elif one.default_factory is not MISSING:
            known[f"make_{name}"] = one.default_factory
            parameter, value = f"{name}=missing", f"make_{name}() if {name} is missing else {name}"
        parameters.append(parameter)
        lines.append(f"    put(self, {name!r}, {value})")
    source = "\n".join([f"def __init__({', '.join(parameters)}):", *(lines or ["    pass"])])
    exec(source, known)  # noqa: S102 - the text is made of field names, as in dataclasses
    written: Callable[..., None] = known["__init__"]
    return written


def _add_freezing(cls: Any, names: Sequence[str]) -> None:
    def refuse_change(self: object, name: str, value: object) -> None:
        del self, value
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def refuse_deletion(self: object, name: str) -> None:
        del self
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def state(self: object) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restore(self: object, values: Sequence[Any]) -> None:
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)

    cls.__setattr__, cls.__delattr__ = refuse_change, refuse_deletion
    cls.__getstate__, cls.__setstate__ = state, restore


def _add_comparison(cls: Any, names: Sequence[str], *, is_ordered: bool) -> None:
    key: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> bool:
        return key(self) == key(other) if other.__class__ is cls else NotImplemented

    def hashed(self: object) -> int:
        return hash(key(self))

    own = vars(cls)
    if "__eq__" not in own:
        cls.__eq__ = equal
    if "__hash__" not in own or (own["__hash__"] is None and "__eq__" not in own):
        cls.__hash__ = hashed
    if is_ordered:
        _add_order(cls, key)


def _add_order(cls: Any, key: Callable[[Any], Any]) -> None:
    def less(self: object, other: object) -> bool:
        return key(self) < key(other) if other.__class__ is cls else NotImplemented

    def less_or_equal(self: object, other: object) -> bool:
        return key(self) <= key(other) if other.__class__ is cls else NotImplemented

    def greater(self: object, other: object) -> bool:
        return key(self) > key(other) if other.__class__ is cls else NotImplemented

    def greater_or_equal(self: object, other: object) -> bool:
        return key(self) >= key(other) if other.__class__ is cls else NotImplemented

    cls.__lt__, cls.__le__, cls.__gt__, cls.__ge__ = less, less_or_equal, greater, greater_or_equal


def _add_display(cls: Any, names: Sequence[str]) -> None:
    def shown(self: object) -> str:
        return f"{cls.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    if "__repr__" not in vars(cls):
        cls.__repr__ = shown
