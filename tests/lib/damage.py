"""Damage to the small bundle on a real cluster, one for each way in which objects spoil, and how long each lasts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.model.labels import RELEASE_UID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.lib.controller_runs import OrderSite

WEB = "apps/v1/.../deployments/shop-web"
SERVICE = "v1/.../services/shop-web"
CONFIG = "v1/.../configmaps/shop-config"
TOKEN = "v1/.../secrets/shop-token"
TEXT = "hello"
"""What the ConfigMap of the bundle says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One way in which a release spoils."""

    name: str
    do: Callable[[OrderSite], None]
    is_repaired: Callable[[OrderSite], object]


DAMAGES = (
    Damage(name="deleted Deployment", do=lambda site: site.delete(WEB), is_repaired=lambda site: site.find(WEB)),
    Damage(name="deleted Service", do=lambda site: site.delete(SERVICE), is_repaired=lambda site: site.find(SERVICE)),
    Damage(
        name="edited ConfigMap",
        do=lambda site: site.edit(CONFIG, {"data": {"text": "mine"}}),
        is_repaired=lambda site: site.found(CONFIG)["data"]["text"] == TEXT,
    ),
    Damage(
        name="removed label",
        do=lambda site: site.edit(TOKEN, {"metadata": {"labels": {RELEASE_UID: None}}}),
        is_repaired=lambda site: RELEASE_UID in site.found(TOKEN)["metadata"]["labels"],
    ),
)


def repair_seconds(site: OrderSite, damages: Sequence[Damage] = DAMAGES, *, within_s: float) -> dict[str, float]:
    """Damage a release in several ways at once, and return how long each of them lasts, in seconds."""
    began_s = {}
    for damage in damages:
        began_s[damage.name] = time.monotonic()
        damage.do(site)
    took_s: dict[str, float] = {}
    while len(took_s) < len(damages):
        for damage in damages:
            lasts_s = time.monotonic() - began_s[damage.name]
            if damage.name not in took_s and damage.is_repaired(site):
                took_s[damage.name] = lasts_s
            assert lasts_s < within_s or damage.name in took_s, f"not repaired within {within_s:.0f} s: {damage.name}"
        time.sleep(0.02)
    return took_s
