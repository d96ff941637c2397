"""The digest of what an order comes to: equal for what is equal, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from bundler.controller.inputs import SeenSource, inputs_digest
from tests.unit.controller.builders import order

SECRET = SeenSource("Secret/shop-values", "u-7", "12")


def test_an_order_that_is_changed_and_changed_back_is_what_it_was() -> None:
    first, second = order(spec={"values": {"qps": 1}}), order(spec={"values": {"qps": 2}}, generation=2)
    third = order(spec={"values": {"qps": 1}}, generation=3)
    digests = [inputs_digest(one, [SECRET]) for one in (first, second, third)]
    assert digests[0] == digests[2] != digests[1]


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": {"values": {"qps": 1000}}},
        {"spec": {"site": "acme"}},
        {"spec": {"serviceAccountName": "other"}},
        {"spec": {"bundle": {"source": "secret://other"}}},
        {"spec": {"bundle": {"source": "secret://shop-bundle", "version": "1.4.0"}}},
        {"spec": {"bundle": {"source": "secret://shop-bundle", "digest": f"sha256:{'a' * 64}"}}},
        {"spec": {"valuesFrom": [{"kind": "Secret", "name": "a"}]}},
        {"retry": "again"},
    ],
    ids=str,
)
def test_whatever_changes_what_is_installed_changes_the_digest(changed: Any) -> None:
    assert inputs_digest(order(**changed), [SECRET]) != inputs_digest(order(), [SECRET])


@pytest.mark.parametrize(
    "changed",
    [{"spec": {"interval": "1m"}}, {"spec": {"keep": "Warn"}}, {"spec": {"suspend": True}}, {"approves": "sha256:1"}],
    ids=str,
)
def test_how_a_release_is_kept_is_no_reason_to_install_it_again(changed: Any) -> None:
    assert inputs_digest(order(**changed), [SECRET]) == inputs_digest(order(), [SECRET])


@pytest.mark.parametrize("other", [SeenSource("Secret/shop-values", "u-7", "13"), SeenSource("Secret/shop-values")])
def test_a_secret_that_is_written_or_deleted_changes_the_digest(other: SeenSource) -> None:
    assert inputs_digest(order(), [other]) != inputs_digest(order(), [SECRET])


def test_where_a_bundle_comes_from_does_not_matter_where_its_digest_is_given() -> None:
    here, there = (
        order(spec={"bundle": {"source": f"oci://{host}.site/shop", "version": v, "digest": f"sha256:{'a' * 64}"}})
        for host, v in (("a", "1"), ("b", "2"))
    )
    assert inputs_digest(here, []) == inputs_digest(there, [])
