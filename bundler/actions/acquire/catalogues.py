"""Catalogues in registries: read, verified, and asked for a bundle by its name. Layer: actions.

A catalogue is an OCI artifact: a manifest with ``artifactType`` application/vnd.bundler.catalogue.v1, and its document
as the one layer. Its signature, over the raw bytes of the document, refers to the manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bundler.actions.acquire.bundle_artifacts import fetch_envelopes
from bundler.actions.acquire.fetch import parse_address
from bundler.actions.acquire.trust import signed_by
from bundler.catalogue.document import MAX_CATALOGUE_BYTES, decode_catalogue, newest
from bundler.concurrency import map_parallel
from bundler.errors.bundle import BundleAmbiguousError, BundleInvalidError, BundleNotFoundError, CatalogueInvalidError
from bundler.errors.delivery import ContentMismatchError, RegistryNotFoundError, SignatureError
from bundler.model.json import text_at
from bundler.model.names import is_dns_label
from bundler.model.oci import (
    CATALOGUE_ARTIFACT,
    CATALOGUE_DOCUMENT,
    CATALOGUE_SIGNATURE,
    OciAddress,
    Repository,
    version_tag,
)
from bundler.model.size import counted, listed
from bundler.model.trust import CATALOGUE_PAYLOAD, Envelope, Evidence, TrustPolicy
from bundler.values.problems import closest

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.bundle import Bundle
    from bundler.model.catalogue import Catalogue, CataloguedBundle, CataloguedVersion
    from bundler.model.oci import OciManifest
    from bundler.ports import Registry, Verifier

DEFAULT_TAG: Final = "latest"
_HINT_BUILD = "ask its owner to build it with `bundler catalogue build` and to push it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCatalogue:
    """A catalogue that was read, and verified as the policy asks."""

    address: OciAddress
    """As it was named."""
    catalogue: Catalogue
    evidence: Evidence

    @property
    def said(self) -> str:
        """Who signed it, for people."""
        return f"catalogue {self.address}: {signed_by(self.evidence)}"

    def unknown(self, wanted: Reference) -> BundleNotFoundError:
        """Return the error that this catalogue has no bundle of a name."""
        names = [one.name for one in self.catalogue.bundles]
        near = closest(wanted.name, names)
        found = f"{self.address} has {counted(len(names), 'bundle')}, and none of that name"
        hint = f"did you mean {self.address}#{near}?" if near else "run `bundler search` to see what is there"
        return BundleNotFoundError(f"looking for bundle {self.address}#{wanted.name}", context=[found], hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A bundle as a catalogue records it: where it is, and what has to be there."""

    catalogue: OciAddress
    bundle: CataloguedBundle
    version: CataloguedVersion

    @property
    def address(self) -> OciAddress:
        """Where it is published."""
        repository = Repository(self.catalogue.repository.host, self.bundle.repository)
        return OciAddress(repository=repository, tag=version_tag(self.version.version))

    def check(self, bundle: Bundle) -> None:
        """Refuse what is not the bundle that the catalogue recorded.

        Raises:
            ContentMismatchError: when it is another one.
        """
        found, wanted = bundle.metadata, self.version
        if bundle.digest == wanted.digest and (found.name, found.version) == (self.bundle.name, wanted.version):
            return
        raise ContentMismatchError(
            f"fetching {self.bundle.name} {wanted.version} as catalogue {self.catalogue} records it",
            context=[
                f"recorded: {self.bundle.name} {wanted.version}, {wanted.digest}",
                f"found at {self.address}: {found.name} {found.version}, {bundle.digest}",
            ],
            hint="do not use it; ask the owners of the catalogue and of the repository which of the two is right",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """``oci://HOST/CATALOGUE#NAME[@VERSION]``: a bundle in one catalogue; or a name alone, without a catalogue."""

    name: str
    accepts: str = ""
    """A version, or a range."""
    catalogue: OciAddress | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``NAME[@VERSION]``, with or without a catalogue before it.

        Raises:
            BundleInvalidError: when it is neither.
        """
        doing = f"looking for bundle {text}"
        before, _, after = text.rpartition("#")
        name, at, accepts = after.partition("@")
        if not is_dns_label(name) or (at and not accepts):
            found = f"{after!r} is not NAME or NAME@VERSION"
            hint = "write oci://HOST/CATALOGUE#NAME@VERSION; `bundler search` prints what can be written"
            raise BundleInvalidError(doing, context=[found], hint=hint)
        return cls(name=name, accepts=accepts, catalogue=parse_address(before, doing=doing) if before else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueReader:
    """Reads catalogues as a policy asks."""

    registry: Callable[[], Registry]
    verify: Verifier
    policy: TrustPolicy

    def every(self, addresses: Sequence[OciAddress]) -> list[OpenCatalogue]:
        """Return catalogues, in the order given; several are read at once.

        Raises:
            BundlerError: the first one's that cannot be read or is not to be trusted.
        """
        return map_parallel(self.read, addresses)

    def read(self, address: OciAddress) -> OpenCatalogue:
        """Return one catalogue; nothing of it is looked at before its signature holds, where one is asked for.

        Raises:
            RegistryError: when it cannot be had.
            CatalogueInvalidError: when what is there is no catalogue.
            SignatureError: when it is not signed as the policy asks.
        """
        registry, repository = self.registry(), address.repository
        manifest = registry.manifest(repository, address.reference or DEFAULT_TAG)
        if manifest is None:
            what = f"the digest {address.digest}" if address.digest else f"the tag {address.tag or DEFAULT_TAG}"
            found = f"{repository.host} has no {repository.name} with {what}"
            hint = "check the address; `bundler catalogue push` publishes a catalogue"
            raise RegistryNotFoundError(f"reading catalogue {address}", context=[found], hint=hint)
        content = _document(registry, address, manifest)
        is_asked = self.policy.asks_for_signature or self.policy.revoked
        envelopes = fetch_envelopes(registry, address, manifest, CATALOGUE_SIGNATURE) if is_asked else ()
        evidence = self._verified(address, content, envelopes)
        try:
            catalogue = decode_catalogue(content)
        except ValueError as error:
            raise _invalid(address, str(error)) from error
        return OpenCatalogue(address=address, catalogue=catalogue, evidence=evidence)

    def _verified(self, address: OciAddress, content: bytes, envelopes: Sequence[Envelope]) -> Evidence:
        try:
            return self.verify(CATALOGUE_PAYLOAD, content, envelopes)
        except SignatureError as error:
            doing = f"checking the signatures of catalogue {address}"
            raise type(error)(doing, context=error.context, hint=error.hint) from error


def read_catalogue(path: Path) -> bytes:
    """Return the document of a catalogue in a file, once it is found to be one.

    Raises:
        CatalogueInvalidError: when it is not, or cannot be read.
    """
    doing, hint = f"reading catalogue {path}", "name a file that `bundler catalogue build` wrote"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CATALOGUE_BYTES + 1)
        decode_catalogue(content)
    except OSError as error:
        found = f"{path}: {error.strerror or error}"
        raise CatalogueInvalidError(doing, context=[found], hint="check the path and its permissions") from error
    except ValueError as error:
        raise CatalogueInvalidError(doing, context=[str(error)], hint=hint) from error
    return content


def choose(catalogues: Sequence[OpenCatalogue], wanted: Reference) -> Recorded | None:
    """Return what catalogues record of a name; None where no catalogue has it.

    No catalogue goes before another, and no version wins by being higher: who can publish in one of them must not be
    able to replace what another one offers. So all that know the name have to mean the same bundle.

    Args:
        catalogues: to ask.
        wanted: the name, and the version or range.

    Raises:
        BundleAmbiguousError: when they do not.
        BundleNotFoundError: when the name is known, and no such version of it.
    """
    knowing = [(one, bundle) for one in catalogues if (bundle := one.catalogue.bundle(wanted.name)) is not None]
    if not knowing:
        return None
    answers = [(one, bundle, newest(bundle.versions, wanted.accepts)) for one, bundle in knowing]
    if len({version.digest if version else "" for _, _, version in answers}) > 1:
        raise _ambiguous(wanted, answers)
    opened, bundle, version = answers[0]
    if version is None:
        raise _no_such_version(wanted, opened, bundle)
    return Recorded(catalogue=opened.address, bundle=bundle, version=version)


def _document(registry: Registry, address: OciAddress, manifest: OciManifest) -> bytes:
    layers = [layer for layer in manifest.layers if layer.media_type == CATALOGUE_DOCUMENT]
    if text_at(manifest.body, "artifactType") != CATALOGUE_ARTIFACT or len(layers) != 1:
        kind = text_at(manifest.body, "artifactType") or text_at(manifest.body, "config", "mediaType")
        raise _invalid(address, f"it is not a catalogue, but {kind or manifest.media_type}")
    if not 0 <= layers[0].size <= MAX_CATALOGUE_BYTES:
        raise _invalid(address, f"it has {layers[0].size} bytes, and a catalogue has at most {MAX_CATALOGUE_BYTES}")
    return b"".join(registry.blob(address.repository, layers[0]))


def _invalid(address: OciAddress, found: str) -> CatalogueInvalidError:
    return CatalogueInvalidError(f"reading catalogue {address}", context=[found], hint=_HINT_BUILD)


def _ambiguous(
    wanted: Reference, answers: Sequence[tuple[OpenCatalogue, CataloguedBundle, CataloguedVersion | None]]
) -> BundleAmbiguousError:
    lines = [
        f"{one.address}#{wanted.name}: {f'{version.version}, {version.digest}' if version else 'no such version'}"
        for one, _, version in answers
    ]
    version = f"@{wanted.accepts}" if wanted.accepts else ""
    hint = f"write the one that you mean with its catalogue: oci://HOST/CATALOGUE#{wanted.name}{version}"
    return BundleAmbiguousError(f"looking for bundle {wanted.name}{version}", context=lines, hint=hint)


def _no_such_version(wanted: Reference, opened: OpenCatalogue, bundle: CataloguedBundle) -> BundleNotFoundError:
    known = [one.version for one in bundle.versions]
    found = f"{opened.address} has {wanted.name} in no {'version ' + wanted.accepts if wanted.accepts else 'release'}"
    hint = f"choose one that exists: {listed(known, 10)}"
    return BundleNotFoundError(f"looking for bundle {wanted.name}", context=[found], hint=hint)
