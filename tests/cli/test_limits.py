"""How large a bundle may be, and what says so: the limits hold wherever a bundle is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bundler.actions.acquire.bundle_artifacts import PublishedBundle, fetch_archive
from bundler.archive.limits import ArchiveLimits
from bundler.errors.bundle import UnsafeArchiveError
from bundler.model.digest import digest_of
from bundler.model.oci import BUNDLE_ARCHIVE, OCI_MANIFEST, Descriptor, OciAddress, OciManifest
from tests.lib.bundles import make_bundle
from tests.lib.delivered import MemoryRegistry, content_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

TWENTY_KIB = 20 << 10


@pytest.fixture
def forms(tmp_path: Path, cli: Cli) -> dict[str, Path]:
    """One bundle of 20 KiB and three files as a folder, an archive, a component in a bundle, and a delivery."""
    folder = make_bundle(
        tmp_path, {"values.yaml": "a: 1\n", "files/data": os.urandom(TWENTY_KIB).hex()[:TWENTY_KIB]}, name="big"
    )
    archive, delivery = tmp_path / "big.tgz", tmp_path / "big.bundle"
    cli("package", folder, "--out", archive).ok()
    content_of(folder, {}, scratch=tmp_path).write(delivery)
    return {"folder": folder, "archive": archive, "delivery": delivery}


READERS = {
    "folder": ["show", "template", "values", "install", "images", "package", "push", "lint", "export", "lock"],
    "archive": ["show", "template", "values", "install", "images", "package", "push", "lint", "verify"],
    "delivery": ["show", "template", "values", "install", "package", "push", "verify", "preflight"],
}


@pytest.mark.parametrize(("form", "verb"), [(form, verb) for form, verbs in READERS.items() for verb in verbs])
def test_every_verb_that_reads_a_bundle_keeps_its_limits(
    cli: Cli, forms: dict[str, Path], form: str, verb: str
) -> None:
    more = ["oci://registry.example/big"] if verb == "push" else []
    refused = cli(verb, forms[form], *more, "--max-bundle-size", "10k")
    assert refused.code in {1, 4, 26}, refused.out + refused.err
    assert "KiB, the limit is 10.0 KiB (--max-bundle-size)" in refused.out + refused.err


@pytest.mark.parametrize("form", ["folder", "archive", "delivery"])
@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (["--max-bundle-file-size", "10k"], "20.0 KiB, the limit of a file is 10.0 KiB (--max-bundle-file-size)"),
        (["--max-bundle-files", "2"], "the limit is 2 (--max-bundle-files)"),
    ],
)
def test_each_limit_can_be_set(cli: Cli, forms: dict[str, Path], form: str, limit: list[str], said: str) -> None:
    refused = cli("show", forms[form], *limit)
    assert said in refused.err
    assert refused.code == (26 if form != "folder" else refused.code)


@pytest.mark.medium
def test_a_limit_can_be_raised_as_the_error_says(cli: Cli, tmp_path: Path) -> None:
    folder = make_bundle(tmp_path, {"files/data": "0" * (11 << 20)}, name="big")
    refused = cli("package", folder)
    assert "files/data: the file has 11.0 MiB, the limit of a file is 10.0 MiB (--max-bundle-file-size)" in refused.err
    archive = tmp_path / "big.tgz"
    cli("package", folder, "--max-bundle-file-size", "16MiB", "--out", archive).ok()
    refused = cli("show", archive, "--max-bundle-file-size", "16MiB")
    assert refused.code == 26
    proposed = refused.err.partition("its author, pass ")[2].split()
    assert proposed[0] == "--max-bundle-ratio"
    cli("show", archive, "--max-bundle-file-size", "16MiB", *proposed).ok()


@pytest.mark.parametrize(
    "words", [["--max-bundle-size", "much"], ["--max-bundle-size", "0"], ["--max-bundle-files", "0"]]
)
def test_what_is_no_limit_is_refused(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    refused = cli("show", make_bundle(tmp_path, {}), *words)
    assert refused.code == 2
    assert words[0] in refused.err


def test_nothing_is_fetched_of_an_archive_that_is_too_large() -> None:
    layer = Descriptor(digest=digest_of(b"x"), size=2 << 20, media_type=BUNDLE_ARCHIVE)
    published = PublishedBundle(
        address=OciAddress.parse("oci://registry.example/big:1.0.0"),
        manifest=OciManifest.of(b"{}", OCI_MANIFEST),
        archive=layer,
    )
    with pytest.raises(UnsafeArchiveError) as caught:
        fetch_archive(MemoryRegistry(), published, ArchiveLimits(max_total_bytes=1 << 20))
    assert caught.value.context == ("its archive has 2.0 MiB, the limit is 1.0 MiB (--max-bundle-size)",)
    assert caught.value.hint.endswith("--max-bundle-size 2MiB")
