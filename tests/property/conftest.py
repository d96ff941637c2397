"""Laws take hundreds of examples each and run with the slow tests; a run without those takes a few of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lib.laws import is_short

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in [] if is_short() else items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)
