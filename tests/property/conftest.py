"""Laws take hundreds of examples each and run with the slow tests; a run without those takes a few of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lib.laws import few_examples, is_short

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in [] if is_short() else items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="module")
def _short_form() -> Iterator[None]:
    if not is_short():
        yield
        return
    with few_examples():
        yield
