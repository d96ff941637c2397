"""Earlier deliveries in the folder where a new one goes. Layer: delivery; reads local files.

They are the cache of an export: a layer that one of them holds is copied instead of fetched. No other place keeps
layers, because keeping them there would write every byte twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.delivery.pieces import part_path
from bundler.delivery.reader import Delivery
from bundler.errors import BundlerError

if TYPE_CHECKING:
    from pathlib import Path

MAX_NEIGHBOURS: Final = 8
"""The newest ones: older versions share less, and each costs reading its index."""


def open_neighbours(target: Path, name: str) -> list[Delivery]:
    """Open deliveries beside a file that is to be written, the newest first; what is none is passed over.

    Args:
        target: of the export; it may be there itself, from an earlier run.
        name: of the bundle.
    """
    folder = target.parent
    found = {target, part_path(target, 1), *folder.glob(f"{name}-*.bundle"), *folder.glob(f"{name}-*.bundle.001")}
    opened: list[Delivery] = []
    for path in sorted((path for path in found if path.is_file()), key=_age)[:MAX_NEIGHBOURS]:
        try:
            delivery = Delivery.open(path)
        except BundlerError:
            continue
        if _is_readable(delivery):
            opened.append(delivery)
        else:
            delivery.close()
    return opened


def _age(path: Path) -> tuple[int, str]:
    return -path.stat().st_mtime_ns, path.name


def _is_readable(delivery: Delivery) -> bool:
    try:
        _ = delivery.entries
    except BundlerError:
        return False
    return True
