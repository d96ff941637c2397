"""One file for each object: names that every file system takes, texts without secrets."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bundler.model.manifest import Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.planning.object_files import mark_of, object_files, safe_name

LONG = 253
LONGEST_NAME = 255
"""Bytes of a name on common file systems."""


def paths(*objects: tuple[str, ObjectRef]) -> list[str]:
    return list(_files(*objects))


def _files(*objects: tuple[str, ObjectRef], **body: object):
    manifests = [
        Manifest(ref=ref, api_version="v1", body={"kind": ref.kind, "apiVersion": "v1", **body},
                 source=Source("templates/a.yaml", 3), component=component)
        for component, ref in objects
    ]  # fmt: skip
    return object_files(manifests, namespace="prod", sensitive=frozenset({"hunter2hunter2"}), public=frozenset())


@pytest.mark.parametrize(
    ("component", "ref", "path"),
    [
        ("", ObjectRef("", "Service", "prod", "shop"), "_/service/shop.yaml"),
        ("web/cache", ObjectRef("apps", "Deployment", "prod", "shop"), "web.cache/deployment.apps/shop.yaml"),
        ("web", ObjectRef("", "Service", "other", "shop"), "web/service/other/shop.yaml"),
        ("", ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "system:Shop"),
         "_/clusterrole.rbac.authorization.k8s.io/system%3a%53hop.yaml"),
        ("", ObjectRef("batch", "Job", "prod", "migrate-0123abcd"), "_/job.batch/migrate.yaml"),
        ("aux", ObjectRef("", "ConfigMap", "prod", "con.fig"), "%61ux/configmap/%63on.fig.yaml"),
        ("", ObjectRef("", "ConfigMap", "prod", "console"), "_/configmap/console.yaml"),
    ],
)  # fmt: skip
def test_an_object_has_a_path_of_its_own_that_stays(component, ref, path):
    assert paths((component, ref)) == [path]


def test_jobs_of_one_name_have_a_file_each():
    one, other = (ObjectRef("batch", "Job", "prod", f"migrate-{digest}") for digest in ("0123abcd", "4567abcd"))
    assert paths(("", one), ("", other)) == ["_/job.batch/migrate.yaml", "_/job.batch/migrate-4567abcd.yaml"]


def test_a_file_names_itself_and_its_template_and_no_secret():
    (path, text) = next(iter(_files(("", ObjectRef("", "Secret", "prod", "s")), data={"k": "x"}).items()))
    assert text.splitlines()[:2] == [mark_of(path), "# templates/a.yaml"]
    assert "k: '***'" in text or 'k: "***"' in text
    (text,) = _files(("", ObjectRef("", "ConfigMap", "prod", "c")), data={"k": "-p hunter2hunter2"}).values()
    assert "hunter2" not in text


@given(st.lists(st.text(min_size=1, max_size=LONG), min_size=2, max_size=2, unique=True))
def test_names_that_differ_lead_to_files_that_differ_whatever_the_file_system_makes_of_case(names):
    one, other = map(safe_name, names)
    assert one.casefold() != other.casefold()
    for name in (one, other):
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789._-%~")
        assert len(name) < LONGEST_NAME - 10
        assert name[0] != "."
        assert name[-1] != "."
