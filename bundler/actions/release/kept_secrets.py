"""Mask what any kept revision recorded as sensitive. Layer: actions.

An old token may be live although no newer revision holds it: someone wrote it back by hand, say. It can be shown only
where something live is not what would be written, so that the older records are read only then, all with one list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import ForbiddenError
from bundler.model.change import Action

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.actions.release.history import History
    from bundler.ports import Ports


def learn_kept_secrets(history: History, ports: Ports) -> frozenset[str]:
    """Mask whatever a kept revision recorded as sensitive from now on, and return it.

    Parts of records that cannot be read, or may not be, are left out: what they hid is not known.
    """
    try:
        found = ports.store.secrets_of(history.summaries)
    except ForbiddenError:
        return frozenset()
    ports.redactor.learn(*found)
    return found


def learn_shown_secrets(planned: Planned, history: History, ports: Ports) -> frozenset[str]:
    """Do the same where a plan may show something of a live object; nothing is read for one that changes nothing.

    Args:
        planned: what was compared with what is live.
        history: of the release.
        ports: where records are, and what masks output.
    """
    return learn_kept_secrets(history, ports) if _shows_live(planned) else frozenset()


def _shows_live(planned: Planned) -> bool:
    seen = planned.observation
    is_asked = any(ref in planned.outcomes for ref in seen.live)
    return is_asked or bool(seen.foreign) or any(change.action is Action.DELETE for change in planned.plan.changes)
