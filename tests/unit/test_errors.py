"""Errors carry fields, and are not changed once they are made."""

from __future__ import annotations

import pickle

import pytest

from bundler.errors import BundlerError, Detail, Found
from bundler.errors.change import LockLostError, RecordDamagedError
from bundler.errors.cluster import ConflictError
from tool.site.reference import error_kinds

KINDS = sorted(error_kinds().values(), key=lambda kind: kind.code)
LINE = Found("a.yaml:3: no", message="no", subject="Service/web", field="spec.ports", file="a.yaml", line=3)


def made(kind: type[BundlerError]) -> BundlerError:
    return kind("doing", context=[LINE, Detail("  3 | ports")], hint="fix it")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_no_error_is_changed_once_it_is_made(kind):
    error = made(kind)
    for name in ("context", "hint", "is_unclear", "code", "anything", *vars(error)):
        with pytest.raises(AttributeError, match="not changed once it is made"):
            setattr(error, name, ())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_an_error_crosses_to_another_process_with_all_its_fields(kind):
    error = made(kind).unclear()
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), vars(there)) == (kind, "doing", vars(error))
    assert there.problems == (LINE,)
    assert there.problems[0].about == LINE.about
    assert isinstance(there.context[1], Detail)


def test_who_knows_more_makes_a_copy():
    error = ConflictError("doing", context=["a"], hint="fix it", conflicts=[(".spec.replicas", "hpa")])
    more = error.with_context("b", "c", hint="look")
    assert (more.context, more.hint, more.conflicts) == (("a", "b", "c"), "look", error.conflicts)
    assert (error.context, error.hint) == (("a",), "fix it")
    assert error.with_context("b").hint == "fix it"
    assert made(RecordDamagedError).of_revision(3).revision == 3
    assert not made(LockLostError).is_unclear


def test_a_line_of_an_error_is_a_text_with_fields_that_do_not_change():
    assert LINE == "a.yaml:3: no"
    assert (LINE.message, LINE.subject, LINE.field, LINE.file, LINE.line, LINE.column, LINE.hint) == (
        *("no", "Service/web", "spec.ports", "a.yaml", 3),
        *(0, ""),
    )
    with pytest.raises(AttributeError):
        LINE.line = 4


def test_a_line_is_masked_in_all_its_texts():
    masked = LINE.spelled(lambda text: text.replace("no", "***"))
    assert (masked, masked.message, masked.line) == ("a.yaml:3: ***", "***", 3)
