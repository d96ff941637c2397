"""Nothing in a plan's file is trusted: whatever it says, it is shown, or refused with a sentence."""

from __future__ import annotations

import copy
import io
import json
import zlib
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from bundler import ReleaseRequest, Session, Values
from bundler.cli.output.markdown import markdown
from bundler.cli.output.page import page
from bundler.cli.output.saved_plan import report_of, saved_lines
from bundler.cli.terminal.screen import Looks, Screen
from bundler.errors.change import PlanFileError
from bundler.model.redaction import Redactor
from bundler.wire.plan_file import MAGIC, decode_plan, encode_plan
from bundler.wire.saved_plan import saved_plan_form
from tests.lib.laws import examples

NASTY = st.sampled_from(
    ["\ud800", "\x1b[2J", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "sha256:" + "0" * 64, "\u202e"]
)
STRANGE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@cache
def document() -> str:
    with Session.sandbox() as session:
        ask = ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"port": 8081}))
        session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        return zlib.decompress(encode_plan(session.save_plan(ask))[len(MAGIC) :]).decode()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every key and item."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for step, item in steps for found in ((*path, step), *places(item, (*path, step)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    made = copy.deepcopy(value)
    here = made
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = new
    return made


@pytest.mark.slow
@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_whatever_a_plan_says_it_is_shown_or_refused(data: st.DataObject) -> None:
    whole = json.loads(document())
    path = data.draw(st.sampled_from(places(whole)))
    text = json.dumps(changed(whole, path, data.draw(NASTY | STRANGE)))
    try:
        saved = decode_plan(MAGIC + zlib.compress(text.encode()), name="a.plan")
    except PlanFileError:
        return
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    looks = Looks(out_is_terminal=True, err_is_terminal=False, has_color=False)
    screen = Screen(out, io.StringIO(), looks=looks, redactor=Redactor(), is_quiet=False)
    screen.lines(saved_lines(saved))
    screen.text(markdown(report_of(saved), max_bytes=2000))
    screen.text(page(report_of(saved)))
    screen.document(saved_plan_form(saved), "json")
    out.flush()
    shown = out.buffer.getvalue()  # type: ignore[attr-defined]
    assert b"\x1b" not in shown
    assert decode_plan(encode_plan(saved), name="a.plan") == saved
