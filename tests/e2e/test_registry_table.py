"""docs/registries.md says which clients can live with which registries; here it is measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lib.other_clients import helm_passes, skopeo_passes, version_of
from tests.lib.quirks import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lib.quirks import Quirks

PAGE = Path(__file__).parents[2] / "docs" / "registries.md"
ROW = re.compile(r"^\| (.+?) \| (passes|fails) \| (passes|fails) \| (passes|fails) \|$", re.MULTILINE)
CLIENTS: dict[str, Callable[[Quirks, Path], bool]] = {"skopeo": skopeo_passes, "helm": helm_passes}


def rows() -> dict[str, tuple[str, ...]]:
    """Return the table: what bundler, skopeo and helm do."""
    return {name: tuple(cells) for name, *cells in ROW.findall(PAGE.read_text())}


def test_the_table_has_a_row_for_every_switch_and_bundler_passes_all() -> None:
    assert list(rows()) == list(EVERY)
    assert {cells[0] for cells in rows().values()} == {"passes"}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(EVERY))
@pytest.mark.parametrize("program", list(CLIENTS))
def test_the_table_says_what_other_clients_do(tmp_path: Path, program: str, name: str) -> None:
    version = version_of(program)
    if not version or f"{program} {version}" not in " ".join(PAGE.read_text().split()):
        pytest.skip(f"the table is of another {program} than {version or 'none'}")
    said = rows()[name][1 + list(CLIENTS).index(program)]
    assert ("passes" if CLIENTS[program](EVERY[name], tmp_path) else "fails") == said
