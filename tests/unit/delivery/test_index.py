from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bundler.delivery.index import MAX_INDEX_BYTES, decode_index, encode_index
from bundler.model.delivery import Attachment, Base, BlobKind, CarriedTool
from bundler.model.digest import digest_of
from bundler.model.json import canonical_json
from tests.lib.deliveries import make_content

CONTENT = make_content()
RAW = encode_index(CONTENT.index)
RENAMED = replace(
    CONTENT.index,
    base=Base(index=digest_of(b"old"), name="web", version="1", repositories=("docker.io/library/a", "quay.io/o/b")),
)


def test_an_index_round_trips() -> None:
    index = CONTENT.index
    manifest = next(blob for blob in index.blobs if blob.kind is BlobKind.MANIFEST).digest
    richer = replace(
        index,
        attachments=(Attachment(image=manifest, media_type="application/spdx+json", digest=manifest),),
        platforms=("linux/amd64", "linux/arm64"),
    )
    for one in (index, richer, make_content(base=index, version="1.1.0").index, RENAMED):
        assert decode_index(encode_index(one)) == one


def changed(**keys: object) -> bytes:
    body = json.loads(RAW) | keys
    raw = canonical_json(body)
    return raw.ljust(len(RAW))


def blobs_with(number: int, **keys: object) -> bytes:
    blobs = json.loads(RAW)["blobs"]
    blobs[number] = blobs[number] | keys
    return changed(blobs=blobs)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        RAW + b" ",
        RAW[:-1],
        RAW.rstrip(),
        b" " + RAW[:-1],
        RAW.replace(b'"platforms":', b'"platforms": ').rstrip().ljust(len(RAW)),
        b" " * (MAX_INDEX_BYTES + 1),
        changed(apiVersion="bundler.dev/delivery.v2"),
        changed(more="keys"),
        changed(bundle={}),
        changed(platforms=["b\n"]),
        changed(platforms="linux/amd64"),
        changed(allPlatforms=0),
        changed(images=[]) + b"x",
        changed(images=[{}]),
        changed(sbom="sha256:abc"),
        changed(sbom=digest_of(b"none of them")),
        changed(kubeVersion=None),
        changed(tool={"digest": digest_of(b"none"), "version": "1", "python": "3"}),
        changed(blobs=json.loads(RAW)["blobs"] * 2),
        changed(blobs=json.loads(RAW)["blobs"][::-1]),
        changed(blobs=json.loads(RAW)["blobs"][1:]),
        blobs_with(-1, size=-1),
        blobs_with(-1, size=True),
        blobs_with(-1, size=1.5),
        blobs_with(-1, size=1 << 60),
        blobs_with(-1, kind="layer"),
        blobs_with(-1, kind="other"),
        blobs_with(0, inBase=True),
        blobs_with(-2, inBase=True),
        blobs_with(0, digest=json.loads(RAW)["blobs"][1]["digest"]),
    ],
)
def test_an_index_that_is_not_exactly_ours_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        decode_index(raw)


def test_a_newer_format_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="a newer bundler may read it"):
        decode_index(changed(apiVersion="bundler.dev/delivery.v2"))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "not in the one form"),
        (["quay.io/o/b", "docker.io/library/a"], "not in their order"),
        (["quay.io/o/b"] * 2, "not in their order"),
        (["nginx"], "not a repository"),
        (["quay.io/o/b:1"], "not a repository"),
        (["quay.io/../b"], "not an image reference"),
        ([1], "not plain text"),
    ],
)
def test_repositories_of_a_base_are_names_in_their_order(names: list[object], said: str) -> None:
    body = json.loads(encode_index(RENAMED))
    body["base"]["repositories"] = names
    with pytest.raises(ValueError, match=said):
        decode_index(canonical_json(body))


def test_a_tool_must_be_among_the_blobs() -> None:
    tool = CarriedTool(digest=CONTENT.index.bundle.archive, version="1", python=">=3.11")
    with pytest.raises(ValueError, match="named and not among its blobs"):
        decode_index(encode_index(replace(CONTENT.index, tool=tool)))


def test_the_published_schema_describes_what_is_written() -> None:
    from pathlib import Path

    from jsonschema import Draft202012Validator

    path = Path(__file__).parents[3] / "schemas" / "delivery-index.v1.schema.json"
    validator = Draft202012Validator(json.loads(path.read_text()))
    for index in (CONTENT.index, make_content(base=CONTENT.index, version="1.1.0").index, RENAMED):
        assert list(validator.iter_errors(json.loads(encode_index(index)))) == []
    for broken in (changed(more=1), changed(sbom="x"), blobs_with(0, kind="other"), blobs_with(0, size=-1)):
        assert list(validator.iter_errors(json.loads(broken)))
