"""The light decorator is held to the standard one."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from bundler.model.lean import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Light:
    """One."""

    name: str
    count: int = 0
    tags: dict[str, str] = field(default_factory=dict, compare=False)
    secret: str = field(default="", repr=False)

    @property
    def doubled(self) -> int:
        return self.count * 2


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Standard:
    """One."""

    name: str
    count: int = 0
    tags: dict[str, str] = dataclasses.field(default_factory=dict, compare=False)
    secret: str = dataclasses.field(default="", repr=False)

    @property
    def doubled(self) -> int:
        return self.count * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LightNamed:
    first: int
    second: int = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StandardNamed:
    first: int
    second: int = 2


@pytest.fixture(params=[Light, Standard])
def made(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_objects_are_made_by_place_and_by_name_with_defaults(made: Any) -> None:
    one = made("a", secret="s")
    assert (one.name, one.count, one.tags, one.secret, one.doubled) == ("a", 0, {}, "s", 0)
    assert made("b").tags is not made("b").tags


def test_wrong_arguments_are_refused_with_the_name_of_the_constructor(made: Any) -> None:
    with pytest.raises(TypeError, match=rf"{made.__name__}\.__init__\(\) missing 1 required positional argument"):
        made()
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        made("a", other=1)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_arguments_mean_the_same_for_the_first_object_and_for_later_ones(count: int) -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        name: str
        count: int = 0
        tags: list[str] = field(default_factory=list)

    made: Any = Fresh
    for _ in range(count):
        made("a")
    for placed, named in (
        (("a",), {}),
        (("a", 1), {}),
        (("a", 1, ["t"]), {}),
        (("a",), {"count": 1}),
        ((), {"name": "a", "tags": ["t"]}),
    ):
        one = made(*placed, **named)
        given = dict(zip(("name", "count", "tags"), placed, strict=False)) | named
        assert (one.name, one.count, one.tags) == (given["name"], given.get("count", 0), given.get("tags", []))
    for placed, named, said in (
        (("a",), {"name": "b"}, "multiple values for argument 'name'"),
        (("a", 1, []), {"name": "b"}, "multiple values for argument 'name'"),
        (("a", 1, [], 2), {}, "takes from 2 to 4 positional arguments but 5 were given"),
        ((), {"count": 1}, "missing 1 required positional argument: 'name'"),
        (("a",), {"other": 1}, "unexpected keyword argument 'other'"),
    ):
        with pytest.raises(TypeError, match=said):
            made(*placed, **named)


@pytest.mark.parametrize("named", [LightNamed, StandardNamed])
def test_fields_given_by_name_only_refuse_a_place(named: Any) -> None:
    assert (named(first=1).first, named(first=1).second) == (1, 2)
    with pytest.raises(TypeError, match="positional argument"):
        named(1)
    with pytest.raises(TypeError, match="positional argument"):
        named(1, 2)


def test_fields_cannot_be_changed_or_deleted_or_added(made: Any) -> None:
    one = made("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        one.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del one.name
    assert not hasattr(one, "__dict__")


def test_equality_hash_and_order_go_by_the_compared_fields(made: Any) -> None:
    assert made("a", 1, {"x": "y"}) == made("a", 1, {})
    assert hash(made("a", 1, {"x": "y"})) == hash(made("a", 1))
    assert made("a", 1) != made("a", 2)
    assert made("a", 1) != ("a", 1)
    pair = [made("b", 1), made("a", 2), made("a", 1)]
    assert [(one.name, one.count) for one in sorted(pair)] == [("a", 1), ("a", 2), ("b", 1)]
    assert made("a") <= made("a") >= made("a") < made("b") > made("a")
    with pytest.raises(TypeError, match="not supported"):
        assert made("a") < 1


def test_classes_of_the_same_fields_are_not_equal() -> None:
    assert LightNamed(first=1) != StandardNamed(first=1)


def test_the_display_leaves_hidden_fields_out(made: Any) -> None:
    assert repr(made("a", 1, {}, "s")) == f"{made.__name__}(name='a', count=1, tags={{}})"


def test_the_functions_of_the_standard_module_work(made: Any) -> None:
    one = made("a", 1)
    assert dataclasses.is_dataclass(made)
    assert dataclasses.replace(one, count=3) == made("a", 3)
    assert dataclasses.asdict(one) == {"name": "a", "count": 1, "tags": {}, "secret": ""}
    described = [(each.name, each.type, each.default, each.repr, each.compare) for each in dataclasses.fields(made)]
    assert described == [
        (each.name, each.type, each.default, each.repr, each.compare) for each in dataclasses.fields(Standard)
    ]


def test_objects_can_be_copied_pickled_and_matched(made: Any) -> None:
    one = made("a", 1, {"x": "y"})
    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one
    match one:
        case Light(name, count) | Standard(name, count):
            assert (name, count) == ("a", 1)


def test_a_class_without_annotations_is_refused_as_its_fields_would_be_lost() -> None:
    with pytest.raises(TypeError, match="Forgotten has no annotations"):

        @dataclass(frozen=True, slots=True)
        class Forgotten:
            name = field(default="")


def test_the_class_keeps_its_name_module_and_text(made: Any) -> None:
    assert (made.__module__, made.__qualname__, made.__doc__) == (__name__, made.__name__, "One.")


def test_a_class_that_changes_or_inherits_fields_is_refused() -> None:
    with pytest.raises(TypeError, match=r"dataclasses\.dataclass"):
        dataclass(frozen=False, slots=True)
    with pytest.raises(TypeError, match="inherits fields"):

        @dataclass(frozen=True, slots=True)
        class Child(Light):
            more: int = 0


def test_the_hundredth_object_is_made_as_the_first() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Many:
        number: int
        names: list[str] = field(default_factory=list)
        text: str = "same"

    made = [Many(number=number) for number in range(100)]
    assert [(one.number, one.names, one.text) for one in made] == [(number, [], "same") for number in range(100)]
    assert len({id(one.names) for one in made}) == 100
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'number'"):
        Many(text="other")
