import base64

import pytest

from bundler.errors import ManifestError
from bundler.model.labels import COMPONENT, RELEASE_UID
from bundler.planning.normalize import component_label, normalize_manifests, secret_leaves, stamp
from tests.lib.manifests import deployment, manifest


def only(*manifests):
    (one,) = normalize_manifests(manifests)
    return one


def test_nulls_status_and_the_servers_metadata_go():
    noisy = manifest(
        "ConfigMap",
        "a",
        metadata={"creationTimestamp": None, "managedFields": [], "uid": "x", "resourceVersion": "1", "labels": None},
        data={"keep": "", "drop": None},
        status={"x": 1},
    )
    assert only(noisy).body == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "shop"},
        "data": {"keep": ""},
    }


def test_a_null_in_a_list_stays_where_it_is():
    body = only(manifest("Thing", "a", "x.example/v1", spec={"list": [None, {"a": None, "b": 1}]})).body
    assert body["spec"] == {"list": [None, {"b": 1}]}


def test_string_data_becomes_data_and_wins():
    secret = manifest("Secret", "s", data={"a": "b2xk", "b": "Yg=="}, stringData={"a": "new"})
    body = only(secret).body
    assert "stringData" not in body
    assert body["data"] == {"a": base64.b64encode(b"new").decode(), "b": "Yg=="}
    assert sorted(secret_leaves(only(secret))) == ["b", "new"]


def test_the_same_object_twice_names_both_lines():
    with pytest.raises(ManifestError) as raised:
        normalize_manifests([manifest("ConfigMap", "a", line=3), manifest("ConfigMap", "a", line=9)])
    assert raised.value.context == ("ConfigMap/a is rendered twice: templates/a.yaml:3 and templates/a.yaml:9",)


def test_a_generated_name_is_refused():
    with pytest.raises(ManifestError, match="normal form") as raised:
        normalize_manifests([manifest("ConfigMap", "a", metadata={"generateName": "a-"})])
    assert "generateName" in raised.value.context[0]


def test_duplicate_list_map_keys_are_refused_with_their_path():
    web = deployment()
    container = {"name": "web", "image": "x", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}
    web.body["spec"]["template"]["spec"]["containers"] = [container]
    with pytest.raises(ManifestError) as raised:
        normalize_manifests([web])
    assert raised.value.context == (
        "templates/web.yaml:1: Deployment/web lists name=A twice in .spec.template.spec.containers.env",
    )


def test_ports_that_differ_in_protocol_alone_are_two_ports():
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53}]
    normalize_manifests([manifest("Service", "dns", spec={"ports": ports})])
    with pytest.raises(ManifestError):
        normalize_manifests(
            [manifest("Service", "dns", spec={"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53}]})]
        )


def job(command="migrate", name="migrate"):
    spec = {"template": {"spec": {"containers": [{"name": "m", "image": "m", "command": [command]}]}}}
    return manifest("Job", name, "batch/v1", spec=spec)


def test_a_job_carries_the_hash_of_its_spec():
    one, same, other = only(job()), only(job()), only(job("other"))
    assert one.ref.name.startswith("migrate-")
    assert len(one.ref.name) == len("migrate-") + 8
    assert one.ref == same.ref
    assert one.ref != other.ref
    assert one.body["metadata"]["name"] == one.ref.name


def test_a_long_job_name_leaves_room_for_its_hash():
    assert len(only(job(name="x" * 63)).ref.name) == 63


def test_stamps_are_top_level_only_and_leave_the_input_alone():
    web = deployment(component="web/deep")
    stamped = stamp(web, uid="u-1")
    assert stamped.body["metadata"]["labels"] == {RELEASE_UID: "u-1", COMPONENT: "web.deep"}
    assert stamped.body["spec"] == web.body["spec"]
    assert "labels" not in web.body["metadata"]


@pytest.mark.parametrize(("path", "label"), [("", ""), ("db", "db"), ("a/b", "a.b"), ("a" * 70, "a" * 63)])
def test_a_component_path_becomes_a_valid_label(path, label):
    assert component_label(path) == label
