"""Which version an order with a range takes, whatever becomes of the question."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bundler.controller.materials import Reader
from bundler.controller.order import parse_order
from bundler.controller.versions import Versions
from tests.lib.clocks import FakeClock
from tests.unit.controller.orders import order_body

NAMES_A_RANGE = {"source": "oci://registry.acme.example/shop", "version": "~1.4", "update": "Within"}


class Registry:
    """The place of an order whose registry answers with an error first."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.tenant = SimpleNamespace(newest_version=self.newest_version)
        self.reader = Reader(tenant=self, own=self, namespace="")

    def get(self, ref, *, version="", metadata_only=False):
        return None

    def newest_version(self, source, within, *, running="", site=None):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_order_asks_again_after_an_error_that_is_none_of_ours():
    order, place = parse_order(order_body(bundle=NAMES_A_RANGE)), Registry(OSError("no file handle left"), "1.4.2")
    versions = Versions(FakeClock(), lambda key: None, begin=lambda work: work())

    with pytest.raises(OSError, match="no file handle left"):
        versions.choice(order, "", place)

    assert versions.choice(order, "", place).version == "1.4.2"
