"""Where the fields of live objects come from. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.actions import inspect
from bundler.actions.compose.user_values import UserInput
from bundler.errors import BundlerError, UsageError
from bundler.model.lean import dataclass
from bundler.model.values import UserLayers

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.actions.inspect.explain import Subject
    from bundler.library.scope import Scope
    from bundler.model.explanation import Explanation
    from bundler.model.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be explained."""

    release: str
    """Its name."""
    object: str
    """``KIND/NAME``."""
    field: str = ""
    """As the API server writes it; empty: the whole object."""
    namespace: str = ""
    """Of the release; empty: the session's."""
    bundle: str = ""
    """Where the bundle is now; empty: where the revision took it from."""
    site: Site | None = None
    """Whose facts the templates see."""


def explain(scope: Scope, question: Question) -> Explanation:
    """Say where an object, or a field of it, comes from; nothing is written.

    Args:
        scope: of the session.
        question: which one.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when it has no such object, or that no such field.
        BundlerError: when a bundle that is named cannot be had, or is another one.
    """
    site = question.site
    namespace = scope.namespace(question.namespace, of_site=site.namespace if site else "")
    ports = scope.ports()
    subject = inspect.explain.find_subject(ports, namespace, question.release, question.object)
    order, missing = None, ""
    try:
        order = _order_of(scope, subject, question, namespace)
    except BundlerError as error:
        if question.bundle:
            raise
        missing = "; ".join([str(error), *map(str, error.context)])
    return inspect.explain.explain(subject, question.field, order, ports, missing=missing)


def _order_of(scope: Scope, subject: Subject, question: Question, namespace: str) -> RenderRequest:
    """Return what the revision was rendered from."""
    recorded = subject.revision.summary.bundle
    name = question.bundle or recorded.origin
    taken = library.bundles.acquire(scope, name, question.site)
    if taken.bundle.digest != recorded.digest:
        raise UsageError(
            f"looking for bundle {recorded.name} {recorded.version}, from which the revision was made",
            context=[f"the revision needs {recorded.digest}", f"{name} is {taken.bundle.digest}"],
            hint="name the bundle of the revision with --bundle",
        )
    given = UserInput(user=UserLayers(), named_site=question.site)
    return library.bundles.render_request(scope, taken, given, release=question.release, namespace=namespace)
