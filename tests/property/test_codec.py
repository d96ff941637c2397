"""Laws of the release record."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

from bundler.model.manifest import Manifest, Source
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef
from bundler.model.release import Authorship, InventoryEntry, Revision
from bundler.model.stage import Stage
from bundler.storage.encoding import encode_revision
from bundler.storage.sensitive import LITERAL, REFERENCE
from tests.lib.laws import examples
from tests.unit.storage.builders import decode, known_of, make_rollout, make_summary, visible_bytes

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
TOKENS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789+/=\"\\'\n é", min_size=24, max_size=24).map(lambda text: f"<{text}>")
KEYS = st.one_of(NAMES, st.sampled_from([REFERENCE, LITERAL, "a/b", "m~n", "data", ""]))
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12)
)


def around(token: str) -> st.SearchStrategy[JSONValue]:
    """Leaves that hold a token in one of the ways it can be spelled."""
    encoded = base64.b64encode(token.encode()).decode()
    within = base64.b64encode(f"url=postgres://u:{token}@db".encode()).decode()
    return st.sampled_from([token, f"x{token}y", encoded, within, json.dumps({"p": token}), f"- {encoded} -"])


def bodies(leaf: st.SearchStrategy[JSONValue]) -> st.SearchStrategy[JSONValue]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
        max_leaves=12,
    )


@st.composite
def revisions(draw: st.DrawFn) -> tuple[Revision, str]:
    token = draw(TOKENS)
    leaf = st.one_of(PLAIN, around(token))
    mapping = st.dictionaries(st.one_of(KEYS, st.just(f"k{token}")), bodies(leaf), max_size=4)
    names = draw(st.lists(NAMES, unique=True, max_size=5))
    entries = tuple(_entry(name, draw(st.sampled_from(["Secret", "ConfigMap"])), draw(mapping)) for name in names)
    revision = Revision(
        summary=make_summary(description=f"d {token}", rollout=make_rollout(by=f"b{token}", reason=f"because {token}")),
        authorship=Authorship(command=f"bundler --set p={token}", reason=f"r{token}", user="ada"),
        inventory=entries,
        user_values=draw(mapping),
        needs={"web": ("db",)},
        notes=draw(st.sampled_from(["", f"use {token}"])),
        evidence=f"failed with {base64.b64encode(token.encode()).decode()}",
        sensitive=frozenset({token}),
        reach=draw(mapping),
        readiness=(draw(mapping),),
        conflict_rules=(draw(mapping),),
        gates=(draw(mapping),),
        left_to_others={entry.ref: (".spec.replicas", ".data.a") for entry in entries[:2]},
        recreated=tuple(str(entry.ref) for entry in entries[1:]),
        skipped_hooks=(f"before-upgrade Job/{token}",),
        accepted_risks=(f"CustomResourceDefinition/a: v1 .spec takes no {token}",),
    )
    return revision, token


def _entry(name: str, kind: str, data: Body) -> InventoryEntry:
    ref = ObjectRef("", kind, "prod", name)
    body: Body = {"kind": kind, "metadata": {"name": name, "annotations": data}, "data": data, "stringData": data}
    manifest = Manifest(ref=ref, api_version="v1", body=body, source=Source("templates/a.yaml", 3))
    return InventoryEntry(ref=ref, api_version="v1", stage=Stage.CONFIG, manifest=manifest)


def masked_texts(revision: Revision) -> Revision:
    """What is stored of plain text: masked."""
    who = replace(revision.authorship, command=f"bundler --set p={MASK}", reason=f"r{MASK}")
    notes = f"use {MASK}" if revision.notes else ""
    summary = replace(
        revision.summary, description=f"d {MASK}", rollout=make_rollout(by=f"b{MASK}", reason=f"because {MASK}")
    )
    return replace(revision, summary=summary, authorship=who, notes=notes, evidence=f"failed with {MASK}")


@pytest.mark.medium
@given(revisions())
@settings(max_examples=examples(40), deadline=None)
def test_what_was_encoded_is_decoded(drawn: tuple[Revision, str]) -> None:
    revision, _ = drawn
    assert decode(encode_revision(revision, {})) == masked_texts(revision)


@pytest.mark.medium
@given(revisions())
@settings(max_examples=examples(40), deadline=None)
def test_no_sensitive_string_is_in_head_or_packs(drawn: tuple[Revision, str]) -> None:
    revision, token = drawn
    encoded = encode_revision(revision, {})
    shown = visible_bytes(encoded)
    assert token.encode() not in shown
    assert json.dumps(token)[1:-1].encode() not in shown
    assert base64.b64encode(token.encode())[:-4] not in shown
    assert token not in repr(decode(encoded, with_sensitive=False))


@pytest.mark.medium
@given(revisions())
@settings(max_examples=examples(20), deadline=None)
def test_the_same_again_adds_only_a_head(drawn: tuple[Revision, str]) -> None:
    revision, _ = drawn
    first = encode_revision(revision, {})
    again = encode_revision(replace(revision, summary=replace(revision.summary, revision=2)), known_of(first))
    assert again.packs == ()
    assert decode(again, first).inventory == revision.inventory


@pytest.mark.medium
@given(revisions(), st.integers(0, 200), st.integers(1, 255))
@settings(max_examples=examples(20), deadline=None)
def test_a_flipped_byte_is_noticed(drawn: tuple[Revision, str], at: int, flip: int) -> None:
    from bundler.storage.reading import DamageError

    revision, _ = drawn
    encoded = encode_revision(revision, {})
    pack = encoded.packs[0]
    content = bytearray(pack.data["pack"])
    content[at % len(content)] ^= flip
    broken = replace(pack, data={"pack": bytes(content)})
    try:
        read = decode(replace(encoded, packs=(broken, *encoded.packs[1:])))
    except DamageError:
        return
    assert read == masked_texts(revision)
