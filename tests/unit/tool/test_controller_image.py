"""The lower layer of the controller's image, made of packages that are made here."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import lzma
import re
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOL = Path(__file__).parents[3] / "tool"


@pytest.fixture(scope="module")
def tool():
    sys.path.append(str(TOOL))
    spec = importlib.util.spec_from_file_location("tool_controller_image", TOOL / "controller_image.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def packed(files: Mapping[str, bytes | str]) -> bytes:
    """Return a tar file as packages have it; text is what a link leads to."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size, member.mtime = len(content), 1234
                tar.addfile(member, io.BytesIO(content))
    return lzma.compress(stream.getvalue())


def make_deb(path: Path, files: Mapping[str, bytes | str], control: str = "Package: tool\nVersion: 1\n") -> Path:
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": packed({"control": control.encode()}),
        "data.tar.xz": packed(files),
    }
    content = b"!<arch>\n"
    for name, part in parts.items():
        content += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n".encode() + part + b"\n" * (len(part) % 2)
        )
    path.write_bytes(content)
    return path


def test_packages_are_unpacked_without_their_documents_and_into_usr(tool, tmp_path: Path) -> None:
    deb = make_deb(
        tmp_path / "tool.deb",
        {
            "lib/x86_64-linux-gnu/libtool.so.1": b"library",
            "usr/lib/libtool.so": "/lib/x86_64-linux-gnu/libtool.so.1",
            "usr/share/doc/tool/copyright": b"free",
            "usr/share/doc/tool/README.gz": b"long",
            "usr/share/man/man1/tool.1.gz": b"longer",
            "usr/share/ca-certificates/mozilla/A.crt": b"certificate A\n",
        },
    )
    tool.unpack_packages({tool.Package("tool", "1", "all", ""): deb}, tmp_path / "root")
    root = tmp_path / "root"
    assert (root / "lib").readlink() == Path("usr/lib")
    assert (root / "usr/lib/libtool.so").readlink() == Path("x86_64-linux-gnu/libtool.so.1")
    assert (root / "usr/lib/libtool.so").read_bytes() == b"library"
    assert {path.name for path in (root / "usr/share").rglob("*") if path.is_file()} == {"copyright", "A.crt"}
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text() == "certificate A\n"
    assert (root / "var/lib/dpkg/status").read_text() == "Package: tool\nStatus: install ok installed\nVersion: 1\n"
    assert "bundler:x:65532:65532" in (root / "etc/passwd").read_text()


def test_a_package_that_is_not_the_locked_one_is_refused(tool, tmp_path: Path) -> None:
    deb = make_deb(tmp_path / "tool_1_all.deb", {})
    locked = tool.Package("tool", "1", "all", hashlib.sha256(deb.read_bytes()).hexdigest())
    assert tool.fetched([locked], tmp_path, "amd64") == {locked: deb}
    deb.write_bytes(deb.read_bytes() + b"\n")
    with pytest.raises(SystemExit, match=r"its hash .* is not the one in controller_image\.lock"):
        tool.fetched([locked], tmp_path, "amd64")


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_lock_has_every_package_once_for_each_architecture(tool, architecture: str) -> None:
    found = tool.read_lock(architecture)
    assert [one.name for one in found] == sorted(tool.WANTED)
    assert all(re.fullmatch("[0-9a-f]{64}", one.sha256) for one in found)


def test_the_bundle_names_the_image_of_this_version(tool) -> None:
    assert tool.version() == __version__
    assert tool.image_name().rpartition(":")[2] == __version__
