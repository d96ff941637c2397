"""``bundler values --sweep``: how the menu scales, as a table and as charts."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lib.fixtures_cli import Cli

PICTURE = Path(__file__).parents[2] / "docs" / "assets" / "shop-sweep.svg"


def numbers_of(picture: Path) -> object:
    """What a picture was drawn from, which it holds as its description."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", picture.read_text("utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))


def test_a_table_shows_what_follows_from_each_point(cli: Cli) -> None:
    cli.golden("values-sweep", "values", "shop", "--sweep", "qps=100..20000").ok()


def test_a_point_that_is_not_accepted_is_told_and_left_out(cli: Cli) -> None:
    result = cli("values", "shop", "--sweep", "qps=0,500", "-o", "json")
    assert result.code == 0
    found = json.loads(result.out)
    assert (found["points"], [one["point"] for one in found["refused"]]) == (["500"], ["0"])
    assert "warning: qps=0 is not accepted" in result.err


def test_without_any_accepted_point_it_is_an_error(cli: Cli) -> None:
    result = cli("values", "shop", "--sweep", "qps=-1,0")
    assert result.code == 1
    assert "qps=-1: /qps: -1 is less than the minimum" in result.err


def test_what_is_not_there_at_a_point_is_a_dash(cli: Cli) -> None:
    out = cli("values", "shop", "--sweep", "cache.enabled=true,false").out
    assert re.search(r"^cache\.cpu +100m +-$", out, re.MULTILINE)


def test_secrets_are_masked_at_every_point(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "bundle.yaml").write_text(
        "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: app, version: 1.0.0}\n"
        "spec: {derive: {token: \"'hunter22-' ~ values.n\"}}\n"
    )
    (folder / "values.yaml").write_text("n: 1\ntoken: ''\n")
    (folder / "values.schema.json").write_text(
        '{"properties": {"n": {"type": "integer"}, "token": {"type": "string", "writeOnly": true}}}'
    )
    result = cli("values", str(folder), "--sweep", "n=1..3")
    assert "hunter22" not in result.out + result.err


@pytest.mark.medium
def test_a_chart_on_the_terminal_has_a_panel_for_each_number(cli: Cli) -> None:
    out = cli("values", "shop", "--sweep", "qps=100..5000", "--plot", "-").out
    assert "(web.maxReplicas)" in out
    assert "(db.resources.limits.memory (MiB))" in out
    assert "(qps)" in out


@pytest.mark.slow
def test_the_picture_in_the_documentation_shows_what_the_bundle_does(cli: Cli, tmp_path: Path) -> None:
    fresh = tmp_path / "sizes.svg"
    assert cli("values", "shop", "--sweep", "qps=100..20000", "--plot", str(fresh)).code == 0
    if os.environ.get("UPDATE_GOLDEN"):
        PICTURE.write_bytes(fresh.read_bytes())
    assert numbers_of(fresh) == numbers_of(PICTURE)
    assert ET.fromstring(fresh.read_text("utf-8")).tag.endswith("svg")


@pytest.mark.slow
def test_a_picture_may_be_a_png(cli: Cli, tmp_path: Path) -> None:
    assert cli("values", "shop", "--sweep", "qps=100..5000/3", "--plot", str(tmp_path / "sizes.png")).code == 0
    assert (tmp_path / "sizes.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--plot", "a.svg"), "--plot is given without --sweep"),
        (("--sweep", "qps=100..5000", "--plot", "a.gif"), "a.gif ends in none of .svg, .png"),
        (("--sweep", "host=a,b", "--plot", "-"), "a, b are not all numbers"),
        (("--sweep", "cache.maxMemoryMi=64,128", "--plot", "-"), "no number changes"),
    ],
)
def test_what_cannot_be_drawn_is_told(cli: Cli, words: tuple[str, ...], found: str) -> None:
    result = cli("values", "shop", *words)
    assert result.code == 2
    assert found in result.err


@pytest.mark.slow
def test_a_picture_that_cannot_be_written_is_told(cli: Cli, tmp_path: Path) -> None:
    result = cli("values", "shop", "--sweep", "qps=1..5", "--plot", str(tmp_path / "no" / "a.svg"))
    assert result.code == 1
    assert "Choose a file that you can write to" in result.err
