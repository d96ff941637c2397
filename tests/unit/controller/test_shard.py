"""Several controllers share all orders: each order has exactly one of them."""

from __future__ import annotations

import pytest

from bundler import ObjectRef
from bundler.controller.process import Shard, parse_shard
from bundler.errors import UsageError

KEYS = [ObjectRef("bundler.dev", "Release", f"n{number % 7}", f"shop-{number}") for number in range(400)]


@pytest.mark.parametrize("of", [1, 2, 4, 7])
def test_each_order_belongs_to_exactly_one_share_and_the_shares_are_alike(of):
    shards = [parse_shard(f"{number}/{of}") for number in range(1, of + 1)]
    assert all(sum(shard.holds(key) for shard in shards) == 1 for key in KEYS)
    assert all(sum(map(shard.holds, KEYS)) > len(KEYS) / of / 2 for shard in shards)
    assert len({shard.lease for shard in shards}) == of


def test_an_order_of_another_kind_with_the_same_name_belongs_to_the_same_share():
    shop = ObjectRef("acme.example", "Shop", "n1", "shop-1")
    assert [Shard(number=one, of=4).holds(shop) for one in (1, 2, 3, 4)] == [
        Shard(number=one, of=4).holds(KEYS[1]) for one in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/4/2"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(UsageError, match="--shard"):
        parse_shard(text)
