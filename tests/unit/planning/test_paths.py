import pytest

from bundler.planning.paths import value_at_path

BODY = {
    "metadata": {"labels": {"app.kubernetes.io/name": "web", "a": "b"}},
    "spec": {
        "replicas": 3,
        "containers": [
            {"name": "web", "image": "w"},
            {"name": "side", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
        ],
        "finalizers": ["x", "y"],
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.replicas", 3),
        ('.spec.containers[name="web"].image', "w"),
        ('.spec.containers[name="side"].ports[containerPort=80,protocol="TCP"].protocol', "TCP"),
        (".metadata.labels.app.kubernetes.io/name", "web"),
        (".metadata.labels.a", "b"),
        ('.spec.finalizers[="y"]', "y"),
        (".spec.containers[1].name", "side"),
        (".spec.absent", None),
        ('.spec.containers[name="none"].image', None),
        (".spec.replicas.deeper", None),
        (".spec.containers[9]", None),
    ],
)
def test_a_servers_path_is_followed(path, value):
    assert value_at_path(BODY, path) == value
