"""One file for each rendered object, under a name that does not change. Layer: planning, pure.

``COMPONENT/KIND/NAME.yaml``, and ``COMPONENT/KIND/NAMESPACE/NAME.yaml`` outside the release's namespace. Two objects
never share a name, not even where file systems do not tell ``A`` from ``a``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from bundler.model.manifest import Manifest
from bundler.model.redaction import Redactor
from bundler.model.refs import ObjectRef
from bundler.model.secret_leaves import shareable
from bundler.planning.jobs import is_job, job_stem
from bundler.syntax.writer import dump_yaml

OWN: Final = "_"
"""The folder of objects that belong to no component; no component can be called so."""
SUFFIX: Final = ".yaml"
_MARK: Final = "# bundler template --split: "
_SAFE: Final = re.compile(r"[a-z0-9._-]")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(?![a-z0-9_-])")
"""Names that Windows takes for devices, whatever comes after a dot."""
_MAX_CHARS: Final = 120
_DIGEST_CHARS: Final = 16


def object_files(
    manifests: Iterable[Manifest], *, namespace: str, sensitive: frozenset[str] | None, public: frozenset[str]
) -> Mapping[str, str]:
    """Return the text of each file by its path in the folder, sensitive values masked.

    Args:
        manifests: as they are sent.
        namespace: of the release.
        sensitive: strings that no file may hold; None: nothing is masked.
        public: strings that are shown in any case.
    """
    redactor = Redactor()
    redactor.learn(*(sensitive or ()))
    redactor.publish(*public)
    found: dict[str, str] = {}
    for manifest in manifests:
        name = (job_stem(manifest.ref.name) if is_job(manifest.ref) else "") or manifest.ref.name
        path = _path_of(manifest, namespace, name)
        if path in found:  # a Job, and a hook of that name
            path = _path_of(manifest, namespace, manifest.ref.name)
        body = manifest.body if sensitive is None else shareable(manifest.body)
        found[path] = f"{mark_of(path)}\n# {manifest.source.file}\n{redactor.redact(dump_yaml(body))}"
    return found


def mark_of(path: str) -> str:
    """Return the first line of a file that bundler wrote: it names the file, so that a copy elsewhere is no such file.

    Args:
        path: in the folder, with ``/``.
    """
    return f"{_MARK}{path}"


def safe_name(name: str) -> str:
    """Return a name that every file system takes, and that no other name leads to.

    Args:
        name: of an object, a component, a kind or a namespace.
    """
    escaped = "".join(char if _SAFE.fullmatch(char) else _escaped(char) for char in name)
    if escaped.startswith(".") or _DEVICE.match(escaped):
        escaped = _escaped(escaped[0]) + escaped[1:]
    if escaped.endswith("."):
        escaped = escaped[:-1] + _escaped(".")
    if len(escaped) <= _MAX_CHARS:
        return escaped
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{escaped[: _MAX_CHARS - _DIGEST_CHARS - 1]}~{digest}"


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode())


def _path_of(manifest: Manifest, namespace: str, name: str) -> str:
    ref = manifest.ref
    folders = [manifest.component.replace("/", ".") or OWN, _kind_of(ref)]
    if ref.namespace and ref.namespace != namespace:
        folders.append(ref.namespace)
    return "/".join(map(safe_name, (*folders, name))) + SUFFIX


def _kind_of(ref: ObjectRef) -> str:
    """Return a kind as kubectl takes it: ``service``, ``deployment.apps``."""
    kind = ref.kind.lower()
    return f"{kind}.{ref.group}" if ref.group else kind
