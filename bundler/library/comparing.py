"""Two revisions or two bundles beside each other. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.actions import author
from bundler.actions.inspect import compare
from bundler.library.name_rules import check_name
from bundler.model.comparison import ComparedObjects, ComparedSide, Comparison
from bundler.model.lean import replace
from bundler.model.release import BundleReference
from bundler.planning.comparison import changes_between

if TYPE_CHECKING:
    from bundler.library.requests import ReleaseRequest
    from bundler.library.scope import Scope
    from bundler.model.bundle import Bundle


def revisions(scope: Scope, release: str, namespace: str, numbers: tuple[int, int]) -> Comparison:
    """Return what differs between two recorded revisions.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        numbers: of both; 0 as the second is the one that is deployed.

    Raises:
        ReleaseNotFoundError: when there is no such release or revision.
    """
    return compare.compare_revisions(scope.ports(), scope.namespace(namespace), release, numbers)


def bundles(scope: Scope, before: str, request: ReleaseRequest) -> Comparison:
    """Return what differs between what two bundles render to with the same values; no cluster is asked.

    Args:
        scope: the session's cluster, files and limits.
        before: the bundle that is compared first.
        request: the other one, names and values.

    Raises:
        BundlerError: when a bundle cannot be had, or does not render with these values.
    """
    old, new = (library.bundles.acquired(scope, replace(request, bundle=one)) for one in (before, request.bundle))
    inputs = library.bundles.read_values(scope, request.values, new.bundle)
    site = inputs.named_site
    release = check_name(request.release or new.bundle.metadata.name)
    place = request.namespace or library.bundles.namespace_without_cluster(scope, site)
    sides, warnings = list[ComparedObjects](), dict[str, None]()
    for taken in (old, new):
        asked = replace(request, bundle=taken, release=release, namespace=place, values=inputs)
        made = library.bundles.confined(scope, asked, author.template.render_manifests)
        scope.host.redactor.learn(*made.sensitive)
        warnings |= dict.fromkeys(made.warnings)
        sides.append(ComparedObjects(manifests=made.manifests, generated=made.generated))
    return Comparison(
        release=release,
        namespace=place,
        before=_side(old.bundle),
        after=_side(new.bundle),
        changes=changes_between(*sides),
        warnings=tuple(warnings),
    )


def _side(bundle: Bundle) -> ComparedSide:
    metadata = bundle.metadata
    named = BundleReference(
        name=metadata.name, version=str(metadata.version), digest=str(bundle.digest), origin=bundle.origin
    )
    return ComparedSide(bundle=named)
