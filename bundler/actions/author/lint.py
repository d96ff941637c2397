"""Find everything that is wrong with a bundle, at once. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from bundler.actions.author.findings import findings_of, from_error
from bundler.actions.author.hook_findings import hook_findings
from bundler.actions.author.object_findings import ObjectChecks, merged
from bundler.actions.author.schema_rules import schema_findings
from bundler.actions.author.settings import settings_findings
from bundler.actions.author.silences import silenced, silences_in
from bundler.actions.author.upgrade_findings import upgrade_findings
from bundler.actions.compose.compose import Composition, compose, render_context, values_of
from bundler.actions.compose.expressions import formula_errors
from bundler.actions.compose.job_names import with_job_names
from bundler.actions.compose.render_request import RenderRequest, as_hooks_see
from bundler.actions.compose.step_gates import gate_errors
from bundler.errors import BundlerError
from bundler.errors.bundle import BundleError, WorkLimitError
from bundler.expressions.compiled import CompiledCodes
from bundler.expressions.failures import RAW
from bundler.loader.bundle_reader import VALUES_FILE
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.loader.load import load_what_can_be
from bundler.loader.locate import BUNDLE_FILE, BundleLocation
from bundler.menu.offer import order_kind
from bundler.model.finding import Finding, Level, LintResult
from bundler.planning.normalize import normalize_manifests
from bundler.planning.problem import refuse
from bundler.planning.reach import find_reach, undeclared_reach
from bundler.planning.step_rules import step_policy
from bundler.ports import UNCONFINED, Confinement
from bundler.render.bundle import render_what_can_be
from bundler.render.notes import render_notes
from bundler.render.syntax import stray_comments, syntax_problems
from bundler.values.derive import derive_errors
from bundler.values.unread import unread_values

if TYPE_CHECKING:
    from bundler.actions.compose.user_values import UserInput
    from bundler.loader.load import FetchComponent
    from bundler.loader.problems import Problems
    from bundler.model.bundle import Bundle
    from bundler.model.values import MergedValues
    from bundler.render.types import RenderContext, Rendering


def lint(
    location: BundleLocation,
    inputs: UserInput,
    *,
    namespace: str = "default",
    fetch: FetchComponent | None = None,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
    confinement: Confinement = UNCONFINED,
) -> LintResult:
    """Load, order and render a bundle as far as it goes, and check what comes of it against the rules.

    Args:
        location: of the bundle.
        inputs: values to order it with, for bundles that cannot do without.
        namespace: where the release would be installed; objects elsewhere leave it.
        fetch: brings components that are in registries.
        limits: how large a bundle may be.
        confinement: runs what the bundle's templates, expressions and schemas make of it.
    """
    try:
        bundle, problems = load_what_can_be(location, limits=limits, fetch=fetch)
    except BundleError as error:
        return LintResult(findings=tuple(sorted(from_error(error))), bundle=None)
    if problems:
        find = partial(_broken_findings, bundle, problems, location)
    else:
        find = partial(_whole_findings, bundle, inputs, namespace, _own_texts(location))
    try:
        findings = confinement.run(find, doing=f"checking {location.origin}")
    except WorkLimitError as error:
        findings = _told_once(schema_findings(bundle), from_error(error))
    return LintResult(findings=findings, bundle=None if problems else bundle)


def _broken_findings(bundle: Bundle, problems: Problems, location: BundleLocation) -> tuple[Finding, ...]:
    broken = findings_of(lambda: problems.raise_any(location.origin))
    return _told_once(broken, *_given_findings(bundle, CompiledCodes()))


def _given_findings(bundle: Bundle, codes: CompiledCodes) -> tuple[Iterator[Finding], ...]:
    """Return what is wrong whatever values are given."""
    return (
        _formula_findings(bundle, codes),
        _derive_findings(bundle, codes),
        _syntax_findings(bundle, codes),
        _comment_findings(bundle),
    )


def _whole_findings(bundle: Bundle, inputs: UserInput, namespace: str, texts: Mapping[str, str]) -> tuple[Finding, ...]:
    codes = CompiledCodes()
    order = order_of(bundle, inputs, codes, namespace=namespace)
    silences = silences_in(bundle, texts)
    checks = ObjectChecks(policy=step_policy(bundle), needs_every_line=bool(silences))
    findings = _told_once(
        _bundle_findings(bundle),
        *_given_findings(bundle, codes),
        *(_order_findings(one, checks) for one in as_hooks_see(order)),
        _settings_findings(order, checks),
        upgrade_findings(bundle, tuple(checks.known.values())),
    )
    return tuple(sorted(merged(sorted(silenced(findings, silences)))))


def _own_texts(location: BundleLocation) -> dict[str, str]:
    """Return the texts of files that a loaded bundle no longer holds; an archive's are left out."""
    paths = [] if location.is_archive else [location.path / name for name in (BUNDLE_FILE, VALUES_FILE)]
    return {path.name: path.read_text("utf-8", errors="replace") for path in paths if path.is_file()}


def order_of(bundle: Bundle, inputs: UserInput, codes: CompiledCodes, *, namespace: str) -> RenderRequest:
    """Return what is rendered of a bundle that no release is made of.

    Args:
        bundle: loaded, with its components.
        inputs: values given by the user.
        codes: compiled templates and expressions to reuse; None compiles again.
        namespace: that the objects are rendered for.
    """
    return RenderRequest(
        bundle=bundle,
        release=bundle.metadata.name,
        namespace=namespace,
        user=inputs.user,
        site=inputs.facts,
        codes=codes,
    )


def _told_once(*stages: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of all stages, sorted, without what an earlier stage reported already."""
    findings: set[Finding] = set()
    for stage in stages:
        told = {finding.what for finding in findings}
        findings |= {finding for finding in stage if finding.what not in told}
    return tuple(sorted(findings))


def _formula_findings(bundle: Bundle, codes: CompiledCodes) -> Iterator[Finding]:
    for one in bundle.tree():
        gates = (gate_errors(gate, codes) for gate in one.upgrade.gates)
        for error in chain(formula_errors(one, codes), *gates):
            yield from from_error(error)


def _derive_findings(bundle: Bundle, codes: CompiledCodes) -> Iterator[Finding]:
    for one in bundle.tree():
        for error in derive_errors(one.derive, codes):
            yield from from_error(error)


def _syntax_findings(bundle: Bundle, codes: CompiledCodes) -> Iterator[Finding]:
    for problem in syntax_problems(bundle, codes):
        yield from from_error(problem.error_type("reading the templates", context=problem.lines(), hint=problem.hint))


def _comment_findings(bundle: Bundle) -> Iterator[Finding]:
    for source, end in stray_comments(bundle):
        message = f"{{# starts a comment here, which ends in line {end} and takes all between out of the text"
        hint = f"write ${RAW} where a shell counts, or put the script between {{% raw %}} and {{% endraw %}}"
        yield Finding(source.file, source.line, 0, Level.ERROR, "shell-comment", message, (), hint)


def _bundle_findings(bundle: Bundle) -> Iterator[Finding]:
    if not bundle.metadata.description:
        yield _warning(
            "bundle.yaml", "no-description", "metadata.description says nothing", "describe the bundle in one line"
        )
    if bundle.schema is None and bundle.defaults.data:
        yield _warning(
            "values.yaml", "no-schema", "there is no values.schema.json, so typing errors are not found", "add one"
        )
    if not (bundle.templates or bundle.crds or bundle.components):
        yield _warning(
            "bundle.yaml", "nothing-to-install", "there is no object to install", "put templates into templates/*.yaml"
        )
    yield from schema_findings(bundle)
    yield from _unread_findings(bundle)
    for one in bundle.tree():
        if one.menu is not None:
            yield from findings_of(partial(order_kind, one))


def _unread_findings(bundle: Bundle) -> Iterator[Finding]:
    try:
        unread = unread_values(bundle)
    except BundlerError:
        return  # rendering tells what is not valid
    for found in unread:
        message = f"no template and no expression reads the value {found.path}"
        hint = "remove it, or use it; mark one kept for old values files as deprecated in the schema"
        yield Finding(found.file, found.line, 0, Level.WARNING, "unread-value", message, (), hint)


def _warning(file: str, rule: str, message: str, hint: str) -> Finding:
    return Finding(file, 0, 0, Level.WARNING, rule, message, (), hint)


def _order_findings(order: RenderRequest, checks: ObjectChecks) -> Iterator[Finding]:
    made: list[Composition] = []
    yield from findings_of(lambda: made.append(compose(order)))
    context = render_context(order, None)
    try:
        values, rendering = _as_rendered(made[0]) if made else _what_can_be(order, context)
    except BundlerError as error:
        yield from from_error(error)
        return
    yield from findings_of(lambda: render_notes(order.bundle, values, context, revision=1, operation="install"))
    manifests, declared, generated = rendering.manifests, rendering.reach, rendering.generated
    notes = find_reach(manifests, namespace=order.namespace, declared=declared, generated=generated)
    if not made:
        yield from findings_of(lambda: normalize_manifests(manifests))
    yield from findings_of(lambda: refuse(undeclared_reach(notes), written=""))
    yield from checks.findings(rendering)
    if made:
        yield from hook_findings(made[0])


def _what_can_be(order: RenderRequest, context: RenderContext) -> tuple[MergedValues, Rendering]:
    values = values_of(order)
    return values, with_job_names(render_what_can_be(order.bundle, values, context))


def _as_rendered(made: Composition) -> tuple[MergedValues, Rendering]:
    """Return what was composed, where that is what the templates say: no site patched it, no older YAML was read."""
    is_other = made.notices or made.order.place is not None or made.order.carried is not None
    return _what_can_be(made.order, made.context) if is_other else (made.values, made.rendering)


def _settings_findings(order: RenderRequest, checks: ObjectChecks) -> Iterator[Finding]:
    try:
        values = values_of(order)
    except BundlerError:
        return  # the order as given says it
    yield from settings_findings(order, values, checks)
