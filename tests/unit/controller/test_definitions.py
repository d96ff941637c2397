"""The kinds of the controller as files: one source, and nothing in them that would freeze an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bundler.controller.definitions import all_definitions, definition
from bundler.loader.shipped import shipped_dir

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("name", ["release", "menu"])
def test_the_bundle_of_the_controller_brings_the_same_definitions(name):
    """Copy bundler/controller/definitions to bundles/controller/crds where this fails."""
    assert (shipped_dir("bundles") / "controller" / "crds" / f"{name}.yaml").read_text("utf-8") == definition(name)


def test_no_field_of_an_order_has_a_default():
    found = [path for path, key in keys_of(list(yaml.safe_load_all(all_definitions()))) if key == "default"]
    assert [path for path in found if not path.endswith("/properties/status")] == []


def keys_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield path, str(key)
        yield from keys_of(below, f"{path}/{key}")
