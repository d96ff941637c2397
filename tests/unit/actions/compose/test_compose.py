"""From an order to manifests."""

from __future__ import annotations

import pytest

from bundler.actions.compose.compose import compose
from bundler.actions.compose.render_request import RenderRequest
from bundler.errors.bundle import KubeVersionError
from bundler.model.json import items_at, mapping_at
from bundler.model.lean import replace
from bundler.model.values import UserLayers
from tests.lib.bundles import load_from, make_bundle
from tests.unit.values.builders import bundle, component


def order_of(made, **fields):
    return RenderRequest(bundle=made, release="shop", namespace="default", user=UserLayers(), site={}, **fields)


def nested(*, when: str = ""):
    """A bundle in a bundle in a bundle, the innermost of which asks for a Kubernetes."""
    inner = replace(bundle("", name="inner"), kube_version=">=1.30")
    middle = bundle("", name="middle", components={"inner": inner}, specs=[component("inner", when=when)])
    return bundle("", name="top", components={"middle": middle})


def test_each_component_that_is_switched_on_must_run_on_the_kubernetes_however_deep_it_lies() -> None:
    with pytest.raises(KubeVersionError) as caught:
        compose(order_of(nested(), kube_version="v1.29.4"))
    assert caught.value.context == ("kubeVersion of component middle/inner is >=1.30, the cluster runs v1.29.4",)
    compose(order_of(nested(), kube_version="v1.30.0"))


def test_a_component_that_is_switched_off_asks_for_nothing() -> None:
    assert compose(order_of(nested(when="false"), kube_version="v1.29.4")).manifests == ()


def test_a_bundle_is_held_against_the_kubernetes_before_its_values_are_computed() -> None:
    made = replace(bundle("a: 1", derive={"b": "values.gone"}), kube_version=">=9.1")
    with pytest.raises(KubeVersionError) as caught:
        compose(order_of(made, kube_version="v1.36.2"))
    assert caught.value.context == ("kubeVersion of the bundle is >=9.1, the cluster runs v1.36.2",)


def test_spellings_of_yaml_1_1_are_sent_as_kubectl_reads_them_with_a_notice(tmp_path) -> None:
    template = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: 'a:1', args: [yes]}]\n"
        "  volumes:\n    - {name: v, configMap: {name: a, defaultMode: 0755, optional: yes}}\n"
    )
    made = compose(order_of(load_from(make_bundle(tmp_path, {"templates/a.yaml": template}))))
    spec = mapping_at(made.manifests[0].body, "spec")
    (volume,) = items_at(spec, "volumes")
    assert mapping_at(volume, "configMap") == {"name": "a", "defaultMode": 493, "optional": True}
    assert items_at(spec, "containers")[0]["args"] == ["yes"]
    assert [notice.partition(": ")[0] for notice in made.notices] == ["templates/a.yaml:1"] * 2
    assert "0755 is read as 493" in made.notices[0]
