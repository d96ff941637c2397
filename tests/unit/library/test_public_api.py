"""The public library: its names, what each says of itself, and that a session keeps to itself."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bundler
from bundler import ReleaseRequest, RollbackRequest, Session, UninstallRequest, Values
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock

NAMES = sorted(set(bundler.__all__) - {"__version__"})


@pytest.fixture(autouse=True)
def _time_passes_only_when_someone_sleeps(monkeypatch):
    monkeypatch.setattr("bundler.library.session.SystemClock", FakeClock)


def test_the_public_names_are_these():
    assert bundler.__all__ == [
        "AbortRequest",
        "Accepted",
        "Acquired",
        "AcquiredBundle",
        "Action",
        "Answer",
        "AuditEntry",
        "BundlerError",
        "BytesMoved",
        "Cause",
        "CauseKind",
        "Change",
        "ChangeFinished",
        "ChangeResult",
        "ChangeStarted",
        "ChangedField",
        "ChangedValue",
        "CheckOutcome",
        "CheckReport",
        "CheckRun",
        "ClusterClient",
        "ComparedSide",
        "Comparison",
        "ContinueRequest",
        "ControllerCheck",
        "Correction",
        "CorrectionOptions",
        "DriftKind",
        "DriftedField",
        "DriftedObject",
        "EventStream",
        "ExplainedField",
        "Explanation",
        "FieldOwner",
        "Finding",
        "FoundBundle",
        "GateJudged",
        "HealthChanged",
        "KeepingOrder",
        "KindField",
        "KindSpec",
        "LintResult",
        "ListQuery",
        "Listing",
        "MigratedStorage",
        "MissingRight",
        "NetworkRules",
        "Notice",
        "ObjectRef",
        "OnConflict",
        "OnFailure",
        "OrderKind",
        "OrderMark",
        "OrderProblem",
        "Payload",
        "PhaseStarted",
        "Plan",
        "PlanInputs",
        "PodsReplaced",
        "Proposal",
        "Protection",
        "ReleaseDrift",
        "ReleaseRequest",
        "ReleaseState",
        "ReleaseStatus",
        "RenderedObjects",
        "RenderedText",
        "Retrying",
        "Revision",
        "RevisionSummary",
        "RollbackRequest",
        "RolloutProgress",
        "RolloutRequest",
        "Run",
        "RunOptions",
        "SavedPlan",
        "SearchResult",
        "SearchedPlace",
        "SecretKey",
        "Session",
        "SessionOptions",
        "Setter",
        "Share",
        "Since",
        "SplitObjects",
        "SupportArchive",
        "SupportPart",
        "UninstallRequest",
        "Values",
        "Warned",
        "WatchEvent",
        "__version__",
        "secrets_of_order",
        "values_of_order",
    ]


def test_a_name_that_is_not_public_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'Sesion'"):
        bundler.Sesion  # noqa: B018
    assert dir(bundler) == bundler.__all__


@pytest.mark.medium
@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_each_public_name_is_true(name):
    kind = getattr(bundler, name)
    tests = [test for test in doctest.DocTestFinder(recurse=False).find(kind, name, globs={}) if test.examples]
    assert tests, f"the docstring of {name} has no example"
    said: list[str] = []
    for test in tests:
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not said, "".join(said)


class Closed(dict):
    """An environment that no one may look into."""

    def __getitem__(self, key: str) -> str:
        raise AssertionError(f"the variable {key} was read")

    get = __contains__ = __iter__ = keys = items = values = copy = __getitem__  # type: ignore[assignment]


PROGRAM = """
import io
import os
import sys
from pathlib import Path

import bundler.library.session
from tests.lib.clocks import FakeClock
from tests.unit.library.test_public_api import Closed, live_a_whole_life

menu, folder = sys.argv[1], Path(sys.argv[2])
bundler.library.session.SystemClock = FakeClock
live_a_whole_life(menu, folder / "warm.db")  # modules are loaded now: what they read meanwhile is Python's affair
open_to_all = os.environ, os.getenv, sys.argv, sys.stdin, sys.stderr
os.environ, os.getenv, sys.argv, sys.stdin, sys.stderr = Closed(), Closed().get, None, None, io.StringIO()
live_a_whole_life(menu, folder / "sandbox.db")
said = sys.stderr.getvalue()
os.environ, os.getenv, sys.argv, sys.stdin, sys.stderr = open_to_all
sys.exit(said or 0)
"""


@pytest.mark.medium
def test_a_session_prints_nothing_and_reads_neither_the_environment_nor_the_command_line(tmp_path):
    """In a program of its own: threads of the test runner read the environment too."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '{{ values.x }}'}\n"
    menu = str(make_bundle(tmp_path, {"templates/a.yaml": text, "values.yaml": "x: one\n"}))
    done = subprocess.run([sys.executable, "-c", PROGRAM, menu, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def live_a_whole_life(menu: str, path: Path) -> None:
    with Session.sandbox(path=path) as session:
        first = ReleaseRequest(bundle=menu, release="shop")
        session.lint(menu)
        session.render(first)
        session.apply(first)
        session.apply(ReleaseRequest(bundle=menu, release="shop", values=Values(data={"x": "two"})))
        assert session.wait("shop").is_ready
        session.rollback(RollbackRequest(release="shop"))
        assert [summary.revision for summary in session.history("shop")] == [1, 2, 3]
        session.uninstall(UninstallRequest(release="shop"))
        assert session.releases(namespace=None) == ()


@pytest.mark.parametrize("name", NAMES)
def test_each_public_method_has_a_docstring(name):
    kind: Any = getattr(bundler, name)
    assert (inspect.getdoc(kind) or "").split("\n")[0].endswith("."), name
    undocumented = [
        method
        for method, found in vars(kind).items()
        if inspect.isfunction(found) and not method.startswith("_") and not inspect.getdoc(found)
    ]
    assert undocumented == []


@pytest.mark.parametrize("name", sorted(name for name in vars(Session) if not name.startswith("_")))
def test_each_method_of_a_session_says_what_it_takes_and_what_it_raises(name):
    found: Any = inspect.getattr_static(Session, name)
    method = getattr(found, "__func__", None) or getattr(found, "fget", None) or found
    text = inspect.getdoc(method) or ""
    assert "Raises:" in text or name in {"local", "close", "begin"}, "its errors"
    asked = [one for one in inspect.signature(method).parameters if one not in {"self", "cls"}]
    assert [one for one in asked if f"    {one}: " not in text and len(asked) >= 3] == []


@pytest.mark.slow
def test_the_examples_of_the_manual_are_true():
    manual = Path(__file__).parents[3] / "docs" / "how-to-python.md"
    blocks = re.findall(r"^```pycon\n(.*?)^```$", manual.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("".join(blocks), {}, manual.name, str(manual), 0)
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)
    assert len(test.examples) > 15
