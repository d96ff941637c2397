"""Catalogues, and what a search finds, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from bundler.model.catalogue import FoundBundle, SearchedPlace, SearchResult
    from bundler.model.results import CatalogueBuilt, CataloguePushed
    from bundler.wire.deliveries import SignerForm


class FoundForm(TypedDict):
    """A bundle that was found, in one of the places where it is."""

    name: str
    version: str
    """The highest release; where there is none, the highest version."""
    appVersion: str
    description: str
    keywords: list[str]
    place: str
    """`shipped`, a folder, or the `oci://` address of a catalogue."""
    reference: str
    """What `install` and every other verb takes for this very bundle."""
    digest: str
    """As the catalogue records it; empty for local bundles."""
    versions: list[str]
    """All that are there, the highest first."""


class PlaceForm(TypedDict):
    """A place that was searched."""

    place: str
    bundles: int
    problem: str
    """Why it, or a bundle in it, could not be read; empty where everything was."""
    signedBy: list[SignerForm]
    """Who signed the catalogue, as far as that was asked for."""


class SearchForm(TypedDict):
    """What a search found, the best first, and where it looked."""

    found: list[FoundForm]
    near: list[str]
    """Names and keywords that are close to the words, where nothing was found."""
    places: list[PlaceForm]


class CatalogueBuiltForm(TypedDict):
    """A catalogue that was written."""

    path: str
    digest: str
    """Of the file."""
    bundles: int
    versions: int
    signed: bool


class CataloguePushedForm(TypedDict):
    """A catalogue that is published now."""

    address: str
    """With the digest of its manifest."""
    new: bool
    """False: the same catalogue was there."""
    sentBytes: int
    bundles: int
    versions: int
    signatures: int


def search_form(result: SearchResult) -> SearchForm:
    """Return what a search found."""
    return {
        "found": [_found_form(one) for one in result.found],
        "near": list(result.near),
        "places": [_place_form(one) for one in result.places],
    }


def _found_form(found: FoundBundle) -> FoundForm:
    return {
        "name": found.name,
        "version": found.version,
        "appVersion": found.app_version,
        "description": found.description,
        "keywords": list(found.keywords),
        "place": found.place,
        "reference": found.reference,
        "digest": found.digest,
        "versions": list(found.versions),
    }


def _place_form(place: SearchedPlace) -> PlaceForm:
    signers = place.evidence.signers if place.evidence else ()
    return {
        "place": place.place,
        "bundles": place.bundles,
        "problem": place.problem,
        "signedBy": [{"name": key.name, "keyId": key.key_id} for key in signers],
    }


def built_form(built: CatalogueBuilt) -> CatalogueBuiltForm:
    """Return which catalogue was written."""
    return {
        "path": str(built.path),
        "digest": built.digest,
        "bundles": built.bundles,
        "versions": built.versions,
        "signed": built.is_signed,
    }


def catalogue_pushed_form(pushed: CataloguePushed) -> CataloguePushedForm:
    """Return which catalogue is published now."""
    return {
        "address": str(pushed.address),
        "new": pushed.is_new,
        "sentBytes": pushed.sent_bytes,
        "bundles": pushed.bundles,
        "versions": pushed.versions,
        "signatures": pushed.signatures,
    }
