"""What a bundle leaves empty for a controller to fill is left to it."""

from typing import Any

import pytest

from bundler.planning.filled_fields import without_filled_fields
from tests.lib.manifests import manifest

OWNED = {"f:webhooks": {'k:{"name":"a"}': {".": {}, "f:clientConfig": {"f:caBundle": {}}}}}


def hook(bundle: str, name: str = "a") -> dict[str, Any]:
    return {"webhooks": [{"name": name, "clientConfig": {"caBundle": bundle, "url": "https://a"}}]}


def wanted(bundle: str = "", **changes: Any):
    return manifest(
        "MutatingWebhookConfiguration", "hook", "admissionregistration.k8s.io/v1", **hook(bundle, **changes)
    )


def live(*managers: str, bundle: str = "abc", **entry: Any) -> dict[str, Any]:
    entries = [
        {"manager": name, "operation": "Apply" if name == "bundler" else "Update", "fieldsV1": OWNED, **entry}
        for name in managers
    ]
    return {"metadata": {"managedFields": entries}, **hook(bundle)}


@pytest.mark.parametrize("blank", ["", "Cg=="])
def test_an_empty_field_that_a_controller_filled_is_not_sent(blank: str) -> None:
    found = without_filled_fields(wanted(blank), live("cert-manager-cainjector"))
    assert found.body["webhooks"] == [{"name": "a", "clientConfig": {"url": "https://a"}}]


@pytest.mark.parametrize(
    ("bundle", "found"),
    [
        ("xyz", live("injector")),  # the bundle has a value of its own
        ("", live("kubectl-edit")),  # a person set it
        ("", live("injector", "bundler")),  # ours as well
        ("", live("injector", bundle="")),  # nothing is in it
        ("", live("injector", subresource="status")),
        ("", live()),
    ],
)
def test_everything_else_is_sent_as_it_was_rendered(bundle: str, found: dict[str, Any]) -> None:
    rendered = wanted(bundle)
    assert without_filled_fields(rendered, found) is rendered
