"""The bundle `etcd`: its members are a component, which cannot read files of the bundle around it."""

from __future__ import annotations

from pathlib import Path

ETCD = Path(__file__).parents[3] / "bundles" / "etcd"


def test_what_the_bundle_and_its_members_both_run_is_the_same_script() -> None:
    assert (ETCD / "scripts" / "cluster.py").read_text() == (ETCD / "members" / "scripts" / "cluster.py").read_text()
