"""What is said of an order, from what was seen."""

from __future__ import annotations

import pytest

from bundler import DriftedObject, DriftKind, ObjectRef
from bundler.controller.report import lost_data
from bundler.model.kept import NEVER_DELETED


@pytest.mark.parametrize(("group", "kind"), NEVER_DELETED)
def test_what_is_never_deleted_is_not_made_again_by_itself(group: str, kind: str) -> None:
    missing = DriftedObject(ref=ObjectRef(group, kind, "", "data"), kind=DriftKind.MISSING)
    assert lost_data((missing,), None) == (f"{kind}/data",)
