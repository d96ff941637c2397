"""Checks on the command line: what a change with --test showed, as JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.lib.bundles import make_bundle
from tests.lib.templates import WEB
from tests.scenario.test_checks import CHECK
from tests.scenario.test_hooks import VALUES

NS = ("-n", "prod")


@pytest.fixture
def menu(cli):
    files = {"values.yaml": VALUES, "templates/web.yaml": WEB, "checks/orders.yaml": CHECK % ("orders", "smoke")}
    return make_bundle(cli.home, files, name="checked")


def cases(path):
    """Return each case of a file of JUnit XML, with what became of it."""
    suite = ET.parse(path).getroot().find("testsuite")
    return [(case.get("name"), [part.tag for part in case]) for case in suite.findall("testcase")]


@pytest.mark.medium
def test_a_change_with_checks_writes_what_they_showed_well_or_not(cli, menu):
    path, plan = cli.home / "report.xml", cli.home / "shop.plan"
    cli("install", "shop", menu, "--test", "--junit", path, *NS).ok()
    assert cases(path) == [("orders", [])]
    path.unlink()

    failing = ("--set", "smoke=docker.io/library/failjob:1")
    (job,) = [
        one["metadata"]["name"]
        for one in cli("template", menu, "--release", "shop", *failing, "-o", "json", *NS).ok().document["items"]
        if one["kind"] == "Job"
    ]
    with cli.sandbox() as sandbox:
        sandbox.fail("Job", job, "CrashLoopBackOff", "prod")
    failed = cli("upgrade", "shop", menu, *failing, "--test", "--junit", path, "--rollback-on-failure", *NS)
    assert failed.code == 5
    assert cases(path) == [("orders", ["failure"])]
    path.unlink()
    nowhere = cli.home / "no" / "report.xml"
    failed = cli("upgrade", "shop", menu, *failing, "--test", "--junit", nowhere, "--rollback-on-failure", *NS)
    assert failed.code == 5, "that the file cannot be written is a warning beside it"
    assert str(nowhere) in failed.err

    cli("plan", "shop", menu, "--set", "step=two", "--out", plan, *NS).ok()
    cli("apply", plan, "--test", "--junit", path).ok()
    assert cases(path) == [("orders", [])]


def test_a_file_for_checks_is_refused_where_none_are_run(cli, menu):
    path = cli.home / "report.xml"
    for words in (("install", "shop", menu), ("rollback", "shop"), ("apply", cli.home / "shop.plan")):
        refused = cli(*words, "--junit", path)
        assert refused.code == 2
        assert "give --test, too" in refused.err
    assert not path.exists()


@pytest.mark.medium
def test_a_file_that_cannot_be_written_is_an_error_after_the_change_is_made(cli, menu):
    nowhere = cli.home / "no" / "report.xml"
    installed = cli("install", "shop", menu, "--test", "--junit", nowhere, *NS)
    assert "error[output]" in installed.err
    assert cli("list", "-o", "json", *NS).document[0]["status"] == "deployed"
