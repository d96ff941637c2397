"""The grammar of image references, as container engines have it."""

from __future__ import annotations

import pytest

from bundler.model.image import ImageRef
from bundler.model.oci import OciAddress


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("org/app", "docker.io/org/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("registry:5000/app", "registry:5000/app:latest"),
        ("Registry/app", "Registry/app:latest"),
        ("[fe80::1]:5000/app", "[fe80::1]:5000/app:latest"),
        ("a" * 63 + "g", "docker.io/library/" + "a" * 63 + "g:latest"),
    ],
)
def test_a_reference_is_completed(text: str, full: str) -> None:
    assert str(ImageRef.parse(text)) == full


@pytest.mark.parametrize(
    "text",
    [
        "-bad.example/app", "bad-.example/app", "bad..example/app", "host.example:/app", "host.example:123456/app", "host.example:65536/app", "[fe80::1]:99999/app",
        "host_a.example/app", "host.example:port/app", "a.example//app", "Upper/App", "a" * 64, "x.example/" + "a" * 256,
        "a b/c", ".example/app", "user@host.example/app",
    ],
)  # fmt: skip
def test_what_no_engine_takes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an image reference"):
        ImageRef.parse(text)


@pytest.mark.parametrize("host", ["bad..example", "bad-.example", "-bad.example"])
def test_a_bundle_has_no_address_at_such_a_host_either(host: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        OciAddress.parse(f"oci://{host}/bundles/shop:1.0.0")
