"""What lint finds where switches are set against their defaults. Layer: actions, pure.

A branch that is off by default is rendered by no one until a user switches it on. So the order is rendered again with
each switch set alone, with all on and all off, and what is found only there is reported with the setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from bundler.actions.author.findings import findings_of, from_error
from bundler.actions.compose.compose import render_context, values_of
from bundler.actions.compose.job_names import with_job_names
from bundler.actions.delivery.switches import find_switches, order_with
from bundler.errors import BundlerError
from bundler.images.matrix import described, make_matrix
from bundler.model.finding import Finding, Level
from bundler.model.lean import replace
from bundler.planning.normalize import normalize_manifests
from bundler.planning.problem import refuse
from bundler.planning.reach import find_reach, undeclared_reach
from bundler.render.bundle import render_what_can_be
from bundler.render.notes import render_notes
from bundler.render.problems import Problem, raise_problems
from bundler.render.sensitive import redactor_of
from bundler.values.paths import parse_path
from bundler.values.schema_view import bundle_view

if TYPE_CHECKING:
    from bundler.actions.author.object_findings import ObjectChecks
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.bundle import Bundle
    from bundler.model.values import MergedValues

_MAX_SETTINGS = 150


def settings_findings(order: RenderRequest, values: MergedValues, checks: ObjectChecks) -> Iterator[Finding]:
    """Yield what is wrong with the settings over an order's switches; what the order as given has may be among it.

    Args:
        order: as given.
        values: what it comes to.
        checks: knows the objects that were checked already.
    """
    variants = make_matrix(find_switches(order, values), max_variants=0).variants
    told: set[tuple[str, int, str]] = set()
    for variant in islice(variants, 1, _MAX_SETTINGS):
        for finding in _findings(order_with(order, variant), checks):
            if finding.what not in told:
                told.add(finding.what)
                yield replace(finding, details=(*finding.details, f"with {described(variant)}"))


def _findings(order: RenderRequest, checks: ObjectChecks) -> Iterator[Finding]:
    context = render_context(order, None)
    try:
        values = values_of(order)
        rendering = render_what_can_be(order.bundle, values, context)
    except BundlerError:
        return  # a setting that the schema does not allow is none
    for problem in rendering.problems:
        yield from _of_problem(problem, order.bundle, values)
    try:
        rendering = with_job_names(rendering)
    except BundlerError as error:
        yield from () if rendering.problems else from_error(error)
        return
    if not rendering.problems:
        yield from findings_of(lambda: render_notes(order.bundle, values, context, revision=1, operation="install"))
        yield from findings_of(lambda: normalize_manifests(rendering.manifests))
    declared = rendering.reach
    reach = find_reach(rendering.manifests, namespace=order.namespace, declared=declared, generated=rendering.generated)
    yield from findings_of(lambda: refuse(undeclared_reach(reach), written=""))
    yield from checks.findings(rendering)


def _of_problem(problem: Problem, bundle: Bundle, values: MergedValues) -> Iterator[Finding]:
    if problem.is_deliberate:
        return  # the bundle asks for what this setting needs
    for finding in findings_of(lambda: raise_problems([problem], "rendering the bundle", redactor_of(values))):
        if _is_declared(problem.missing_path, problem.source.file, bundle):
            hint = "give it a default, or ask for it where it is needed: `| required('…')`"
            yield replace(finding, level=Level.WARNING, hint=hint)
        else:
            yield finding


def _is_declared(path: str, file: str, bundle: Bundle) -> bool:
    """Return whether the schema knows a value that is not set: then a user who sets the switch can give it."""
    if not path.startswith("values."):
        return False
    for name in file.split("/"):
        if name not in bundle.component_bundles:
            break
        bundle = bundle.component_bundles[name]
    try:
        steps = parse_path(path.removeprefix("values."))
    except BundlerError:
        return False
    view = bundle_view(bundle)
    for step in steps:
        view = view.child(step if isinstance(step, str | int) else 0)
        if not view.nodes:
            return False
    return True
