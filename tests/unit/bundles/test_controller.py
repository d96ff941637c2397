"""The shipped bundle of the controller, and what it has to share with the program that it runs."""

from __future__ import annotations

import yaml

from tests.unit.bundles.test_shipped import bodies, order

SECRETS = {"secrets", "*"}


def test_the_controller_itself_has_no_right_on_secrets() -> None:
    roles = [body for ref, body in bodies(order("controller")).items() if ref.startswith(("Role/", "ClusterRole/"))]
    rules = [rule for role in roles for rule in role.get("rules") or ()]
    assert len(rules) > len(roles)
    assert not [rule for rule in rules if SECRETS & {*rule["resources"], *rule["apiGroups"], *rule["verbs"]}]


def test_a_site_is_described_as_in_a_site_file() -> None:
    rendered = bodies(order("controller", sites__acme__registry="registry.site:5000/acme"))
    site = yaml.safe_load(rendered["ConfigMap/bundler-site-acme"]["data"]["site.yaml"])
    assert site["metadata"]["name"] == "acme"
    assert site["spec"] == {"registry": "registry.site:5000/acme"}
