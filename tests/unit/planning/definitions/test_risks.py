"""What a new definition breaks, decided from both definitions and the objects there are."""

from __future__ import annotations

from typing import Any

from bundler.model.refs import ObjectRef
from bundler.planning.definitions.risks import compare_definitions, definition_risk

GROUP = "party.example"
SIZE: dict[str, Any] = {"size": {"type": "integer"}}
SMALL: dict[str, Any] = {"size": {"type": "integer", "maximum": 10}}


def version(name: str, fields: dict[str, Any], *, served: bool = True, storage: bool = False) -> dict[str, Any]:
    spec = {"type": "object", "properties": fields}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {"name": name, "served": served, "storage": storage, "schema": schema}


def definition(*versions: dict[str, Any], strategy: str = "None", **status: Any) -> dict[str, Any]:
    names = {"kind": "Widget", "plural": "widgets"}
    spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": list(versions)}
    return {"spec": {**spec, "conversion": {"strategy": strategy}}, "status": status}


def widget(name: str, written: str = "v1", manager: str = "kubectl", **spec: Any) -> dict[str, Any]:
    entry = {"manager": manager, "apiVersion": f"{GROUP}/{written}"}
    metadata = {"name": name, "namespace": "prod", "managedFields": [entry]}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": metadata, "spec": spec}


def risk(live: dict[str, Any], crd: dict[str, Any], *objects: dict[str, Any], **written: Any):
    refs = {ObjectRef(GROUP, "Widget", "prod", name): body for name, body in written.items()}
    compared = compare_definitions(live, crd)
    if compared is None:
        return None
    read = dict.fromkeys(compared.versions_in_doubt, objects)
    return definition_risk(compared, read, uid="ours", written=refs)


def versions_in_doubt(live: dict[str, Any], crd: dict[str, Any]) -> tuple[str, ...]:
    compared = compare_definitions(live, crd)
    return compared.versions_in_doubt if compared else ()


def test_a_wider_definition_asks_for_no_object() -> None:
    live, crd = definition(version("v1", SMALL, storage=True)), definition(version("v1", SIZE, storage=True))
    assert versions_in_doubt(live, crd) == ()
    assert risk(live, crd) is None


def test_objects_are_judged_as_they_are_or_as_the_plan_writes_them() -> None:
    live, crd = definition(version("v1", SIZE, storage=True)), definition(version("v1", SMALL, storage=True))
    objects = [widget("big", size=12), widget("fixed", size=12), widget("gone", size=12), widget("small", size=1)]
    found = risk(live, crd, *objects, fixed=widget("fixed", size=2), gone=None, small=widget("small", size=11))
    assert found.broken == (
        "Widget/big in prod: .spec.size is above the maximum 10",
        "Widget/small in prod as the bundle writes it: .spec.size is above the maximum 10",
    )
    assert found.checked == 4


def test_what_did_not_fit_before_is_not_counted() -> None:
    live, crd = definition(version("v1", SMALL, storage=True)), definition(version("v1", {}, storage=True))
    found = risk(live, crd, widget("odd", other=1), widget("kept", size=1))
    assert found.broken == ("Widget/kept in prod: .spec.size is not known any more, and would be dropped",)


def test_what_only_the_server_can_judge_counts_wherever_it_applies() -> None:
    ruled = {"size": {"type": "integer", "x-kubernetes-validations": [{"rule": "self != 3"}]}}
    live, crd = definition(version("v1", SIZE, storage=True)), definition(version("v1", ruled, storage=True))
    found = risk(live, crd, widget("a", size=1), widget("b"))
    assert found.broken == ("Widget/a in prod: .spec.size has the rule 'self != 3', which only the server can judge",)


def test_a_new_version_is_compared_with_the_stored_one_unless_a_webhook_converts() -> None:
    old, new = version("v1", SIZE, storage=True), version("v2", {})
    live = definition(old)
    assert versions_in_doubt(live, definition(old, new)) == ("v1",)
    assert risk(live, definition(old, new), widget("a", size=1)).narrowed == (
        "v2 .spec.size is not known any more, and would be dropped",
    )
    assert risk(live, definition(old, new, strategy="Webhook")) is None


def test_objects_stored_in_a_version_that_is_not_served_are_read_in_another() -> None:
    hidden, shown = version("v1beta1", SIZE, served=False, storage=True), version("v1", SIZE)
    narrower = definition(version("v1beta1", SMALL, served=False, storage=True), shown)
    live = definition(hidden, shown)
    assert versions_in_doubt(live, narrower) == ("v1",)
    assert risk(live, narrower, widget("big", size=12)).broken != ()


def test_a_version_that_goes_counts_for_those_who_write_in_it_and_a_stored_one_is_refused() -> None:
    both = definition(version("v1beta1", SIZE), version("v1", SIZE, storage=True), storedVersions=["v1beta1", "v1"])
    found = risk(both, definition(version("v1", SIZE, storage=True)), widget("a", "v1beta1"), widget("b"))
    assert found.narrowed == ("v1beta1 is not served any more",)
    assert found.broken == (f"Widget/a in prod: kubectl writes it as {GROUP}/v1beta1",)
    assert found.blocked == (
        "version v1beta1 goes, and objects may still be stored in it; there are 2: Widget/a in prod, Widget/b in prod",
    )
