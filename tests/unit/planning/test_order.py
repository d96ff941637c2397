import pytest

from bundler.errors import PlanError
from bundler.model.change import Stage
from bundler.model.refs import ObjectRef
from bundler.planning.order import component_order, effective_needs, stage_of

STAGES = [
    ("", "Namespace", Stage.DEFINITIONS),
    ("apiextensions.k8s.io", "CustomResourceDefinition", Stage.DEFINITIONS),
    ("", "ServiceAccount", Stage.ACCESS),
    ("networking.k8s.io", "NetworkPolicy", Stage.ACCESS),
    ("", "ConfigMap", Stage.CONFIG),
    ("", "PersistentVolumeClaim", Stage.CONFIG),
    ("", "Service", Stage.SERVICES),
    ("apps", "Deployment", Stage.WORKLOADS),
    ("batch", "Job", Stage.WORKLOADS),
    ("postgresql.example", "Cluster", Stage.WORKLOADS),
    ("autoscaling", "HorizontalPodAutoscaler", Stage.EDGES),
    ("networking.k8s.io", "Ingress", Stage.EDGES),
    ("apiregistration.k8s.io", "APIService", Stage.EXTENSIONS),
    ("serving.knative.dev", "Service", Stage.WORKLOADS),
]


@pytest.mark.parametrize(("group", "kind", "stage"), STAGES)
def test_every_kind_has_its_stage(group, kind, stage):
    assert stage_of(ObjectRef(group, kind, "shop", "x")) is stage


def test_components_come_in_waves():
    needs = {"web": ("db", "cache"), "edge": ("web",)}
    assert component_order(frozenset({"web", "db", "cache", "edge", ""}), needs) == (
        ("", "cache", "db"),
        ("web",),
        ("edge",),
    )


def test_a_circle_is_an_error_that_names_its_members():
    with pytest.raises(PlanError) as raised:
        component_order(frozenset({"a", "b", "c"}), {"a": ("b",), "b": ("a",)})
    assert raised.value.context == ("a needs b", "b needs a")


def test_a_need_covers_what_is_nested_in_it_and_nested_ones_inherit():
    components = frozenset({"db", "db/exporter", "web", "web/sidecar"})
    needs = effective_needs(components, {"web": ("db",)})
    assert needs["web"] == ("db", "db/exporter")
    assert needs["web/sidecar"] == ("db", "db/exporter")
    assert needs["db"] == ()


def test_a_need_on_what_is_switched_off_is_met():
    assert effective_needs(frozenset({"web"}), {"web": ("cache",)}) == {"web": ()}
