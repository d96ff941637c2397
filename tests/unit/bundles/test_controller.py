"""The shipped bundle of the controller, and what it has to share with the program that it runs."""

from __future__ import annotations

import re

import pytest
import yaml

from bundler import __version__
from bundler.cli.commands.controller import controller_command
from bundler.controller.definitions import definition
from bundler.fields.kinds import plural_of
from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle
from tests.lib.operator import BUNDLES
from tests.unit.bundles.test_shipped import LARGE, NAMES, bodies, order

SECRETS = {"secrets", "*"}


def test_the_controller_itself_has_no_right_on_secrets() -> None:
    roles = [body for ref, body in bodies(order("controller")).items() if ref.startswith(("Role/", "ClusterRole/"))]
    rules = [rule for role in roles for rule in role.get("rules") or ()]
    assert len(rules) > len(roles)
    assert not [rule for rule in rules if SECRETS & {*rule["resources"], *rule["apiGroups"], *rule["verbs"]}]


@pytest.mark.medium
def test_it_may_watch_every_kind_of_kubernetes_that_a_shipped_bundle_has_but_secrets() -> None:
    (role,) = [body for ref, body in bodies(order("controller")).items() if ref == "ClusterRole/prod-controller"]
    watched = {
        (group, plural)
        for rule in role["rules"]
        if "watch" in rule["verbs"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
    }
    refs = {one.ref for name in NAMES if name not in LARGE for one in order(name).manifests}
    known = {(ref.group, plural) for ref in refs if (plural := plural_of(ref.group, ref.kind)) is not None}
    assert len(known) > 15
    assert known - watched <= {("", "secrets")}


def test_a_site_is_described_as_in_a_site_file() -> None:
    rendered = bodies(order("controller", sites__acme__registry="registry.site:5000/acme"))
    site = yaml.safe_load(rendered["ConfigMap/bundler-site-acme"]["data"]["site.yaml"])
    assert site["metadata"]["name"] == "acme"
    assert site["spec"] == {"registry": "registry.site:5000/acme"}


def test_its_definitions_are_those_of_the_program() -> None:
    shipped = {path.name: path.read_text() for path in (BUNDLES / "controller" / "crds").glob("*.yaml")}
    assert shipped == {f"{name}.yaml": definition(name) for name in ("release", "menu")}


def test_its_arguments_are_options_of_the_program() -> None:
    template = (BUNDLES / "controller" / "templates" / "controller.yaml").read_text()
    given = set(re.findall(r"^ +- (--[a-z-]+)=", template, re.MULTILINE))
    known = {name for parameter in controller_command.params for name in parameter.opts}
    assert {"--metrics", "--health", "--changes", "--namespaces"} <= given <= known


def test_its_image_and_version_are_those_of_the_program() -> None:
    bundle = load_bundle(find_bundle(str(BUNDLES / "controller")))
    assert bundle.metadata.app_version == __version__
    (container,) = bodies(order("controller"))["Deployment/controller"]["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f":{__version__}")
