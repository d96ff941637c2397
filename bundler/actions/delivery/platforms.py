"""Choose the platforms of an image that travel. Layer: actions, pure.

Pods are pinned to one digest. One platform alone is pinned by its own manifest; several are pinned by the image's
index, and a registry takes an index only with everything in it. So with several platforms, an image whose index holds
others too is carried whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from bundler.model.lean import dataclass
from bundler.model.oci import INDEX_TYPES, Descriptor, OciManifest

if TYPE_CHECKING:
    from bundler.model.digest import Digest

MAX_INDEX_DEPTH: Final = 3
MAX_CONFIG_BYTES: Final = 8 * 1024 * 1024

_SAME = {"linux/arm64": "linux/arm64/v8", "linux/arm": "linux/arm/v7", "linux/amd64": "linux/amd64/v1"}
"""A platform without a variant means the one that its makers build. Source: containerd, platforms/database.go."""


class TooDeepError(ValueError):
    """Indexes list each other deeper than any image needs."""


def offered_platforms(
    top: OciManifest, child: Callable[[Descriptor], OciManifest], platform: Callable[[OciManifest], str], depth: int = 0
) -> list[tuple[str, Descriptor]]:
    """Return platform and manifest of each image that an index lists, those of indexes in it included.

    Args:
        top: an index, or the manifest of the only platform.
        child: returns a manifest that an index lists; each is asked for only where it is needed: hubs count.
        platform: returns the platform of a manifest, as its configuration says.
        depth: of ``top`` below other indexes.

    Raises:
        TooDeepError: when indexes list each other too deep.
    """
    if not top.is_index:
        return [(platform(top), top.descriptor)]
    if depth > MAX_INDEX_DEPTH:
        raise TooDeepError
    found: list[tuple[str, Descriptor]] = []
    for entry in (one for one in top.children if not one.is_extra):
        if entry.media_type in INDEX_TYPES:
            found += offered_platforms(child(entry), child, platform, depth + 1)
        else:
            found.append((entry.platform or platform(child(entry)), entry))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of an index travels."""

    chosen: tuple[Digest, ...]
    """Manifests of single platforms, in the index's order."""
    is_whole: bool
    """The index itself travels, with all that it lists."""
    missing: tuple[str, ...] = ()
    """Platforms that were asked for and are missing."""
    notice: str = ""


def choose_platforms(offered: Sequence[tuple[Digest, str]], wanted: Sequence[str]) -> Choice:
    """Choose among the manifests of an index.

    Args:
        offered: digest and platform of each that has one.
        wanted: platforms; empty is all.
    """
    everything = tuple(digest for digest, _ in offered)
    if not wanted:
        return Choice(chosen=everything, is_whole=True)
    found = {platform: best_match(offered, platform) for platform in wanted}
    missing = tuple(platform for platform, digest in found.items() if digest is None)
    chosen = tuple(digest for digest in everything if digest in set(found.values()))
    if missing or len(chosen) == 1:
        return Choice(chosen=chosen, is_whole=False, missing=missing)
    more = len(set(everything)) - len(chosen)
    notice = f"carries {more} more platforms, because several are pinned by its index alone" if more else ""
    return Choice(chosen=everything, is_whole=True, notice=notice)


def best_match(offered: Sequence[tuple[Digest, str]], wanted: str) -> Digest | None:
    """Return the manifest for a platform: the very one, else the usual variant, else the highest of its variants."""
    by_platform = {platform: digest for digest, platform in reversed(offered)}
    for name in (wanted, _SAME.get(wanted, ""), next((k for k, v in _SAME.items() if v == wanted), "")):
        if name and name in by_platform:
            return by_platform[name]
    variants = sorted(platform for platform in by_platform if platform.startswith(f"{wanted}/"))
    return by_platform[variants[-1]] if variants else None
