"""Options of the verbs that read a bundle: where it may come from, and how large it may be. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from bundler.cli.parsing.registry_options import offline_option, registry_options
from bundler.loader.limits import DEFAULT_LOAD_LIMITS
from bundler.model.size import parse_bytes

if TYPE_CHECKING:
    from bundler.cli.parsing.command import Function

_HELP: Final = {
    "max_total_bytes": ("--max-bundle-size", "Largest unpacked bundle, in bytes."),
    "max_file_bytes": ("--max-bundle-file-size", "Largest file of a bundle, in bytes."),
    "max_files": ("--max-bundle-files", "Most files in a bundle."),
    "max_ratio": ("--max-bundle-ratio", "Highest compression ratio."),
}
_SHOWN: Final = {"max_total_bytes": "128MiB", "max_file_bytes": "10MiB"}


class Size(click.ParamType[int]):
    """A number of bytes as people type it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value

        try:
            return parse_bytes(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def bundle_limit_options(function: Function) -> Function:
    """Add the limits of bundles; the verb finds them in ``app.limits``."""
    for field, (flag, text) in reversed(_HELP.items()):
        is_size = field.endswith("_bytes")
        default = getattr(DEFAULT_LOAD_LIMITS, field)
        add = click.option(
            flag,
            field,
            type=Size() if is_size else click.IntRange(min=1),
            metavar="SIZE" if is_size else "N",
            help=f"{text}  [default: {_SHOWN.get(field, default)}]",
        )
        function = add(function)
    return function


def fetch_options(function: Function) -> Function:
    """Add the options of registries, and the limits of bundles."""
    return registry_options(bundle_limit_options(function))


def fetch_or_offline_options(function: Function) -> Function:
    """Add the options of registries, the limits of bundles, and ``--offline``."""
    return fetch_options(offline_option(function))
