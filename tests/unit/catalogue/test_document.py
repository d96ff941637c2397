from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bundler.catalogue.document import (
    MAX_BUNDLES,
    MAX_CATALOGUE_BYTES,
    MAX_VERSIONS,
    decode_catalogue,
    encode_catalogue,
    make_catalogue,
    newest,
)
from bundler.loader.shipped import shipped_dir
from bundler.model.catalogue import CataloguedBundle, CataloguedVersion
from bundler.model.digest import digest_of

DIGEST = digest_of(b"a bundle")
SCHEMA = Draft202012Validator(json.loads((shipped_dir("schemas") / "catalogue.v1.schema.json").read_text()))


def versions(*texts: str) -> tuple[CataloguedVersion, ...]:
    return tuple(CataloguedVersion(version=text, digest=DIGEST) for text in texts)


def bundle(name: str = "redis", *texts: str, **more: Any) -> CataloguedBundle:
    return CataloguedBundle(name=name, repository=f"bundles/{name}", versions=versions(*(texts or ("1.0.0",))), **more)


CATALOGUE = make_catalogue(
    [
        bundle("shop", "1.0.0"),
        bundle("redis", "1.2.0", "1.10.0", "2.0.0-rc.1", description="A cache", keywords=("cache",)),
    ]
)
RAW = encode_catalogue(CATALOGUE)


def changed(**keys: Any) -> bytes:
    return spelled(json.loads(RAW) | keys)


def first(**keys: Any) -> bytes:
    document = json.loads(RAW)
    document["bundles"][0] |= keys
    return spelled(document)


def version(**keys: Any) -> bytes:
    return first(versions=[json.loads(RAW)["bundles"][0]["versions"][0] | keys])


def spelled(document: Any) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def test_a_catalogue_round_trips_sorted_by_name_and_version() -> None:
    assert decode_catalogue(RAW) == CATALOGUE
    assert [one.name for one in CATALOGUE.bundles] == ["redis", "shop"]
    assert [one.version for one in CATALOGUE.bundles[0].versions] == ["2.0.0-rc.1", "1.10.0", "1.2.0"]
    SCHEMA.validate(json.loads(RAW))


def test_texts_are_made_one_printable_line() -> None:
    tidy = make_catalogue(
        [bundle(description="a\x1b[31m b\n\u202ec" + "x" * 999, keywords=("a", "a", "\x07"))]
    ).bundles[0]
    assert tidy.description.startswith("a [31m b c")
    assert len(tidy.description) == 300
    assert tidy.keywords == ("a",)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "Expecting value"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]\n", "not a JSON object"),
        (b"\xff{}", "utf-8"),
        (b" " * (MAX_CATALOGUE_BYTES + 1), "larger than"),
        (RAW + b"\n", "not spelled"),
        (RAW.replace(b"  ", b" "), "not spelled"),
        (RAW.replace(b'"formatVersion": 1', b'"formatVersion": 1, "formatVersion": 1'), "not spelled"),
        (changed(formatVersion=2), "its format is 2, and this bundler reads 1"),
        (changed(formatVersion=True), "its format is True"),
        (changed(more=1), "not spelled"),
        (changed(bundles=[1]), "an entry is not a JSON object"),
        (changed(bundles=[{}] * (MAX_BUNDLES + 1)), f"{MAX_BUNDLES + 1} bundles"),
        (changed(bundles=json.loads(RAW)["bundles"][::-1]), "not spelled"),
        (changed(bundles=json.loads(RAW)["bundles"][:1] * 2), "a name is listed twice"),
        (first(name="../redis"), "is not the name of a bundle"),
        (first(name="Redis"), "is not the name of a bundle"),
        (first(name="a" * 54), "is not the name of a bundle"),
        (first(name="redis\n"), "is not the name of a bundle"),
        (first(name=None), "is not the name of a bundle"),
        (first(repository="evil.example:5000/x/../y"), "is not the name of a repository"),
        (first(repository="bundles/redis@sha256:0"), "is not the name of a repository"),
        (first(repository="bundles/redis:1"), "is not the name of a repository"),
        (first(repository=""), "is not the name of a repository"),
        (first(repository="a/" * 200 + "a"), "is not the name of a repository"),
        (first(description="\x1b]0;owned\x07"), "not one printable line"),
        (first(description="\u202eevil"), "not one printable line"),
        (first(description="\ud800"), "not one printable line"),
        (first(description=["a"]), "not one printable line"),
        (first(description="x" * 301), "not one printable line"),
        (first(keywords=["a", "a"]), "not spelled"),
        (first(keywords=["\n"]), "not one printable line"),
        (first(keywords="cache"), "not spelled"),
        (first(versions=[]), "it has 0 versions"),
        (first(versions=[{}] * (MAX_VERSIONS + 1)), f"{MAX_VERSIONS + 1} versions"),
        (first(versions=json.loads(RAW)["bundles"][0]["versions"][:1] * 2), "a version is listed twice"),
        (version(version="1.0"), "is not a semantic version"),
        (version(version="1.0.0-" + "a" * 200), "longer than"),
        (version(digest="sha256:" + "A" * 64), "is not a sha256 digest"),
        (version(digest="sha512:" + "0" * 64), "is not a sha256 digest"),
        (version(digest=""), "is not a sha256 digest"),
        (version(appVersion="1\r2"), "not one printable line"),
        (version(url="https://evil.example"), "not spelled"),
    ],
)  # fmt: skip
def test_anything_else_than_what_we_write_is_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        decode_catalogue(raw)


def test_the_schema_refuses_names_digests_and_keys_that_we_refuse() -> None:
    for raw in (
        first(name="Redis"),
        version(digest="sha256:0"),
        changed(more=1),
        first(versions=[]),
        changed(formatVersion=2),
    ):
        assert not SCHEMA.is_valid(json.loads(raw))


@pytest.mark.parametrize(
    ("accepts", "found"),
    [
        ("", "1.10.0"),
        ("^1", "1.10.0"),
        ("1.2.0", "1.2.0"),
        ("<1.10", "1.2.0"),
        (">=2.0.0-rc.1", "2.0.0-rc.1"),
        ("9", None),
    ],
)
def test_the_newest_is_the_highest_release_in_the_range(accepts: str, found: str | None) -> None:
    chosen = newest(CATALOGUE.bundles[0].versions, accepts)
    assert (chosen.version if chosen else None) == found
