"""Two revisions or two bundles beside each other as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from bundler.model.change import Action
from bundler.wire.changes import patched_form

if TYPE_CHECKING:
    from bundler.model.comparison import ComparedSide, Comparison
    from bundler.wire.changes import BundleForm, PatchedForm


class SideForm(TypedDict):
    """One of the two that are compared."""

    bundle: BundleForm
    revision: NotRequired[int]
    """Of a release; left out where a bundle was rendered."""


class ComparisonForm(TypedDict):
    """What differs between two recorded revisions, or between what two bundles render to."""

    release: str
    namespace: str
    before: SideForm
    after: SideForm
    values: list[str]
    """What differs in the values that the user gave, a line each."""
    changes: list[PatchedForm]
    """What leads from one to the other; unchanged objects are left out."""


def comparison_form(found: Comparison, *, shows_secrets: bool = False, is_full: bool = False) -> ComparisonForm:
    """Return what differs, with a JSON patch for each object.

    Args:
        found: both sides, and what differs.
        shows_secrets: leave the values of Secrets in plain text.
        is_full: keep bundler's own stamps.
    """
    changes = [change for change in found.changes if change.action is not Action.NONE]
    return {
        "release": found.release,
        "namespace": found.namespace,
        "before": _side_form(found.before),
        "after": _side_form(found.after),
        "values": list(found.values),
        "changes": [patched_form(change, shows_secrets=shows_secrets, is_full=is_full) for change in changes],
    }


def _side_form(side: ComparedSide) -> SideForm:
    bundle = side.bundle
    form: SideForm = {"bundle": {"name": bundle.name, "version": bundle.version, "digest": bundle.digest}}
    return {**form, "revision": side.revision} if side.revision else form
