"""What references become at a site."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings, strategies as st

from bundler.errors.delivery import ImageMissingError, ImageReferenceError
from bundler.images.image_paths import ImageRule
from bundler.images.rewrite import Rewriter, pinned, site_repository, with_pull_secret
from bundler.model.digest import Digest
from bundler.model.image import REPOSITORY, ImageRef, LockedImage
from bundler.model.oci import OCI_MANIFEST
from bundler.model.site import SiteRegistry
from tests.unit.images.test_places import GADGET, GIZMO, manifest, nested

SITE = SiteRegistry(host="registry.site:5000", prefix="acme")
DIGEST = Digest("sha256:" + "b" * 64)


def locked(text: str, digest: Digest = DIGEST) -> LockedImage:
    ref = ImageRef.parse(text)
    return LockedImage(ref=ref, digest=digest, media_type=OCI_MANIFEST, platforms=("linux/amd64",), size=1)


def rewriter(*texts: str, **options: object) -> Rewriter:
    fields: dict[str, object] = {"registry": SITE, "rules": (), **options}
    return Rewriter([locked(text) for text in texts], **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("nginx", "acme/library/nginx"),
        ("docker.io/library/nginx:1.27", "acme/library/nginx"),
        ("bitnami/redis:7", "acme/bitnami/redis"),
        ("quay.io/a/b:1", "acme/quay.io/a/b"),
        ("localhost:5000/a:1", "acme/localhost-5000/a"),
        ("registry.k8s.io/pause:3.9@sha256:" + "c" * 64, "acme/registry.k8s.io/pause"),
    ],
)
def test_the_place_at_the_site_follows_from_the_reference_alone(text, becomes) -> None:
    place = site_repository(ImageRef.parse(text), SITE)
    assert (place.host, place.name) == ("registry.site:5000", becomes)
    assert pinned(locked(text), SITE) == f"registry.site:5000/{becomes}@{DIGEST}"


def test_without_a_prefix_and_without_a_registry() -> None:
    assert str(site_repository(ImageRef.parse("nginx"), SiteRegistry(host="r.site"))) == "r.site/library/nginx"
    assert pinned(locked("nginx:1"), None) == f"docker.io/library/nginx@{DIGEST}"


def test_every_place_is_pinned_and_old_names_stay_in_an_annotation() -> None:
    refs = ["busybox:1", "nginx:1.27", "quay.io/tools/debug:2", "registry.example:5000/models/m@sha256:" + "a" * 64]
    before = manifest("apps/v1", "Deployment", nested("spec", "template", "spec"))
    kept = copy.deepcopy(before.body)
    (after,) = rewriter(*refs).rewrite([before])
    pod = after.body["spec"]["template"]["spec"]
    assert [c["image"] for c in pod["containers"] if "image" in c] == [
        f"registry.site:5000/acme/library/nginx@{DIGEST}"
    ]
    assert pod["initContainers"][0]["image"] == f"registry.site:5000/acme/library/busybox@{DIGEST}"
    assert pod["ephemeralContainers"][0]["image"] == f"registry.site:5000/acme/quay.io/tools/debug@{DIGEST}"
    assert pod["volumes"][0]["image"]["reference"] == f"registry.site:5000/acme/registry.example-5000/models/m@{DIGEST}"
    names = json.loads(after.body["metadata"]["annotations"]["bundler.dev/images"])
    assert names["web"] == "docker.io/library/nginx:1.27"
    assert "annotations" not in after.body["spec"]["template"].get("metadata", {})
    assert before.body == kept


def test_declared_flags_keep_what_stands_before_the_image() -> None:
    rules = [ImageRule.of("example.org", "Gizmo", path) for path in ("spec.image", "spec.args[1]")]
    (after,) = rewriter("a/b:1", "e/f:3", rules=rules).rewrite([manifest("example.org/v1", "Gizmo", GIZMO)])
    assert after.body["spec"]["image"] == f"registry.site:5000/acme/a/b@{DIGEST}"
    assert after.body["spec"]["args"][1] == f"--sidecar-image=registry.site:5000/acme/e/f@{DIGEST}"
    assert after.body["spec"]["env"] is GIZMO["spec"]["env"]


@pytest.mark.parametrize(
    ("field", "becomes"),
    [
        ("image", {"repository": "registry.site:5000/acme/a/b", "tag": f"1@{DIGEST}", "pullPolicy": "Always"}),
        ("split", {"registry": "registry.site:5000", "repository": "acme/quay.io/c/d", "tag": f"2@{DIGEST}"}),
        ("digested", {"repository": "registry.site:5000/acme/e/f", "tag": "3", "digest": DIGEST}),
        ("by-digest", {"image": "registry.site:5000/acme/g/h", "digest": DIGEST}),
        ("whole", {"name": f"registry.site:5000/acme/i/j@{DIGEST}"}),
        ("named", {"image": "registry.site:5000/acme/k/l", "tag": f"latest@{DIGEST}"}),
    ],
)
def test_images_spelled_by_keys_are_pinned_by_digest(field, becomes) -> None:
    rules = [ImageRule.of("example.org", "Gadget", f"spec.{field}")]
    refs = ["a/b:1", "quay.io/c/d:2", "e/f:3", "g/h@sha256:" + "c" * 64, "i/j:5", "k/l"]
    tool = rewriter(*refs, rules=rules)
    (after,) = tool.rewrite([manifest("example.org/v1", "Gadget", GADGET)])
    assert after.body["spec"][field] == becomes
    assert [key for key in GADGET["spec"] if after.body["spec"][key] is not GADGET["spec"][key]] == [field]
    assert tool.rewrite([after]) == (after,)


def test_a_declared_place_that_cannot_be_rewritten_stops_before_anything_is_looked_up() -> None:
    rules = [ImageRule.of("example.org", "Gadget", path) for path in ("spec.untagged", "spec.image")]
    with pytest.raises(ImageReferenceError) as caught:
        rewriter(rules=rules).rewrite([manifest("example.org/v1", "Gadget", GADGET)])
    (line,) = caught.value.context
    assert line.startswith("Gadget/x spec.untagged (templates/x.yaml:7): it has neither a tag nor a digest")


def test_everything_that_is_missing_is_named_with_its_line() -> None:
    with pytest.raises(ImageMissingError) as caught:
        rewriter("nginx:1.27").rewrite([manifest("v1", "Pod", nested("spec"), name="p", line=12)])
    assert len(caught.value.context) == 3
    assert caught.value.context[0] == "Pod/p debug (templates/x.yaml:12): quay.io/tools/debug:2 is not in it"


@pytest.mark.parametrize("text", ["nginx:1.28", "nginx@sha256:" + "d" * 64, "quay.io/library/nginx:1.27", "Nginx", ""])
def test_nothing_is_guessed(text) -> None:
    assert rewriter("nginx:1.27").locked(text) is None


@pytest.mark.parametrize("text", ["registry.site:5000/acme/library/nginx:1.27", f"registry.site:5000/acme/library/nginx@{DIGEST}"])  # fmt: skip
def test_what_stands_at_the_site_already_is_known(text) -> None:
    found = rewriter("nginx:1.27").locked(text)
    assert found is not None
    assert pinned(found, SITE) == f"registry.site:5000/acme/library/nginx@{DIGEST}"


def test_the_pull_secret_joins_others_by_name_in_order() -> None:
    pod = {**nested("spec")["spec"], "imagePullSecrets": [{"name": "z"}, {"name": "site"}, {"name": "a"}]}
    after = with_pull_secret(manifest("v1", "Pod", {"spec": pod}), "site")
    assert after.body["spec"]["imagePullSecrets"] == [{"name": "a"}, {"name": "site"}, {"name": "z"}]
    service = manifest("v1", "Service", {"spec": {"ports": []}})
    assert with_pull_secret(service, "site") is service
    assert with_pull_secret(after, "") is after


NAMES = st.from_regex(r"[a-z0-9]{1,6}(/[a-z0-9]{1,6}){0,2}", fullmatch=True)
HOSTS = st.sampled_from(["", "quay.io/", "docker.io/", "r.example:5000/"])


@pytest.mark.medium
@given(HOSTS, NAMES, st.from_regex(r"[a-z0-9]{1,4}", fullmatch=True))
@settings(max_examples=80, deadline=None)
def test_rewriting_what_is_rewritten_changes_nothing(host, name, tag) -> None:
    image = locked(f"{host}{name}:{tag}")
    tool = Rewriter([image], registry=SITE, rules=(), pull_secret="pull")
    pod = {"spec": {"containers": [{"name": "x", "image": f"{host}{name}:{tag}"}]}}
    once = tool.rewrite([manifest("v1", "Pod", pod)])
    assert tool.rewrite(once) == once


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("[::1]:5000/a/b:1", "acme/ipv6-0-0-0-0-0-0-0-1-5000/a/b"),
        ("[fe80::]/a:1", "acme/ipv6-fe80-0-0-0-0-0-0-0/a"),
        ("[::1:5000]/a:1", "acme/ipv6-0-0-0-0-0-0-1-5000/a"),
    ],
)
def test_a_registry_with_an_ipv6_address_has_a_name_that_a_path_can_hold(ref: str, path: str) -> None:
    repository = site_repository(ImageRef.parse(ref), SiteRegistry.parse("[2001:db8::7]:5000/acme"))
    assert (repository.host, repository.name) == ("[2001:db8::7]:5000", path)
    assert REPOSITORY.fullmatch(path)


@pytest.mark.parametrize("ref", ["[::1/a:1", "[1.2.3]/a:1", "[::g]/a:1", "[::1]x/a:1", "[::1]:p/a:1"])
def test_what_is_in_brackets_must_be_an_ipv6_address(ref: str) -> None:
    with pytest.raises(ValueError, match="is not an image reference"):
        ImageRef.parse(ref)
