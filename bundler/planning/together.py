"""Which components of a release go back together. Layer: rules, pure.

A revision is all or nothing: where one component fails, all that the change touched go back with it, those that
were ready too, so that what runs is a revision that was deployed once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bundler.model.change import Action, Change

_OWN = "the bundle's own objects"


def components_of(changes: Iterable[Change], subjects: Collection[str]) -> frozenset[str]:
    """Return the components of the objects that something was said about.

    Args:
        changes: of the plan.
        subjects: ``Deployment/web`` and such; what is not an object of the plan is passed over.
    """
    return frozenset(change.component for change in changes if change.ref.short in subjects)


def changed_components(changes: Iterable[Change]) -> frozenset[str]:
    """Return the components that a plan does something to."""
    return frozenset(change.component for change in changes if change.action is not Action.NONE)


def component_words(components: Collection[str]) -> str:
    """Return components in words: ``components cache and web``; empty where the bundle has none.

    Args:
        components: by name; the empty one stands for the objects of the bundle itself.
    """
    names = sorted(filter(None, components))
    if not names:
        return ""
    head = f"component{'s' if len(names) > 1 else ''} {', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]}"
    return f"{head}, and {_OWN}" if "" in components else head
