"""What a test of a bundle expects, against what was rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.manifest import Source
from bundler.model.render_test import Check, Expectation
from bundler.render.expectations import unmet

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

WEB: Body = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app.kubernetes.io/name": "web"}},
    "spec": {"replicas": 3, "paused": True, "containers": [{"name": "web", "image": "web:1.2", "cpu": "500m"}]},
}
BODIES: list[Body] = [
    WEB,
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "shop"}},
]


def lines(target: str, path: str, check: Check, wanted: JSONValue) -> list[str]:
    expectation = Expectation(target=target, path=path, check=check, wanted=wanted, source=Source("a.yaml", 1))
    return list(unmet(expectation, BODIES))


@pytest.mark.parametrize(
    ("target", "path", "check", "wanted"),
    [
        ("Deployment/web", "spec.replicas", Check.EQUALS, 3),
        ("Deployment/shop/web", "spec.replicas", Check.EQUALS, 3.0),
        ("Deployment.apps/web", "spec.paused", Check.EQUALS, True),
        ("Deployment/web", "metadata.labels.app.kubernetes.io/name", Check.EQUALS, "web"),
        ("Deployment/web", "spec.containers[name=web].image", Check.MATCHES, r"^web:\d"),
        ("Deployment/web", "spec.containers", Check.CONTAINS, {"image": "web:1.2"}),
        ("Deployment/web", "spec", Check.CONTAINS, {"replicas": 3}),
        ("Deployment/web", "spec.containers[0].image", Check.CONTAINS, "1.2"),
        ("Deployment/web", "spec.template", Check.EXISTS, False),
        ("Deployment/web", "spec.replicas", Check.EXISTS, True),
        ("Deployment/web", "spec.replicas", Check.AT_LEAST, 3),
        ("Deployment/web", "spec.containers[0].cpu", Check.AT_LEAST, "0.5"),
        ("Deployment/web", "spec.containers[0].cpu", Check.AT_MOST, 1),
        ("Service", "", Check.EQUALS, 2),
        ("Service", "", Check.AT_MOST, 2),
        ("Service/web", "", Check.EXISTS, True),
        ("Service/*", "", Check.EQUALS, 2),
        ("Service/s*/d*", "", Check.EQUALS, 1),
        ("Service/prod/*", "", Check.EXISTS, False),
        ("Service/shop/web/more", "", Check.EXISTS, False),
        ("Secret", "", Check.EXISTS, False),
        ("Deployment.extensions/web", "", Check.EXISTS, False),
    ],
)
def test_what_is_as_expected_is_passed_over(target: str, path: str, check: Check, wanted: JSONValue) -> None:
    assert lines(target, path, check, wanted) == []


@pytest.mark.parametrize(
    ("target", "path", "check", "wanted", "told"),
    [
        ("Deployment/web", "spec.replicas", Check.EQUALS, 4, "Deployment/web spec.replicas is 3, expected 4"),
        ("Deployment/web", "spec.paused", Check.EQUALS, 1, "Deployment/web spec.paused is true, expected 1"),
        ("Deployment/web", "spec.x", Check.EQUALS, 1, "Deployment/web spec.x is not set, expected 1"),
        ("Deployment/web", "spec.replicas", Check.AT_MOST, 2, "Deployment/web spec.replicas is 3, expected at most 2"),
        ("Deployment/web", "spec.x", Check.AT_MOST, 2, "Deployment/web spec.x is not set, expected at most 2"),
        ("Deployment/web", "spec.x", Check.EXISTS, True, "Deployment/web spec.x is not set, expected a value"),
        ("Deployment/web", "spec.x", Check.MATCHES, "a", 'Deployment/web spec.x is not set, expected a match of "a"'),
        (
            "Deployment/web",
            "spec.paused",
            Check.CONTAINS,
            "a",
            'Deployment/web spec.paused is true, expected "a" in it',
        ),
        ("Deployment/app", "spec.x", Check.EXISTS, True, "Deployment/app is not rendered; there is Deployment/web"),
        ("Job/app", "", Check.EXISTS, True, "Job/app is not rendered; there is Deployment, Service"),
        ("Service/web", "", Check.EXISTS, False, "Service/web is rendered, expected none"),
        ("Service", "", Check.EQUALS, 3, "Service is rendered 2 times, expected 3"),
    ],
)
def test_what_is_not_as_expected_is_told(target: str, path: str, check: Check, wanted: JSONValue, told: str) -> None:
    assert lines(target, path, check, wanted) == [told]


def test_a_kind_alone_means_each_object_of_it() -> None:
    told = lines("Service", "spec", Check.EXISTS, True)
    assert told == ["Service/web spec is not set, expected a value", "Service/db spec is not set, expected a value"]
