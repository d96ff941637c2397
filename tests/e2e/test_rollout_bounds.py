"""Every pace of an author on the real controllers: what a watch of all pods sees at each moment of a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.syntax.writer import dump_yaml
from tests.lib.bundles import make_bundle
from tests.lib.pod_bounds import Case, PodBounds, body_of, matrix
from tests.lib.warm import warm_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.warm import WarmStart

pytestmark = pytest.mark.slow

FEW = matrix((1, 2, 3))
"""Each share of them is rounded in another way."""
MANY = matrix((10,)) | {case.name: case for case in [Case("web-50", 50, "25%", "25%")]}
"""A quarter of them is neither one nor all; one workload has more than its controller makes in one go."""


class Shop:
    """A release with all workloads of a matrix, its bundle, and those who watch it."""

    def __init__(self, plane: ControlPlane, warm: WarmStart, namespace: str, folder: Path) -> None:
        self.plane, self.warm, self.namespace, self.folder = plane, warm, namespace, folder
        self.bounds, self.watcher = PodBounds({}), plane.client("admin")
        self.env = {"KUBECONFIG": str(plane.kubeconfig("admin")), "HOME": str(folder), "PATH": "/usr/bin"}

    def install(self, cases: Mapping[str, Case]) -> PodBounds:
        bodies = [body_of(case, image="{{ values.image }}") for case in cases.values()]
        files = {"templates/all.yaml": "---\n".join(map(dump_yaml, bodies)), "values.yaml": "image: web:1\n"}
        self.bundle = str(make_bundle(self.folder, files, name="shop"))
        self.run("install", self.bundle)
        self.bounds.cases = cases
        self.bounds.follow(self.watcher, self.namespace)
        return self.bounds

    def run(self, verb: str, *options: str) -> None:
        argv = [verb, "shop", *options, "-n", self.namespace, "--yes", "--timeout", "300s"]
        run = self.warm.start(argv, env=self.env, output=self.folder / f"{verb}.txt")
        assert run.wait() == 0, run.text

    def held(self) -> list[str]:
        """Return the workloads that carry a field by which they were held."""
        found = []
        for plural in ("deployments", "statefulsets"):
            path = f"/apis/apps/v1/namespaces/{self.namespace}/{plural}"
            for body in self.plane.api("GET", path)["items"]:
                spec = body["spec"]
                rolling = spec.get("updateStrategy", {}).get("rollingUpdate", {})
                is_held = spec.get("minReadySeconds") or rolling.get("partition")
                if is_held or spec.get("progressDeadlineSeconds", 600) != 600:
                    found.append(body["metadata"]["name"])
        return found


@pytest.fixture
def shop(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Shop]:
    with warm_start() as warm:
        made = Shop(control_plane, warm, namespace, tmp_path)
        yield made
        made.bounds.stop()
        made.watcher.close()


def steps_of(*shares: int | str) -> tuple[str, ...]:
    return ("--steps", ",".join(map(str, shares)))


@pytest.mark.parametrize(
    ("cases", "steps", "shares"),
    [
        pytest.param(FEW, steps_of(1, "50%"), (1, "50%"), id="few pods, a canary, half of them"),
        pytest.param(MANY, steps_of(1, "25%", "50%"), (1, "25%", "50%"), id="many pods, a canary, two batches"),
    ],
)
def test_at_every_moment_of_a_rollout_pods_are_ready_and_no_more_are_new_than_the_step_says(
    shop: Shop, cases: Mapping[str, Case], steps: tuple[str, ...], shares: tuple[int | str, ...]
) -> None:
    bounds = shop.install(cases)
    for number, share in enumerate(shares):
        bounds.aim(share, is_canary=number == 0)
        if number == 0:
            shop.run("upgrade", shop.bundle, "--set", "image=web:2", *steps, "--pause-after", "each")
        else:
            shop.run("continue")
        check_share(bounds, share)
    bounds.aim("100%")
    shop.run("continue")
    check_share(bounds, "100%")
    assert not shop.held()


def test_an_abort_leaves_old_pods_alone_and_as_many_ready_at_every_moment(shop: Shop) -> None:
    cases = matrix((1, 5))
    bounds = shop.install(cases)
    first = {name: bounds.old_uids(name) for name in cases}
    bounds.aim("25%")
    shop.run("upgrade", shop.bundle, "--set", "image=web:2", "--batch", "25%", "--pause-after", "each")
    bounds.aim("50%")
    shop.run("continue")
    check_share(bounds, "50%")
    untouched = {name: bounds.old_uids(name) & uids for name, uids in first.items()}
    assert all(untouched[name] or case.replicas == 1 for name, case in cases.items())
    shop.run("abort")
    check_share(bounds, 0)
    assert {name for name, uids in untouched.items() if not uids <= bounds.old_uids(name)} == set()
    assert not shop.held()


def check_share(bounds: PodBounds, share: int | str) -> None:
    """Check what was seen until now, and that as many pods are new as should be.

    In a step, a canary is beside all old pods; in batches, and once that is over, there is what the author lets there be.
    """
    assert bounds.wrong == []
    counts = {name: bounds.counts(name) for name in bounds.cases}
    for name, case in bounds.cases.items():
        ready, new, there = counts[name]
        assert (name, new) == (name, case.share(share))
        assert (name, ready) == (name, there)
        assert there == case.replicas or share not in (0, "100%")
    assert bounds.events
