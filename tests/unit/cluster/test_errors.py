"""Refusals become errors that name verb, object and the server's reason."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bundler.cluster.errors import Sender, error_of, unavailable, unknown_kind
from bundler.cluster.request import Request
from bundler.cluster.status import MAX_BODY_CHARS, one_line, read_status
from bundler.errors.cluster import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    ObjectNotFoundError,
    RejectedError,
    UnauthorizedError,
    UnknownKindError,
)
from bundler.http.retry import Failure
from bundler.model.cluster import Payload
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef, ResourceType

DEPLOYMENT = ResourceType(group="apps", version="v1", kind="Deployment", plural="deployments", is_namespaced=True)
APPLY = Request(
    method="PATCH",
    target="/apis/apps/v1/namespaces/shop/deployments/web",
    verb="patch",
    resource=DEPLOYMENT,
    subject=ObjectRef("apps", "Deployment", "shop", "web"),
    namespace="shop",
)


def test_the_hint_on_a_refused_deletion_is_not_to_correct_the_object() -> None:
    denied = "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'fridays' denied request: not today"
    deletion = replace(APPLY, method="DELETE", verb="delete")
    assert error(422, denied, "Invalid", request=deletion).hint == (
        "read why a policy of this cluster refuses the deletion, or ask its owner; then run the same command again"
    )
    assert error(422, denied, "Invalid").hint.startswith("a policy of this cluster refuses the object")
    assert "the object" not in error(422, "no", "Invalid", request=deletion).hint


def refusal(code: int, message: str, reason: str = "", **details: Any) -> bytes:
    return json.dumps(
        {"kind": "Status", "code": code, "message": message, "reason": reason, "details": details}
    ).encode()


def error(code: int, message: str, reason: str = "", *, request: Request = APPLY, **details: Any) -> ClusterError:
    return error_of(request, code, refusal(code, message, reason, **details), user=Sender(name="ada"))


@pytest.mark.parametrize(
    ("code", "reason", "details", "expected"),
    [
        (400, "BadRequest", {}, RejectedError),
        (401, "Unauthorized", {}, UnauthorizedError),
        (403, "Forbidden", {}, ForbiddenError),
        (404, "NotFound", {"kind": "deployments"}, ObjectNotFoundError),
        (404, "NotFound", {}, UnknownKindError),
        (405, "MethodNotAllowed", {}, RejectedError),
        (409, "AlreadyExists", {}, AlreadyExistsError),
        (409, "Conflict", {}, ConflictError),
        (410, "Expired", {}, ExpiredError),
        (413, "RequestEntityTooLarge", {}, RejectedError),
        (422, "Invalid", {}, RejectedError),
        (500, "", {}, RejectedError),
        (418, "", {}, ClusterError),
    ],
)
def test_each_status_has_its_class_and_three_parts(
    code: int, reason: str, details: dict[str, str], expected: type[ClusterError]
) -> None:
    found = error(code, "because", reason, **details)
    assert type(found) is expected
    assert str(found) == "applying Deployment/web in namespace shop"
    assert any("because" in line or "no kind" in line for line in found.context)
    assert found.hint


def test_a_dry_run_is_called_a_check() -> None:
    request = Request(method="PATCH", target="/x", verb="patch", subject="Deployment/web", is_dry_run=True)
    assert request.doing == "checking Deployment/web (dry-run)"


def test_missing_permission_names_verb_resource_namespace_and_user() -> None:
    found = error(
        403,
        'deployments.apps "web" is forbidden: User "system:serviceaccount:ci:deployer" cannot patch resource '
        '"deployments" in API group "apps" in the namespace "shop"',
        "Forbidden",
    )
    assert found.context == ("cannot patch deployments.apps in namespace shop as system:serviceaccount:ci:deployer",)
    assert (
        found.hint
        == "ask for a Role in namespace shop with verb patch on deployments.apps (used for dry-run and apply)"
    )


def test_missing_permission_on_the_whole_cluster_asks_for_a_cluster_role() -> None:
    found = error(
        403, 'secrets is forbidden: User "u" cannot list resource "secrets" in API group "" at the cluster scope'
    )
    assert found.context == ("cannot list secrets in the whole cluster as u",)
    assert found.hint == "ask for a ClusterRole with verb list on secrets"


@pytest.mark.parametrize(
    "message",
    [
        'forbidden: User "system:anonymous" cannot get path "/api"',
        'secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" in the namespace "a"',
    ],
)
def test_who_sent_no_credentials_is_told_so(message: str) -> None:
    found = error(403, message)
    assert found.context == (message,)
    assert "no credentials" in found.hint


def test_a_quota_is_not_called_a_missing_permission() -> None:
    found = error(403, 'pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=5, limited: pods=5')
    assert "exceeded quota: small" in found.context[0]
    assert "quota" in found.hint


def test_conflicts_are_read_from_the_causes() -> None:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-edit" using apps/v1',
            "field": ".spec.replicas",
        },
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "hpa" with subresource "scale" using apps/v1 at 2026-01-01T00:00:00Z',
            "field": ".spec.a",
        },
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "a"',
            "field": '.spec.template.spec.containers[name="web"].image',
        },
    ]
    found = error(409, "Apply failed with 3 conflicts", "Conflict", causes=causes)
    assert isinstance(found, ConflictError)
    assert found.conflicts == (
        (".spec.a", "hpa"),
        (".spec.replicas", "kubectl-edit"),
        ('.spec.template.spec.containers[name="web"].image', "a"),
    )
    assert ".spec.replicas is owned by kubectl-edit" in found.context


def test_another_object_of_that_name_is_a_conflict_without_fields() -> None:
    causes = [
        {"reason": "FieldValueInvalid", "message": 'Invalid value: "x": field is immutable', "field": "metadata.uid"}
    ]
    found = error(422, 'ConfigMap "a" is invalid', "Invalid", causes=causes, kind="ConfigMap")
    assert isinstance(found, ConflictError)
    assert found.conflicts == ()


def test_every_cause_is_listed_once_and_sorted() -> None:
    causes = [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.b"},
        {"reason": "FieldValueInvalid", "message": 'Invalid value: "": no', "field": "spec.a"},
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.b"},
    ]
    message = 'Deployment.apps "web" is invalid: [spec.b: Required value, spec.a: Invalid value: "": no]'
    found = error(422, message, "Invalid", causes=causes)
    assert found.context == (
        'Deployment.apps "web" is invalid',
        'spec.a: Invalid value: "": no',
        "spec.b: Required value",
    )


def test_a_missing_namespace_is_named_with_the_way_out() -> None:
    found = error(404, 'namespaces "shop" not found', "NotFound", kind="namespaces", name="shop")
    assert isinstance(found, ObjectNotFoundError)
    assert found.hint == "create the namespace first: kubectl create namespace shop"


def test_a_path_that_is_not_served_is_an_unknown_kind() -> None:
    found = error_of(APPLY, 404, b"404 page not found\n", user=Sender(name="ada"))
    assert isinstance(found, UnknownKindError)
    assert found.context == ("the server knows no kind Deployment in apps/v1",)


def test_a_server_without_secrets_is_no_kubernetes() -> None:
    found = unknown_kind("", "Secret", "v1", doing="listing Secret")
    assert "address of a Kubernetes API" in str(found.hint)


def test_who_answers_and_is_no_api_is_looked_for_in_the_kubeconfig() -> None:
    found = error_of(APPLY, 400, b"Client sent an HTTP request to an HTTPS server.\n", user=Sender(name="ada"))
    assert found.hint == "check the server's address in the kubeconfig, and what a proxy in between answers"


def test_a_proxys_page_is_cut_and_on_one_line() -> None:
    found = error_of(APPLY, 400, b"<html>\n" + b"x" * 100_000, user=Sender(name="ada"))
    assert len(found.context[0]) <= MAX_BODY_CHARS
    assert "\n" not in found.context[0]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"kind":"Status","details":7}'])
def test_any_body_can_be_read(body: bytes) -> None:
    assert read_status(418, body).message


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"web"', '"web"'),
        ("7", "7"),
        (json.dumps({"spec": {"containers": ["x" * 5000]}}), "…"),
        (json.dumps("x: y" * 500), "…"),
        ('core.PodTemplateSpec{ObjectMeta:v1.ObjectMeta{Name:"}", X:' + "1, " * 500 + "}}", "…"),
        ("", ""),
    ],
)
def test_a_quoted_value_does_not_hide_the_reason(value: str, shown: str) -> None:
    message = f"spec.template: Invalid value: {value}: field is immutable"
    assert error(422, message, "Invalid").context == (f"spec.template: Invalid value: {shown}: field is immutable",)


@pytest.mark.medium
@given(st.text(max_size=3000), st.integers(100, 500))
def test_any_text_is_cut_to_its_bound(text: str, max_chars: int) -> None:
    for it in (text, f"Invalid value: {text}", f'Invalid value: {{"a": "{text}": no'):
        assert len(one_line(it, max_chars)) <= max_chars


SECRET = "hunter22-correct-horse"


@pytest.mark.parametrize(
    "quoted",
    [
        f".data: expected map, got &{{{SECRET}}}",
        f"json: cannot unmarshal {base64.b64encode(SECRET.encode()).decode()} into Go",
        f'data: Invalid value: "{SECRET}": too short',
        f".data: expected map, got &{{{'x' * 2000}{SECRET[:8]}}}",
    ],
)
def test_what_the_server_quotes_of_a_secret_is_masked(quoted: str) -> None:
    ref = ObjectRef("", "Secret", "shop", "db")
    body = {"apiVersion": "v1", "kind": "Secret", "data": {"p": base64.b64encode(SECRET.encode()).decode()}}
    request = Request(
        method="PATCH",
        target="/x",
        verb="patch",
        subject=ref,
        payload=Payload(ref=ref, api_version="v1", content=json.dumps(body).encode()),
    )
    causes = [{"reason": "x", "message": quoted, "field": "data"}]
    for details in ({}, {"causes": causes}):
        found = error(422, quoted, request=request, **details)
        assert SECRET[:8] not in " ".join(found.context)
        assert base64.b64encode(SECRET.encode()).decode() not in " ".join(found.context)


def test_a_webhook_that_does_not_answer_is_named_in_place_of_the_server():
    failure = Failure(why="connection refused", waits_for="admission webhook policy.acme.example (Service ops/gate)")
    error = unavailable("checking ConfigMap/c", server="https://api.example", failure=failure, tries=8)
    assert error.context == (
        "admission webhook policy.acme.example (Service ops/gate) did not answer the API server: connection refused (8 tries)",
    )
    assert "the pods behind the webhook" in (error.hint or "")
    assert "check the network" in (unavailable("x", server="s", failure=Failure(why="503"), tries=1).hint or "")


def test_the_fields_that_the_server_names_are_fields_of_the_lines_and_masked_as_the_lines_are():
    causes = [
        {"reason": "FieldValueInvalid", "field": "spec.replicas", "message": "Invalid value: -1"},
        {"reason": "FieldValueRequired", "field": "spec.selector", "message": "Required value"},
    ]
    found = error(422, 'Deployment.apps "web" is invalid: [spec.replicas: Invalid value: -1]', causes=causes)
    assert [(one.field, one.message) for one in found.problems] == [
        ("spec.replicas", "Invalid value: -1"),
        ("spec.selector", "Required value"),
    ]
    one = error(422, 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1', causes=causes[:1])
    assert [(line, line.field) for line in one.problems] == [(one.context[0], "spec.replicas")]


@pytest.mark.parametrize(
    "message",
    [
        'serviceaccounts "chef" is forbidden: User "ada" cannot impersonate resource "serviceaccounts" in the API',
        'forbidden: User "ada" cannot impersonate-on:serviceaccount:get path "/api"',
    ],
)
def test_who_may_not_act_as_a_service_account_learns_which_right_is_missing(message: str) -> None:
    sender = Sender(name="ada", acts_as="system:serviceaccount:prod:chef")
    found = error_of(APPLY, 403, refusal(403, message, "Forbidden"), user=sender)
    assert found.context == ("ada may not act as system:serviceaccount:prod:chef",)
    assert "a Role in namespace prod with verb impersonate on serviceaccounts, name chef" in found.hint


def test_who_may_not_act_as_another_user_learns_which_right_is_missing() -> None:
    message = 'users "eve" is forbidden: User "ada" cannot impersonate resource "users" in API group "" at the cluster'
    found = error_of(APPLY, 403, refusal(403, message, "Forbidden"), user=Sender(name="ada", acts_as="eve"))
    assert found.context == ("ada may not act as eve",)
    assert "a ClusterRole with verb impersonate on users" in found.hint
