"""A bundle and a delivery go into a quirky registry and come back: what every registry has to be good for."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from bundler.model.oci import Repository
from bundler.oci.credentials import Credentials
from bundler.oci.settings import RegistrySettings
from tests.lib.bundles import make_bundle
from tests.lib.images import make_image, push_image
from tests.lib.quirky_registry import PASSWORD, USER
from tests.unit.oci.support import client

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.oci.client import OciClient
    from tests.lib.fixtures_cli import Cli, Outcome
    from tests.lib.images import TestImage
    from tests.lib.quirky_registry import QuirkyRegistry

SITE = """\
apiVersion: bundler.dev/v1
kind: Site
metadata: {{name: acme}}
spec:
  registry: {{host: "{host}", prefix: acme, insecureHTTP: true}}
  namespace: kitchen
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers: [{{name: web, image: "{host}/shop/web:1.0"}}]
"""


class Walk:
    """A user with a login, a signed bundle, and an image in the registry."""

    def __init__(self, cli: Cli, registry: QuirkyRegistry) -> None:
        self.cli, self.registry, self.host = cli, registry, registry.host
        self.address = f"oci://{self.host}/bundles/shop"
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.auth = cli.home / "auth.json"
        self.auth.write_text(json.dumps({"auths": {self.host: {"auth": login}}}))
        self.site = cli.home / "acme.yaml"
        self.site.write_text(SITE.format(host=self.host))
        self.folder = make_bundle(cli.home / "src", {"templates/web.yaml": WEB.format(host=self.host)}, name="shop")
        self.packed = cli.home / "shop-1.0.0.tgz"
        self.file = cli.home / "shop-1.0.0.bundle"
        self.image = make_image("shop", layer_bytes=(40_000, 3000))

    def __call__(self, *words: str | Path) -> Outcome:
        """Run a verb that speaks to registries."""
        return self.cli(*words, "--insecure-http", self.host, REGISTRY_AUTH_FILE=str(self.auth))

    @property
    def oci(self) -> OciClient:
        who = Credentials(user=USER, password=PASSWORD, source="a test")
        settings = RegistrySettings(plain_http=frozenset({self.host}))
        return client(who=who, settings=settings, clock=None, is_writing=True)

    def sign(self) -> None:
        self.cli("package", self.folder, "--out", self.packed).ok()
        self.cli("keygen", "acme release", "--out", self.cli.home / "acme.key").ok()
        self.cli("sign", self.packed, "--key", self.cli.home / "acme.key").ok()

    def push(self, *more: str) -> Outcome:
        return self("push", self.packed, self.address, *more)

    def export(self) -> Outcome:
        push_image(self.oci, Repository(self.host, "shop/web"), self.image, tag="1.0")
        return self("export", self.folder, "--all-platforms", "--out", self.file)

    def imported(self, *more: str) -> Outcome:
        return self("import", self.file, "--site", self.site, "-o", "json", *more)

    @property
    def place(self) -> str:
        """Name of the repository of the image at the site."""
        return f"acme/{self.host.replace(':', '-')}/shop/web"

    def holds(self, image: TestImage) -> bool:
        """Return whether the site has the image, whole."""
        held = self.registry.of(self.place)
        manifests = {one.digest for one in (image.top, *image.manifests)}
        return manifests <= set(held.manifests) and set(image.blobs) <= set(held.blobs)
