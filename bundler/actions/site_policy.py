"""What the site file forbids. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import SitePolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.site import Site
    from bundler.model.change import ReachNote


def refuse_forbidden(notes: Iterable[ReachNote], site: Site) -> None:
    """Stop where a plan reaches further than the site allows, declared or not.

    Raises:
        SitePolicyError: with everything that is forbidden.
    """
    found = sorted({f"{note.kind}: {note.subject}" for note in notes if note.kind in site.forbidden})
    if found:
        raise SitePolicyError(
            f"checking the plan against site {site.name}",
            context=[*found, f"the site file forbids: {', '.join(site.forbidden)}"],
            hint="use a bundle that stays within the site's policy, or ask whoever owns the site file",
        )
