"""Unified diffs: right, in the usual form, and bounded."""

import difflib
import random

import pytest

from bundler.planning import text_diff
from bundler.planning.text_diff import common_runs, unified_diff

CASES = {
    "nothing changes": ("abc", "abc"),
    "all is new": ("", "ab"),
    "all goes": ("ab", ""),
    "one line in the middle": ("aaaabcccc", "aaaaxcccc"),
    "two places far apart": ("abcdefghijklmnopqrstuvw", "abcdXfghijklmnopqrsYuvw"),
    "the lines around a change are alike": ("aaaaaaaab", "aaaaxaaab"),
    "the first line": ("abcdefgh", "xabcdefgh"),
    "the last line": ("abcdefgh", "abcdefghx"),
    "a line goes at each end": ("xabcdefghijklmnox", "abcdefghijklmno"),
}


def difflib_says(old, new):
    return list(difflib.unified_diff(old, new, n=3, lineterm=""))[2:]


@pytest.mark.parametrize("name", CASES)
def test_hunks_look_as_everywhere(name):
    old, new = CASES[name]
    assert list(unified_diff(old, new, context=3)) == difflib_says(old, new)


@pytest.mark.parametrize("max_edits", [0, 2, 500])
def test_runs_are_in_both_texts_and_in_order_however_much_is_searched(monkeypatch, max_edits):
    monkeypatch.setattr(text_diff, "_MAX_EDITS", max_edits)
    choice = random.Random(7)
    for _ in range(500):
        letters = "ab" if choice.random() < 0.5 else "abcdefghijkl"
        old, new = ["".join(choice.choices(letters, k=choice.randrange(20))) for _ in range(2)]
        at_old = at_new = 0
        for run in common_runs(old, new):
            assert run.size
            assert run.old >= at_old
            assert run.new >= at_new
            assert old[run.old : run.old + run.size] == new[run.new : run.new + run.size]
            at_old, at_new = run.old + run.size, run.new + run.size


def test_what_is_too_much_to_search_is_held_together_by_lines_that_occur_once(monkeypatch):
    monkeypatch.setattr(text_diff, "_MAX_EDITS", 1)
    assert list(unified_diff("same1same2", "other1other2", context=0)) == [
        *("@@ -1,4 +1,5 @@", *(f"-{c}" for c in "same"), *(f"+{c}" for c in "other")),
        *("@@ -6,4 +7,5 @@", *(f"-{c}" for c in "same"), *(f"+{c}" for c in "other")),
    ]


def test_thousands_of_lines_that_repeat_themselves_are_compared_within_a_bound():
    # difflib takes a minute for these; the test would not end in time
    old = [f"line {number % 150}" for number in range(20_000)]
    new = [f"line {number % 149}" for number in range(20_000)]
    assert sum(line[0] == "+" for line in unified_diff(old, new, context=3)) <= len(new)
