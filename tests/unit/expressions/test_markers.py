"""Marks in printed text."""

from __future__ import annotations

import re

from hypothesis import example, given, strategies as st

from bundler.expressions.markers import finish_text

LINE_MARK = re.compile("\0L([^\0]*)\0")
PIECES = st.lists(
    st.sampled_from(["\0", "\0L0:3\0", "\0L12:40\0", "\0\0", "Q\0", "a: ", "  ", "\n", "b", ""]), max_size=9
)


@given(PIECES.map("".join))
@example("\0Q\0L0:3\0")
@example("\0L0:3")
@example("a\0\0L0:3\0\0")
def test_line_marks_vanish_and_every_other_nul_stays(text: str) -> None:
    noted: list[tuple[int, int, int]] = []
    finished = finish_text(text, noted)
    assert finished == LINE_MARK.sub("", text) == finish_text(text)
    marks = list(LINE_MARK.finditer(text))
    assert [f"{file_index}:{line}" for _, file_index, line in noted] == [mark[1] for mark in marks]
    assert [offset for offset, _, _ in noted] == [len(LINE_MARK.sub("", text[: mark.end()])) for mark in marks]
