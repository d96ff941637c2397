"""What bundler offers to Python programs, and to its own command line. Layer: library.

``session`` is the way in; what it needs of the other modules is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.library import (
        bundles as bundles,
        catalogues as catalogues,
        clusters as clusters,
        comparing as comparing,
        explaining as explaining,
        images as images,
        inspecting as inspecting,
        leases as leases,
        linting as linting,
        menus as menus,
        order_changes as order_changes,
        orders as orders,
        own_objects as own_objects,
        plan_files as plan_files,
        plans as plans,
        registries as registries,
        releases as releases,
        rendering as rendering,
        rollouts as rollouts,
        run as run,
        states as states,
        support as support,
        template_cache as template_cache,
    )

__getattr__ = late_modules(__name__)
