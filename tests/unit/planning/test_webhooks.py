"""Which webhooks judge what, and whether anything answers them."""

from typing import Any

import pytest

from bundler.model.refs import ObjectRef
from bundler.planning.webhooks import Judges, find_webhooks, silent_webhooks

CONFIG = ObjectRef("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "hook")
SERVICE = ObjectRef("", "Service", "prod", "hook")
WORKLOAD = ObjectRef("apps", "Deployment", "prod", "hook")
GADGET = ObjectRef("example.dev", "Gadget", "prod", "a")
BY_SERVICE = {"service": {"name": "hook", "namespace": "prod"}}


def configuration(client: dict[str, Any] = BY_SERVICE, policy: str = "Fail", **rule: Any) -> dict[str, Any]:
    whole = {"apiGroups": ["example.dev"], "resources": ["gadgets"], "operations": ["*"], "scope": "*", **rule}
    return {"webhooks": [{"name": "a", "failurePolicy": policy, "clientConfig": client, "rules": [whole]}]}


def live(ready: int = 0, client: dict[str, Any] = BY_SERVICE) -> dict[ObjectRef, dict[str, Any]]:
    labels = {"app": "hook"}
    workload = {"spec": {"template": {"metadata": {"labels": labels}}}, "status": {"readyReplicas": ready}}
    return {CONFIG: configuration(client), SERVICE: {"spec": {"selector": labels}}, WORKLOAD: workload}


@pytest.mark.parametrize(
    ("rule", "judges"),
    [
        ({}, True),
        ({"apiGroups": ["*"], "resources": ["*/*"]}, True),
        ({"apiGroups": ["other.dev"]}, False),
        ({"operations": ["DELETE"]}, False),
        ({"operations": ["UPDATE"]}, True),
        ({"scope": "Cluster"}, False),
        ({"resources": ["things"]}, True),  # nothing tells the plural of a kind that is defined elsewhere
    ],
)
def test_a_rule_tells_what_is_judged(rule: dict[str, Any], judges: bool) -> None:
    webhooks = find_webhooks({CONFIG: configuration(**rule)})
    assert bool(Judges(webhooks, ()).of(GADGET)) is judges


def test_the_definition_of_a_kind_tells_its_plural() -> None:
    names = {"group": "example.dev", "names": {"kind": "Gadget", "plural": "gadgets"}}
    crd = (ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "gadgets.example.dev"), {"spec": names})
    webhooks = find_webhooks({CONFIG: configuration(resources=["things"])})
    assert not Judges(webhooks, [crd]).of(GADGET)


def test_a_webhook_that_may_be_passed_over_judges_nothing() -> None:
    assert find_webhooks({CONFIG: configuration(policy="Ignore")}) == ()


def test_a_definition_that_converts_by_a_webhook_judges_its_kind() -> None:
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": BY_SERVICE}}
    ref = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "gadgets.example.dev")
    body = {"spec": {"group": "example.dev", "names": {"plural": "gadgets"}, "conversion": conversion}}
    (webhook,) = find_webhooks({ref: body})
    assert (webhook.service, webhook.judges(GADGET, "gadgets")) == (SERVICE, True)


def test_a_webhook_is_silent_where_no_workload_behind_its_service_is_ready() -> None:
    assert [one.holder for one in silent_webhooks(live(ready=0), ())] == [CONFIG]
    assert silent_webhooks(live(ready=1), ()) == ()


def test_a_webhook_is_silent_where_its_service_or_workload_was_ours_and_is_gone() -> None:
    for gone in (SERVICE, WORKLOAD):
        left = {ref: body for ref, body in live(ready=1).items() if ref != gone}
        assert silent_webhooks(left, {gone}) != ()
        assert silent_webhooks(left, ()) == (), "what was never ours may well answer"


def test_what_is_called_by_a_url_is_taken_to_answer() -> None:
    assert silent_webhooks(live(client={"url": "https://hooks.example/a"}), ()) == ()
