"""Manuals whose examples are run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lib.examples import play

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    "name",
    [
        "values.md",
        "how-to-image.md",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in (
                "tutorial.md",
                "how-to-ci.md",
                "how-to-stages.md",
                "how-to-review.md",
                "how-to-why.md",
                "how-to-protect.md",
                "rollouts.md",
                "hooks.md",
            )
        ),
    ],
)
def test_every_example_does_what_the_manual_says(cli, monkeypatch, name):
    monkeypatch.chdir(cli.home)
    text = (DOCS / name).read_text("utf-8")
    played = play(text, cli.home, cli)
    if os.environ.get("UPDATE_GOLDEN"):
        (DOCS / name).write_text(played, "utf-8")
    assert played == text
