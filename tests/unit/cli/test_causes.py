"""How it is said why objects change: briefly, the first change first, and once for objects with the same reason."""

from __future__ import annotations

import pytest

from bundler.cli.output.causes import because, by_path, with_reasons
from bundler.model.causes import Cause, CauseKind, ChangedField, ChangedValue
from bundler.model.change import Action, Change
from bundler.model.refs import ObjectRef


def value(path: str, *because: str, source: str = "bundle.yaml:5", **fields: bool) -> ChangedValue:
    return ChangedValue(path=path, before="1", after="2", source=source, because=because, **fields)


VALUES = by_path([
    value("qps", source="--set"),
    value("size", source="prod.yaml:3"),
    value("web.min", "qps"),
    value("web.max", "web.min"),
    value("db.size", "qps", "size"),
    value("db.cache", "qps"),
    value("db.work", "qps"),
    value("token", source="--set-file", is_sensitive=True),
])  # fmt: skip

LED = "1 → 2 (bundle.yaml:5)"


def cause(*values: str, fields: tuple[str, ...] = (), **about: object) -> Cause:
    kind = about.pop("kind", CauseKind.VALUES)
    return Cause(kind=kind, fields=tuple(ChangedField(field=one) for one in fields), values=values, **about)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("causes", "lines"),
    [
        ([], []),
        ([cause("qps", fields=(".spec.a",))], ["because qps 1 → 2 (--set) → .spec.a"]),
        ([cause("qps", fields=(".spec.a", ".spec.b"))], ["because qps 1 → 2 (--set)"]),
        (
            [cause("web.max", fields=(".a",))],
            ["because qps 1 → 2 (--set) → web.min 1 → 2 (bundle.yaml:5) → web.max 1 → 2 (bundle.yaml:5) → .a"],
        ),
        (
            [cause("web.max", fields=(".a",)), cause("web.min", fields=(".b",))],
            ["because qps 1 → 2 (--set) → web.max 1 → 2 (bundle.yaml:5) → .a, web.min 1 → 2 (bundle.yaml:5) → .b"],
        ),
        (
            [cause("db.size", fields=(".a",))],
            ["because qps 1 → 2 (--set), size 1 → 2 (prod.yaml:3) → db.size 1 → 2 (bundle.yaml:5) → .a"],
        ),
        (
            [cause("web.min", "web.max", "db.cache", "db.work")],
            [f"because qps 1 → 2 (--set) → web.min {LED}, web.max {LED}, db.cache {LED}, and 1 more"],
        ),
        ([cause("token", fields=(".data.t",))], ["because token changed (--set-file) → .data.t"]),
        (
            [cause("size", note="values read by templates/a.yaml", is_certain=False, fields=(".a",))],
            ["values read by templates/a.yaml: size 1 → 2 (prod.yaml:3) → .a"],
        ),
        (
            [
                cause("qps"),
                cause(kind=CauseKind.CLUSTER, fields=(".r",), note="changed in the cluster by kubectl at 9"),
            ],
            ["because qps 1 → 2 (--set)", "because .r was changed in the cluster by kubectl at 9"],
        ),
        ([cause(kind=CauseKind.BUNDLE, note="shop 1 → 2")], ["because the bundle changed: shop 1 → 2"]),
        (
            [cause(kind=CauseKind.PATCH, fields=(".a",), note="patched by acme.yaml:7")],
            ["because .a is patched by acme.yaml:7"],
        ),
        (
            [cause(kind=CauseKind.UNKNOWN, fields=(".a",), note="it reads site.domain")],
            ["because .a: no value that it reads changed; it reads site.domain"],
        ),
    ],
)
def test_an_object_says_what_changed_first_and_what_that_led_to(causes: list[Cause], lines: list[str]) -> None:
    assert list(because(causes, VALUES)) == lines


def test_objects_with_the_same_reason_say_it_once_and_what_every_object_would_say_is_left_out() -> None:
    def change(name: str, *causes: Cause) -> Change:
        return Change(ref=ObjectRef("", "ConfigMap", "prod", name), action=Action.UPDATE, causes=causes)

    bundle = cause(kind=CauseKind.BUNDLE, note="shop 1 → 2")
    changes = [change("a", cause("qps")), change("b", cause("qps")), change("c", cause("qps")), change("d", bundle)]
    said = {one.ref.name: lines for one, lines in with_reasons(changes, VALUES)}
    assert said == {
        "a": ("because qps 1 → 2 (--set) (the next 2 too)",),
        "b": (),
        "c": (),
        "d": ("because the bundle changed: shop 1 → 2",),
    }
    assert [lines for _, lines in with_reasons(changes[3:], VALUES)] == [()]
