"""A catalogue as bytes. Layer: catalogue, pure; strict: only the bytes that we write ourselves are read.

A registry may hold anything, so names, versions, digests and repositories are checked before anything else sees them,
texts are single lines that can be printed, and there is one spelling for one catalogue: unknown keys, duplicates and
another order are refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bundler.errors.bundle import VersionRangeError
from bundler.model.catalogue import Catalogue, CataloguedBundle, CataloguedVersion
from bundler.model.digest import Digest, is_digest
from bundler.model.image import REPOSITORY
from bundler.model.json import as_json, decode_json, is_mapping, list_at, text_at
from bundler.model.lean import replace
from bundler.model.names import NAME_MAX_CHARS, is_dns_label
from bundler.resolve.versions import parse_range, parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.json import Body, JSONValue

FORMAT_VERSION: Final = 1
MAX_CATALOGUE_BYTES: Final = 8 * 1024 * 1024
MAX_BUNDLES: Final = 5_000
MAX_VERSIONS: Final = 500
"""Of one bundle."""
MAX_KEYWORDS: Final = 20
_MAX_TEXT_CHARS: Final = 300
_MAX_WORD_CHARS: Final = 128
_MAX_REPOSITORY_CHARS: Final = 255


def encode_catalogue(catalogue: Catalogue) -> bytes:
    """Return the one document that says what a catalogue says, a line for each thing so that it can be compared."""
    document = {"formatVersion": FORMAT_VERSION, "bundles": [_bundle_json(one) for one in catalogue.bundles]}
    return (json.dumps(as_json(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def decode_catalogue(raw: bytes) -> Catalogue:
    """Read a document; it must be exactly what :func:`encode_catalogue` makes of what it says.

    Raises:
        ValueError: when anything is different.
    """
    _require(len(raw) <= MAX_CATALOGUE_BYTES, f"it is larger than {MAX_CATALOGUE_BYTES} bytes")
    document = _json(raw)
    _require(is_mapping(document), "it is not a JSON object")
    version = document.get("formatVersion") if is_mapping(document) else None
    known = f"its format is {version!r}, and this bundler reads {FORMAT_VERSION}"
    _require(type(version) is int and version == FORMAT_VERSION, known)
    items = list_at(document, "bundles")
    _require(len(items) <= MAX_BUNDLES, f"it lists {len(items)} bundles, more than {MAX_BUNDLES}")
    catalogue = Catalogue(bundles=tuple(map(_bundle, items)))
    names = [one.name for one in catalogue.bundles]
    _require(len(set(names)) == len(names), "a name is listed twice")
    is_ours = make_catalogue(catalogue.bundles) == catalogue and encode_catalogue(catalogue) == raw
    _require(is_ours, "it is not spelled as `bundler catalogue build` spells it")
    return catalogue


def make_catalogue(bundles: Iterable[CataloguedBundle]) -> Catalogue:
    """Return a catalogue in its order, its texts shortened to what a catalogue takes."""
    return Catalogue(bundles=tuple(sorted(map(_tidy, bundles), key=lambda one: one.name)))


def newest(versions: Iterable[CataloguedVersion], accepts: str = "") -> CataloguedVersion | None:
    """Return the highest version in a range; None where there is none.

    Args:
        versions: to choose from.
        accepts: a range; empty: every release.

    Raises:
        VersionRangeError: when the range is none.
    """
    wanted = parse_range(accepts)
    fitting = [one for one in versions if wanted.admits(parse_version(one.version))]
    return max(fitting, key=_precedence, default=None)


def one_line(text: str, most: int = _MAX_TEXT_CHARS) -> str:
    """Return a text as one line that can be printed.

    Args:
        text: from anywhere.
        most: characters to keep.
    """
    shown = text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:most].rstrip()


def _tidy(bundle: CataloguedBundle) -> CataloguedBundle:
    words = [one_line(word, _MAX_WORD_CHARS) for word in bundle.keywords]
    return CataloguedBundle(
        name=bundle.name,
        repository=bundle.repository,
        description=one_line(bundle.description),
        keywords=tuple(dict.fromkeys(filter(None, words)))[:MAX_KEYWORDS],
        versions=tuple(sorted(map(_tidy_version, bundle.versions), key=_precedence, reverse=True)),
    )


def _tidy_version(one: CataloguedVersion) -> CataloguedVersion:
    shown = one_line(one.app_version, _MAX_WORD_CHARS)
    return one if shown == one.app_version else replace(one, app_version=shown)


def _precedence(one: CataloguedVersion) -> tuple[object, str]:
    return parse_version(one.version), one.version


def _bundle_json(bundle: CataloguedBundle) -> JSONValue:
    return {
        "name": bundle.name,
        "repository": bundle.repository,
        "description": bundle.description,
        "keywords": list(bundle.keywords),
        "versions": [
            {"version": one.version, "digest": one.digest, "appVersion": one.app_version} for one in bundle.versions
        ],
    }


def _bundle(item: JSONValue) -> CataloguedBundle:
    body = _object(item)
    name, repository = text_at(body, "name"), text_at(body, "repository")
    _require(is_dns_label(name) and len(name) <= NAME_MAX_CHARS, f"{name[:80]!r} is not the name of a bundle")
    is_path = REPOSITORY.fullmatch(repository) and len(repository) <= _MAX_REPOSITORY_CHARS
    _require(bool(is_path), f"{name}: {repository[:80]!r} is not the name of a repository")
    listed = list_at(body, "versions")
    _require(0 < len(listed) <= MAX_VERSIONS, f"{name}: it has {len(listed)} versions, not 1 to {MAX_VERSIONS}")
    versions = tuple(_version(name, one) for one in listed)
    texts = [one.version for one in versions]
    _require(len(set(texts)) == len(texts), f"{name}: a version is listed twice")
    keywords = list_at(body, "keywords")
    return CataloguedBundle(
        name=name,
        repository=repository,
        description=_text(body.get("description"), f"{name}: description"),
        keywords=tuple(_text(one, f"{name}: keyword", _MAX_WORD_CHARS) for one in keywords),
        versions=versions,
    )


def _version(name: str, item: JSONValue) -> CataloguedVersion:
    body = _object(item)
    version, digest = text_at(body, "version"), text_at(body, "digest")
    try:
        parse_version(version)
    except VersionRangeError as error:
        msg = f"{name}: {error.context[0]}"
        raise ValueError(msg) from error
    _require(len(version) <= _MAX_WORD_CHARS, f"{name}: a version is longer than {_MAX_WORD_CHARS} characters")
    _require(is_digest(digest), f"{name} {version}: {digest[:80]!r} is not a sha256 digest")
    app_version = _text(body.get("appVersion"), f"{name} {version}: appVersion", _MAX_WORD_CHARS)
    return CataloguedVersion(version=version, digest=Digest(digest), app_version=app_version)


def _json(raw: bytes) -> JSONValue:
    try:
        return decode_json(raw)
    except ValueError as error:
        msg = f"it is not JSON: {error}"
        raise ValueError(msg) from error


def _object(item: JSONValue) -> Body:
    if not is_mapping(item):
        msg = "an entry is not a JSON object"
        raise ValueError(msg)
    return item


def _text(value: JSONValue, what: str, most: int = _MAX_TEXT_CHARS) -> str:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        msg = f"{what} is not one printable line of at most {most} characters"
        raise ValueError(msg)
    return value


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a statement
    if not holds:
        raise ValueError(otherwise)
