"""What a name leads to: local places first, then catalogues that agree; whatever a registry holds is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.actions.acquire.build_catalogue import Published, build_catalogue, push_catalogue
from bundler.actions.acquire.bundle import Sources, acquire, look_up
from bundler.actions.acquire.bundle_artifacts import fetch_envelopes
from bundler.actions.acquire.catalogues import Recorded
from bundler.actions.acquire.fetch import BundleFetcher
from bundler.actions.acquire.push import push
from bundler.actions.acquire.search import SearchRequest, search
from bundler.actions.acquire.signature_push import attach_signature
from bundler.archive.writer import pack_files
from bundler.catalogue.document import MAX_CATALOGUE_BYTES, encode_catalogue
from bundler.delivery.envelopes import encode_envelopes
from bundler.errors import UsageError
from bundler.errors.bundle import BundleAmbiguousError, BundleInvalidError, BundleNotFoundError, CatalogueInvalidError
from bundler.errors.delivery import (
    ContentMismatchError,
    DeliveryPolicyError,
    RegistryNotFoundError,
    RegistryUnavailableError,
    UnsignedError,
    UntrustedKeyError,
    WrongSignatureError,
)
from bundler.loader.limits import DEFAULT_LOAD_LIMITS
from bundler.loader.locate import BundleLocation
from bundler.model.digest import digest_of
from bundler.model.json import canonical_json
from bundler.model.lean import replace
from bundler.model.oci import (
    CATALOGUE_ARTIFACT,
    CATALOGUE_DOCUMENT,
    CATALOGUE_SIGNATURE,
    OCI_MANIFEST,
    Descriptor,
    OciAddress,
    OciManifest,
)
from bundler.model.site import Site
from bundler.model.trust import BUNDLE_PAYLOAD, CATALOGUE_PAYLOAD, TrustPolicy
from bundler.model.values import LayerKind
from bundler.signing.keys import generate_key
from bundler.signing.sign import KeySigner
from bundler.signing.verify import PolicyVerifier
from bundler.values.merge import make_layer
from tests.lib.bundles import load_from, make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.delivered import MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.model.bundle import Bundle

TEAM, OTHER = "oci://registry.example/team/catalogue", "oci://other.example/open/catalogue"
KEY = generate_key("team")
STRANGER = generate_key("stranger")
TRUSTING = TrustPolicy(keys=(KEY.key,), source="acme.yaml")
NOBODY = TrustPolicy()


class Kitchen:
    """Registries with bundles and catalogues, and what looks names up in them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, MemoryRegistry()
        self.said: list[str] = []
        (folder / "here").mkdir()

    def bundle(self, name: str, version: str, text: str = "a: 1\n", **more: Any) -> Bundle:
        return load_from(
            make_bundle(
                self.folder / f"{version}{len(text)}", {"values.yaml": text}, name=name, version=version, **more
            )
        )

    def publish(self, catalogue: str, *bundles: Bundle, signers: Sequence[KeySigner] = ()) -> bytes:
        """Push bundles beside a catalogue of them, and the catalogue."""
        at = OciAddress.parse(catalogue)
        published = []
        for bundle in bundles:
            place = replace(at.repository, name=f"bundles/{bundle.metadata.name}")
            archive = pack_files(bundle.files.values(), top=bundle.metadata.name)
            push(self.registry, bundle, archive, OciAddress(repository=place))
            published.append(Published(bundle=bundle, repository=place))
        content = encode_catalogue(build_catalogue(published))
        envelopes = [signer.sign(CATALOGUE_PAYLOAD, content) for signer in signers]
        push_catalogue(self.registry, content, at, signature=encode_envelopes(envelopes) if envelopes else None)
        return content

    def sources(self, *catalogues: str, is_offline: bool = False) -> Sources:
        fetcher = BundleFetcher(registry=lambda: self.registry, folder=self.folder / "kept", report=lambda _: None)
        return Sources(
            search_path=(self.folder / "here",),
            limits=DEFAULT_LOAD_LIMITS,
            fetcher=lambda: fetcher,
            verifier=lambda policy: PolicyVerifier(policy, FakeClock()),
            say=self.said.append,
            catalogues=catalogues,
            is_offline=is_offline,
        )

    def leads_to(self, name: str, *catalogues: str, policy: TrustPolicy = NOBODY) -> str:
        found = look_up(name, (), policy, self.sources(*catalogues))
        if isinstance(found, BundleLocation):
            return found.found
        return f"{found.catalogue} {found.version.version}"

    def taken(self, name: str, *catalogues: str, policy: TrustPolicy = NOBODY) -> Bundle:
        site = Site(name="acme", values=make_layer({}, LayerKind.SITE, "acme.yaml"), trust=policy)
        return acquire(name, site, self.sources(*catalogues)).bundle

    def store(
        self, catalogue: str, content: bytes, *, artifact: str = CATALOGUE_ARTIFACT, size: int = -1
    ) -> OciManifest:
        """Put anything where a catalogue is looked for."""
        place = OciAddress.parse(catalogue).repository
        layer = Descriptor(
            digest=digest_of(content), size=len(content) if size < 0 else size, media_type=CATALOGUE_DOCUMENT
        )
        config = Descriptor(digest=digest_of(b"{}"), size=2, media_type="application/vnd.oci.empty.v1+json")
        body = {"artifactType": artifact, "config": config.to_json(), "layers": [layer.to_json()]}
        manifest = OciManifest.of(canonical_json(body), OCI_MANIFEST)
        self.registry.blobs |= {(str(place), layer.digest): content, (str(place), config.digest): b"{}"}
        self.registry.put_manifest(place, manifest, tag="latest")
        return manifest


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def test_a_name_leads_to_what_the_only_catalogue_that_has_it_records(kitchen: Kitchen) -> None:
    old, new = kitchen.bundle("pay", "1.0.0"), kitchen.bundle("pay", "1.2.0")
    kitchen.publish(TEAM, old, new)
    kitchen.publish(OTHER, kitchen.bundle("else", "9.0.0"))
    assert kitchen.leads_to("pay", OTHER, TEAM) == f"{TEAM} 1.2.0"
    assert kitchen.leads_to("pay@1.0.0", OTHER, TEAM) == f"{TEAM} 1.0.0"
    assert kitchen.leads_to("pay@<1.2", TEAM) == f"{TEAM} 1.0.0"
    assert kitchen.leads_to(f"{TEAM}#pay@^1") == f"{TEAM} 1.2.0"
    assert kitchen.taken("pay", TEAM).digest == new.digest
    assert kitchen.taken(f"{TEAM}#pay@1.0.0").digest == old.digest
    assert kitchen.said[0].startswith(
        f"bundle pay of catalogue {TEAM}: oci://registry.example/bundles/pay:1.2.0 1.2.0, sha256:"
    )


@pytest.mark.parametrize("name", ["redis", "redis@9.0.0", "mine"])
def test_no_catalogue_is_asked_for_a_name_that_is_known_here(kitchen: Kitchen, name: str) -> None:
    make_bundle(kitchen.folder / "here", name="mine")
    kitchen.publish(TEAM, kitchen.bundle("redis", "9.0.0"), kitchen.bundle("mine", "9.0.0"))
    kitchen.registry.is_away = True
    kitchen.registry.manifests.clear()
    assert TEAM not in kitchen.leads_to(name, TEAM)
    if "@" in name:
        with pytest.raises(BundleNotFoundError, match="looking for bundle redis@9") as caught:
            kitchen.taken(name, TEAM)
        assert "a catalogue is not asked for a name that is known here" in caught.value.context[0]


def test_a_folder_of_that_name_where_we_are_is_not_passed_over_for_a_catalogue(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "9.0.0"))
    monkeypatch.chdir(make_bundle(kitchen.folder / "work", name="pay").parent)
    with pytest.raises(BundleNotFoundError) as caught:
        kitchen.leads_to("pay", TEAM)
    assert caught.value.hint == "write ./pay for the folder, or oci://HOST/CATALOGUE#pay for a bundle of a catalogue"


def test_a_catalogue_does_not_stand_in_for_a_folder_that_is_missing(kitchen: Kitchen) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "9.0.0"))
    (kitchen.folder / "here").rmdir()
    with pytest.raises(BundleNotFoundError) as caught:
        kitchen.leads_to("pay", TEAM)
    assert caught.value.context == (f"{kitchen.folder / 'here'} of BUNDLER_BUNDLE_PATH is missing, and might have it",)
    assert TEAM not in kitchen.leads_to("redis", TEAM)


def test_a_catalogue_that_is_named_is_asked_whatever_is_known_here(kitchen: Kitchen) -> None:
    kitchen.publish(TEAM, kitchen.bundle("redis", "9.0.0"))
    assert kitchen.taken(f"{TEAM}#redis").metadata.version == "9.0.0"


@pytest.mark.parametrize("name", ["pay", "pay@9.0.0", "pay@1.0.0"])
def test_catalogues_that_mean_different_bundles_are_an_error_whichever_version_is_higher(
    kitchen: Kitchen, name: str
) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"))
    kitchen.publish(OTHER, kitchen.bundle("pay", "9.0.0"))
    for order in ((TEAM, OTHER), (OTHER, TEAM)):
        with pytest.raises(BundleAmbiguousError) as caught:
            kitchen.leads_to(name, *order)
        assert {line.partition("#")[0] for line in caught.value.context} == {TEAM, OTHER}
    assert kitchen.leads_to(f"{TEAM}#pay", OTHER) == f"{TEAM} 1.0.0"


def test_catalogues_that_mean_the_same_bundle_are_one(kitchen: Kitchen) -> None:
    bundle = kitchen.bundle("pay", "1.0.0")
    kitchen.publish(TEAM, bundle)
    kitchen.publish(OTHER, bundle)
    assert kitchen.leads_to("pay", OTHER, TEAM) == f"{OTHER} 1.0.0"


def test_one_catalogue_that_cannot_be_read_ends_the_search_for_a_name(kitchen: Kitchen) -> None:
    """Who can silence the catalogue that has a name must not be able to offer it elsewhere."""
    kitchen.publish(OTHER, kitchen.bundle("pay", "9.0.0"))
    with pytest.raises(RegistryNotFoundError, match="reading catalogue oci:"):
        kitchen.leads_to("pay", OTHER, TEAM)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("pya", BundleNotFoundError, "did you mean pay?"),
        ("pay@3", BundleNotFoundError, "choose one that exists: 1.0.0"),
        ("pay@", BundleInvalidError, "'pay@' is not NAME or NAME@VERSION"),
        (f"{TEAM}#pya", BundleNotFoundError, f"did you mean {TEAM}#pay?"),
        (f"{TEAM}#zzz", BundleNotFoundError, "none of that name"),
        (f"{TEAM}#", BundleInvalidError, "is not NAME or NAME@VERSION"),
        (f"{TEAM}#../pay", BundleInvalidError, "is not NAME or NAME@VERSION"),
        ("oci://registry.example#pay", BundleInvalidError, "is not an address like"),
    ],
)
def test_a_name_that_leads_nowhere_is_answered_with_what_is_there(
    kitchen: Kitchen, name: str, error: type[Exception], words: str
) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"))
    with pytest.raises(error) as caught:
        kitchen.leads_to(name, TEAM)
    assert words in f"{caught.value.context} {caught.value.hint}"


def test_offline_only_local_places_are_looked_at(kitchen: Kitchen) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"))
    with pytest.raises(BundleNotFoundError) as caught:
        look_up("pay", (OTHER,), NOBODY, kitchen.sources(TEAM, is_offline=True))
    assert [line for line in caught.value.context if "not asked, because bundler is offline" in line] == [
        f"{TEAM}: not asked, because bundler is offline",
        f"{OTHER}: not asked, because bundler is offline",
    ]


def test_what_is_published_must_be_what_the_catalogue_recorded(kitchen: Kitchen) -> None:
    good, evil = kitchen.bundle("pay", "1.0.0"), kitchen.bundle("pay", "1.0.0", "a: evil\n")
    kitchen.publish(TEAM, good)
    at = OciAddress.parse("oci://registry.example/bundles/pay")
    del kitchen.registry.manifests[str(at.repository), "1.0.0"]
    push(kitchen.registry, evil, pack_files(evil.files.values(), top="pay"), at)
    with pytest.raises(ContentMismatchError, match=f"as catalogue {TEAM} records it") as caught:
        kitchen.taken("pay", TEAM)
    assert good.digest in caught.value.context[0]
    assert evil.digest in caught.value.context[1]


def test_a_name_in_a_catalogue_cannot_stand_for_a_bundle_of_another_name(kitchen: Kitchen) -> None:
    kitchen.publish(TEAM, kitchen.bundle("miner", "1.0.0"))
    content = kitchen.publish(TEAM, kitchen.bundle("miner", "1.0.0"))
    kitchen.store(TEAM, content.replace(b'"name": "miner"', b'"name": "redis"'))
    with pytest.raises(ContentMismatchError, match="fetching redis"):
        kitchen.taken(f"{TEAM}#redis")


@pytest.mark.parametrize(
    ("signers", "policy", "error"),
    [
        ((), TRUSTING, UnsignedError),
        ((), TrustPolicy(requires_signature=True), UnsignedError),
        ((STRANGER,), TRUSTING, UntrustedKeyError),
        ((KEY,), replace(TRUSTING, revoked=frozenset({KEY.key.key_id})), UntrustedKeyError),
        ((KEY,), replace(TRUSTING, threshold=2, keys=(KEY.key, STRANGER.key)), DeliveryPolicyError),
        ((KEY,), TRUSTING, None),
        ((KEY, STRANGER), replace(TRUSTING, threshold=2, keys=(KEY.key, STRANGER.key)), None),
        ((), NOBODY, None),
    ],
)
def test_a_catalogue_has_to_be_signed_as_the_policy_asks(
    kitchen: Kitchen, signers: Any, policy: Any, error: Any
) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"), signers=[KeySigner(one) for one in signers])
    if error is None:
        assert kitchen.leads_to("pay", TEAM, policy=policy) == f"{TEAM} 1.0.0"
        assert bool(kitchen.said) == bool(policy.keys)
        return
    with pytest.raises(error, match=f"checking the signatures of catalogue {TEAM}"):
        kitchen.leads_to("pay", TEAM, policy=policy)


def test_a_signature_of_another_document_is_refused_before_the_document_is_read(kitchen: Kitchen) -> None:
    content = kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"))
    manifest = kitchen.store(TEAM, b"anything")
    place = OciAddress.parse(TEAM)
    wrong = encode_envelopes([KeySigner(KEY).sign(CATALOGUE_PAYLOAD, content)])
    attach_signature(kitchen.registry, place, manifest, wrong, CATALOGUE_SIGNATURE)
    assert len(fetch_envelopes(kitchen.registry, place, manifest, CATALOGUE_SIGNATURE)) == 1
    with pytest.raises(WrongSignatureError):
        kitchen.leads_to("pay", TEAM, policy=TRUSTING)


def test_a_signature_of_a_bundle_is_none_of_a_catalogue(kitchen: Kitchen) -> None:
    manifest = kitchen.store(TEAM, b"anything")
    signature = encode_envelopes([KeySigner(KEY).sign(BUNDLE_PAYLOAD, b"anything")])
    attach_signature(kitchen.registry, OciAddress.parse(TEAM), manifest, signature, CATALOGUE_SIGNATURE)
    with pytest.raises(UnsignedError):
        kitchen.leads_to("pay", TEAM, policy=TRUSTING)


@pytest.mark.parametrize(
    ("content", "more", "found"),
    [
        (b"{}", {}, "its format is None"),
        (b"[" * 99_999, {}, "nested too deeply"),
        (
            b"{}",
            {"artifact": "application/vnd.bundler.bundle.v1"},
            "it is not a catalogue, but application/vnd.bundler.bundle",
        ),
        (b"{}", {"size": MAX_CATALOGUE_BYTES + 1}, "a catalogue has at most"),
    ],
)
def test_what_is_no_catalogue_is_refused(kitchen: Kitchen, content: bytes, more: Any, found: str) -> None:
    kitchen.store(TEAM, content, **more)
    with pytest.raises(CatalogueInvalidError) as caught:
        kitchen.leads_to("pay", TEAM)
    assert found in caught.value.context[0]


def test_the_bundle_of_a_catalogue_has_to_be_signed_too(kitchen: Kitchen) -> None:
    kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"), signers=[KeySigner(KEY)])
    with pytest.raises(UnsignedError, match="checking signatures"):
        kitchen.taken("pay", TEAM, policy=TRUSTING)


# --- building and publishing ----------------------------------------------------------------------------------------


def test_the_same_bundles_make_the_same_bytes_in_any_order(kitchen: Kitchen) -> None:
    place = OciAddress.parse(TEAM).repository
    bundles = [kitchen.bundle("pay", "1.0.0"), kitchen.bundle("pay", "1.10.0"), kitchen.bundle("app", "1.0.0")]
    every = [Published(bundle=one, repository=replace(place, name=one.metadata.name)) for one in bundles]
    assert encode_catalogue(build_catalogue(every)) == encode_catalogue(build_catalogue(every[::-1]))
    assert [one.version for one in build_catalogue(every).bundles[1].versions] == ["1.10.0", "1.0.0"]


def test_bundles_that_contradict_each_other_make_no_catalogue(kitchen: Kitchen) -> None:
    here, there = OciAddress.parse(TEAM).repository, OciAddress.parse(OTHER).repository
    pay, other = kitchen.bundle("pay", "1.0.0"), kitchen.bundle("pay", "1.0.0", "a: other\n")
    with pytest.raises(CatalogueInvalidError) as caught:
        build_catalogue([Published(bundle=pay, repository=here), Published(bundle=other, repository=there)])
    assert caught.value.context == (
        f"pay is in {there} and in {here}",
        f"pay 1.0.0 is there twice, as {pay.digest} and as {other.digest}",
        "a catalogue is of one registry, and these bundles are on other.example, registry.example",
    )


def test_more_than_a_catalogue_takes_is_refused_when_it_is_built(kitchen: Kitchen) -> None:
    place = OciAddress.parse(TEAM).repository
    bundle = kitchen.bundle("pay", "1.0.0")
    many = [replace(bundle, metadata=replace(bundle.metadata, version=f"1.{minor}.0")) for minor in range(501)]
    with pytest.raises(CatalogueInvalidError) as caught:
        build_catalogue([Published(bundle=one, repository=place) for one in many])
    assert caught.value.context == ("pay: it has 501 versions, not 1 to 500",)
    odd = replace(bundle, metadata=replace(bundle.metadata, app_version="7\n\x1b[1m", description="a\tb"))
    (kept,) = build_catalogue([Published(bundle=odd, repository=place)]).bundles
    assert (kept.versions[0].app_version, kept.description) == ("7 [1m", "a b")


def test_a_catalogue_is_published_under_a_tag(kitchen: Kitchen) -> None:
    content = kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"))
    with pytest.raises(UsageError, match="pushing a catalogue to"):
        push_catalogue(kitchen.registry, content, OciAddress.parse(f"{TEAM}@{digest_of(content)}"))


def test_a_catalogue_is_published_once_all_that_it_records_is_there(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"), kitchen.bundle("app", "1.0.0"))
    with pytest.raises(CatalogueInvalidError, match="pushing a catalogue to") as caught:
        push_catalogue(kitchen.registry, content, OciAddress.parse(OTHER))
    assert len(caught.value.context) == 2
    kitchen.registry.is_away = True
    monkeypatch.setattr(kitchen.registry, "manifest", lambda *_: kitchen.registry.ping("other.example"))
    with pytest.raises(RegistryUnavailableError):
        push_catalogue(kitchen.registry, content, OciAddress.parse(TEAM))
    monkeypatch.undo()
    assert push_catalogue(kitchen.registry, content, OciAddress.parse(TEAM)).is_new is False
    assert push_catalogue(kitchen.registry, content, OciAddress.parse(f"{TEAM}:2026")).address.tag == "2026"


def test_a_signature_of_another_catalogue_is_not_published(kitchen: Kitchen) -> None:
    content = kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"))
    for wrong in (encode_envelopes([KeySigner(KEY).sign(CATALOGUE_PAYLOAD, b"other")]), b"nonsense"):
        with pytest.raises(WrongSignatureError):
            push_catalogue(kitchen.registry, content, OciAddress.parse(TEAM), signature=wrong)


# --- searching ------------------------------------------------------------------------------------------------------


def test_a_search_says_what_each_bundle_is_installed_by(kitchen: Kitchen) -> None:
    make_bundle(kitchen.folder / "here", name="mine")
    make_bundle(kitchen.folder / "here", name="redis")
    kitchen.publish(
        TEAM, kitchen.bundle("redis", "9.0.0"), kitchen.bundle("pay", "1.0.0"), kitchen.bundle("app", "1.0.0")
    )
    kitchen.publish(OTHER, kitchen.bundle("app", "2.0.0"), kitchen.bundle("tool", "1.0.0"))
    request = SearchRequest(configured=(TEAM,), named=(OTHER,), policy=NOBODY)
    found = search(request, kitchen.sources(TEAM)).found
    places = {(one.name, one.place): one.reference for one in found}
    here = str(kitchen.folder / "here")
    assert places[("mine", here)] == "mine"
    assert places[("redis", here)] == "redis"
    assert places[("redis", "shipped")].endswith("bundles/redis")
    assert places[("redis", TEAM)] == f"{TEAM}#redis"
    assert places[("pay", TEAM)] == "pay"
    assert places[("tool", OTHER)] == f"{OTHER}#tool"
    both = search(replace(request, configured=(TEAM, OTHER), named=()), kitchen.sources(TEAM, OTHER)).found
    assert {one.reference for one in both if one.name == "app"} == {f"{TEAM}#app", f"{OTHER}#app"}
    for one in both:
        assert isinstance(look_up(one.reference, (), NOBODY, kitchen.sources(TEAM, OTHER)), BundleLocation | Recorded)


def test_a_configured_catalogue_that_cannot_be_read_is_a_problem_of_its_place_alone(kitchen: Kitchen) -> None:
    kitchen.publish(OTHER, kitchen.bundle("pay", "1.0.0"))
    result = search(SearchRequest(words=["pay"], configured=(TEAM, OTHER), policy=NOBODY), kitchen.sources(TEAM, OTHER))
    assert [one.reference for one in result.found] == [f"{OTHER}#pay"]
    assert next(place.problem for place in result.places if place.place == TEAM).startswith(
        f"reading catalogue {TEAM}: "
    )
    with pytest.raises(RegistryNotFoundError):
        search(SearchRequest(named=(TEAM,), policy=NOBODY), kitchen.sources())


def test_a_name_of_a_broken_bundle_or_beside_a_missing_folder_is_not_said_to_lead_to_a_catalogue(
    kitchen: Kitchen,
) -> None:
    here = kitchen.folder / "here"
    make_bundle(here, {"bundle.yaml": "a: [\n"}, name="pay")
    kitchen.publish(TEAM, kitchen.bundle("pay", "1.0.0"), kitchen.bundle("app", "1.0.0"))
    request = SearchRequest(configured=(TEAM,), policy=NOBODY)
    found = search(request, kitchen.sources(TEAM)).found
    assert {one.reference for one in found if one.place == TEAM} == {f"{TEAM}#pay", "app"}
    here.rename(kitchen.folder / "away")
    found = search(request, kitchen.sources(TEAM)).found
    assert {one.reference for one in found if one.place == TEAM} == {f"{TEAM}#pay", f"{TEAM}#app"}


def test_a_broken_bundle_in_a_folder_is_named_and_passed_over(kitchen: Kitchen) -> None:
    here = kitchen.folder / "here"
    make_bundle(here, name="fine")
    make_bundle(here, {"bundle.yaml": "a: [\n"}, name="broken")
    (here / "odd-1.0.0.tgz").write_bytes(b"no archive")
    result = search(SearchRequest(words=["fine"], policy=NOBODY), kitchen.sources())
    assert [one.name for one in result.found] == ["fine"]
    problem = result.places[0].problem
    assert problem.startswith("broken: line ")
    assert "; odd: " in problem
