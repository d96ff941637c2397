"""Whether components that go in steps can come in the order of what they need. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.change import Action
from bundler.planning.order import reached
from bundler.planning.steps_refused.case import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.planning.steps_refused.case import Case


def kept_waiting(case: Case) -> Iterator[Reason]:
    """What needs a stepped component is new only after the finish, so that nothing that goes in steps can need it."""
    stepped = {change.component for change in case.stepped}
    objects = (one for one in case.changes if one.hook is None)
    changing = {one.component for one in objects if one.action not in {Action.NONE, Action.DELETE}}
    for component in sorted(stepped):
        for between in sorted((reached(component, case.needs) & changing) - stepped):
            first = ", ".join(sorted(reached(between, case.needs) & stepped - {component}))
            if first:
                said = f"{component} needs {between}, which changes only in the finish: it needs {first}"
                yield Reason(said, f"name only {first}, or only {component}, with --steps-of")
