"""Take bundles and deliveries from where they are: folders, archives, registries. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.actions.acquire import (
        bundle as bundle,
        bundle_artifacts as bundle_artifacts,
        catalogues as catalogues,
        fetch as fetch,
        open_delivery as open_delivery,
        trust as trust,
        version_policy as version_policy,
    )

__getattr__ = late_modules(__name__)
