"""Close what the tests opened."""

from collections.abc import Iterator

import pytest

from tests.unit.oci import support


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while support.OPENED:
        support.OPENED.pop().close()
