"""The kinds that the controller serves, as the API server is to be told. Layer: controller; reads its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, TypeAlias

from bundler import ClusterClient, Payload
from bundler.model.json import is_mapping
from bundler.syntax.reader import read_document

_FOLDER: Final = Path(__file__).resolve().parent
_Name: TypeAlias = Literal["release", "menu"]
_NAMES: Final[tuple[_Name, ...]] = ("release", "menu")


def definition(name: _Name) -> str:
    """Return one CustomResourceDefinition as YAML.

    Args:
        name: of the kind, in lower case.
    """
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def all_definitions() -> str:
    """Return every CustomResourceDefinition of the controller, for ``kubectl apply -f -``."""
    return "---\n".join(map(definition, _NAMES))


def define_kinds(cluster: ClusterClient) -> None:
    """Define the kinds in a cluster that no one installs the controller's bundle in: the embedded one.

    Raises:
        ClusterError: when they cannot be written.
    """
    for name in _NAMES:
        body = read_document(definition(name)).value
        if is_mapping(body):
            cluster.apply(Payload.of(body, manager="bundler-controller"), is_forced=True)
