"""What lint says of hooks, and of objects that were hooks for Helm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler import Session, Values
from bundler.actions.author.hook_findings import helm_hook_flaws
from bundler.actions.compose.compose import compose
from bundler.actions.delivery.image_inventory import take_inventory
from bundler.library.bundles import render_request
from tests.lib.bundles import make_bundle
from tests.unit.actions.author.test_lint import errors_of

if TYPE_CHECKING:
    from pathlib import Path

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {bundler.dev/hook: %s}}
spec:
  template:
    spec:
      restartPolicy: Never
      serviceAccountName: runner
      containers: [{name: a, image: "docker.io/library/a:1", resources: {limits: {memory: 1Mi}}}]
"""
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\n"


def annotated(kind: str = "Job", **notes: str) -> dict[str, object]:
    annotations = {f"helm.sh/{key.replace('_', '-')}": text for key, text in notes.items()}
    return {"kind": kind, "metadata": {"name": "a", "annotations": annotations}}


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (annotated(hook="pre-upgrade"), "move it to hooks/, with `bundler.dev/hook: before-upgrade`"),
        (
            annotated(hook="post-install,post-upgrade", hook_weight="-5", hook_delete_policy="hook-succeeded"),
            (
                "move it to hooks/, with `bundler.dev/hook: after-install, after-upgrade` and "
                '`bundler.dev/hook-order: "-5"` and `bundler.dev/hook-delete-after: success`'
            ),
        ),
        (annotated(hook="pre-delete"), "move it to hooks/, with `bundler.dev/hook: before-uninstall`"),
        (
            annotated("Pod", hook="test"),
            "move it to checks/, without these annotations: `bundler test RELEASE` runs it; make it a Job",
        ),
        (annotated("CustomResourceDefinition", hook="crd-install"), "put CRDs into crds/"),
    ],
)
def test_helms_annotations_are_reported_with_what_to_write_instead(body: dict[str, object], hint: str) -> None:
    (flaw,) = helm_hook_flaws(body)  # type: ignore[arg-type]
    assert (flaw.hint, flaw.is_error) == (hint, True)


@pytest.mark.parametrize(("point", "count"), [("before-install", 1), ("after-install", 0), ("before-upgrade", 0)])
def test_a_hook_that_needs_what_an_install_creates_only_later_is_an_error(
    tmp_path: Path, point: str, count: int
) -> None:
    root = make_bundle(tmp_path, {"templates/account.yaml": ACCOUNT, "hooks/migrate.yaml": JOB % point})
    found = [(place, what) for place, what in errors_of(root) if "needs ServiceAccount/runner" in what]
    assert len(found) == count
    assert all(place.startswith("hooks/migrate.yaml:") for place, _ in found)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("hooks/a.yaml", ACCOUNT, "ServiceAccount/runner: the annotation bundler.dev/hook is missing"),
        ("hooks/a.yaml", JOB % "before-lunch", "names the point 'before-lunch', which does not exist"),
        ("checks/a.yaml", JOB % "before-install", "the template sets bundler.dev/hook in metadata.annotations"),
        ("templates/a.yaml", JOB % "before-install", "the template sets bundler.dev/hook in metadata.annotations"),
        ("checks/a.yaml", ACCOUNT.replace("ServiceAccount", "Service"), "a Service cannot be in checks/"),
    ],
)
def test_what_cannot_be_a_hook_or_a_check_is_refused_with_its_line(
    tmp_path: Path, file: str, text: str, said: str
) -> None:
    found = errors_of(make_bundle(tmp_path, {file: text}))
    assert any(place.startswith(f"{file}:") and said in what for place, what in found), found


def test_images_of_hooks_and_checks_are_found_whichever_operation_needs_them(tmp_path: Path) -> None:
    image = "docker.io/library/{{ 'new' if operation == 'install' else 'old' }}:1"
    job = (JOB % "before-install, before-upgrade").replace("docker.io/library/a:1", image)
    check = JOB.replace("annotations: {bundler.dev/hook: %s}", "labels: {}").replace("library/a:1", "library/ask:1")
    root = make_bundle(tmp_path, {"hooks/migrate.yaml": job, "checks/ask.yaml": check})
    with Session.local() as session:
        inventory = take_inventory(render_request(session.scope, session.acquire(str(root)), Values()))
    assert [str(one.ref) for one in inventory.images] == [
        f"docker.io/library/{name}:1" for name in ("ask", "new", "old")
    ]


@pytest.mark.parametrize(("own", "found"), [("", 300), ("  activeDeadlineSeconds: 60\n", 60)])
def test_the_timeout_of_a_hook_is_the_deadline_of_its_job_unless_it_has_one(
    tmp_path: Path, own: str, found: int
) -> None:
    text = (JOB % '"before-upgrade", bundler.dev/hook-timeout: 5m') + own
    with Session.local() as session:
        root = make_bundle(tmp_path, {"hooks/migrate.yaml": text})
        (manifest,) = compose(render_request(session.scope, session.acquire(str(root)), Values())).manifests
    assert manifest.body["spec"]["activeDeadlineSeconds"] == found  # type: ignore[call-overload, index]
