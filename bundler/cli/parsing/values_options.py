"""Options that several verbs share, each group handed over as one object. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bundler import Values
from bundler.cli.parsing.command import OPTION_ORDER, FilePath, gathered
from bundler.model.values import AssignmentKind

if TYPE_CHECKING:
    from bundler.cli.parsing.command import Decorator

_SET_KINDS: Final = {
    "set_values": AssignmentKind.SET,
    "set_json": AssignmentKind.JSON,
    "set_file": AssignmentKind.FILE,
    "set_env": AssignmentKind.ENV,
}


def _given(**options: object) -> Values:
    """Put the values options together; assignments in the order typed."""
    texts = {kind: list(_strings(options[name])) for name, kind in _SET_KINDS.items()}
    kinds = [_SET_KINDS[name] for name in _strings(options[OPTION_ORDER]) if name in _SET_KINDS]
    site = options["site"]
    return Values(
        files=tuple(_strings(options["files"])),
        assignments=tuple((kind, texts[kind].pop(0)) for kind in kinds if texts[kind]),
        unset=tuple(_strings(options["unset"])),
        site=site if isinstance(site, Path) else None,
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


_VALUES = [
    click.option("-f", "--values", "files", multiple=True, metavar="FILE", help="Values file; later ones win."),
    click.option("--set", "set_values", multiple=True, metavar="PATH=VALUE", help="One value, typed by the schema."),
    click.option("--set-json", multiple=True, metavar="PATH=JSON", help="One value, a list or a mapping as JSON."),
    click.option("--set-file", multiple=True, metavar="PATH=FILE", help="One value, the text of a file."),
    click.option("--set-env", multiple=True, metavar="PATH=NAME", help="One value, from an environment variable."),
    click.option("--site", type=FilePath(), metavar="FILE", help="Site file: facts of the place."),
]
_UNSET = click.option("--unset", multiple=True, metavar="PATH", help="Drop a recorded value.")
_VALUES_KEYS = ["files", *_SET_KINDS, "site", OPTION_ORDER]


def values_options(*, can_unset: bool = False) -> Decorator:
    """Add the options that give values; the function gets them as ``given``."""
    if can_unset:
        return gathered("given", _given, [*_VALUES, _UNSET], [*_VALUES_KEYS, "unset"])
    return gathered("given", lambda **options: _given(unset=(), **options), _VALUES, _VALUES_KEYS)


kube_version_option = click.option(
    "--kube-version", default="", metavar="VERSION", help="Kubernetes that templates see."
)
show_secrets_option = click.option("--show-secrets", is_flag=True, help="Show sensitive values in plain text.")
release_name_option = click.option("--release", default="", help="Name of the release.  [default: the bundle's]")
