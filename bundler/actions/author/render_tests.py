"""Run the tests of a bundle: render each case, and compare the objects with what it expects. Layer: actions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler.actions.compose.compose import compose
from bundler.actions.compose.render_request import RenderRequest
from bundler.errors import BundlerError
from bundler.errors.bundle import BundleError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.loader.site_file import load_site
from bundler.model.lean import dataclass
from bundler.model.render_test import Combination, RenderCase, RenderTestResult, Verdict
from bundler.model.secret_leaves import shareable
from bundler.model.values import Assignment, AssignmentKind, UserLayers
from bundler.planning.text_diff import unified_diff
from bundler.ports import UNCONFINED, Clock, Confinement
from bundler.render.expectations import unmet
from bundler.syntax.json_text import dump_json
from bundler.syntax.writer import dump_documents

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.expressions.compiled import CompiledCodes
    from bundler.model.bundle import Bundle
    from bundler.model.json import JSONValue

_MAX_DIFF_LINES: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTestRun:
    """What is tested, and how."""

    bundle: Bundle
    namespace: str
    """Where cases are rendered that name none."""
    codes: CompiledCodes
    confinement: Confinement
    clock: Clock
    updates_golden: bool = False
    """Write golden files instead of comparing with them."""


def run_render_tests(run: RenderTestRun, cases: Sequence[RenderCase]) -> Iterator[RenderTestResult]:
    """Yield the result of each case at each point of its matrix, as soon as it is known.

    Raises:
        BundleError: when a golden file cannot be written.
    """
    for case in cases:
        for combination in case.combinations:
            began_s = run.clock.monotonic()
            outcome = _judged(run, case, combination)
            yield RenderTestResult(
                name=f"{case.name} [{combination.name}]" if combination.name else case.name,
                source=case.source,
                verdict=outcome.verdict,
                problems=outcome.problems,
                sensitive=outcome.sensitive,
                seconds=run.clock.monotonic() - began_s,
            )


@dataclass(frozen=True, slots=True)
class _Outcome:
    verdict: Verdict
    problems: tuple[str, ...] = ()
    sensitive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    """What is plain data of a case that renders."""

    unmet: tuple[str, ...]
    objects: str
    """As a golden file holds them, values of Secrets masked."""
    sensitive: frozenset[str]


def _judged(run: RenderTestRun, case: RenderCase, combination: Combination) -> _Outcome:
    try:
        made = _rendered(run, case, combination)
    except BundlerError as error:
        problems = _wrong_error(case, error)
        return _Outcome(Verdict.FAILED if problems else Verdict.PASSED, problems)
    problems = made.unmet
    if case.error:
        problems = (f"{case.source}: it renders, expected an error with {case.error!r}", *problems)
    if problems or case.golden is None:
        return _Outcome(Verdict.FAILED if problems else Verdict.PASSED, problems, made.sensitive)
    verdict, problems = _compared(_golden_of(case.golden, combination), made.objects, run, case)
    return _Outcome(verdict, problems, made.sensitive)


def _rendered(run: RenderTestRun, case: RenderCase, combination: Combination) -> _Rendered:
    order = _order(run, case, combination)

    def work() -> _Rendered:
        made = compose(order)
        bodies = [manifest.body for manifest in made.manifests]
        lines = tuple(f"{one.source}: {line}" for one in case.expectations for line in unmet(one, bodies))
        shown = map(shareable, bodies)
        return _Rendered(unmet=lines, objects=dump_documents(shown), sensitive=made.sensitive)

    return run.confinement.run(work, doing=f"rendering {case.name}")


def _order(run: RenderTestRun, case: RenderCase, combination: Combination) -> RenderRequest:
    site = load_site(case.site) if case.site else None
    layers = (site.values, case.values) if site else (case.values,)
    return RenderRequest(
        bundle=run.bundle,
        release=case.release or run.bundle.metadata.name,
        namespace=case.namespace or (site.namespace if site else "") or run.namespace,
        user=UserLayers(layers=layers, assignments=tuple(_assignment(*one) for one in combination.values)),
        site=site.facts if site else {},
        place=site,
        kube_version=combination.kube_version,
        codes=run.codes,
        confinement=UNCONFINED,
    )


def _assignment(path: str, value: JSONValue) -> Assignment:
    text = dump_json(value)
    return Assignment(kind=AssignmentKind.JSON, path=path, text=text, typed=text)


def _wrong_error(case: RenderCase, error: BundlerError) -> tuple[str, ...]:
    told = [str(error), *error.context]
    if not case.error:
        return tuple(told)
    if any(case.error in line for line in told):
        return ()
    return (f"{case.source}: the error does not say {case.error!r}", *told)


def _golden_of(golden: Path, combination: Combination) -> Path:
    """Return the file of one point of a matrix: ``web.qps-2000.yaml`` beside ``web.yaml``."""
    if not combination.name:
        return golden
    point = re.sub(r"[^A-Za-z0-9._]+", "-", combination.name).strip("-.")
    return golden.with_name(f"{golden.stem}.{point}{golden.suffix}")


def _compared(golden: Path, objects: str, run: RenderTestRun, case: RenderCase) -> tuple[Verdict, tuple[str, ...]]:
    there = golden.read_text("utf-8") if golden.is_file() else None
    if there == objects:
        return Verdict.PASSED, ()
    if run.updates_golden:
        _write(golden, objects)
        return Verdict.UPDATED, ()
    if there is None:
        return Verdict.FAILED, (f"{case.source}: {golden.name} does not exist yet; --update writes it",)
    lines = list(unified_diff(there.splitlines(), objects.splitlines(), context=3))
    more = [f"… {len(lines) - _MAX_DIFF_LINES} more lines"] if len(lines) > _MAX_DIFF_LINES else []
    return Verdict.FAILED, (f"{case.source}: differs from {golden.name}", *lines[:_MAX_DIFF_LINES], *more)


def _write(golden: Path, objects: str) -> None:
    try:
        golden.parent.mkdir(parents=True, exist_ok=True)
        write_whole(golden, objects.encode())
    except OSError as error:
        raise BundleError(
            f"writing {golden}",
            context=[f"{error.filename or golden}: {error.strerror or error}"],
            hint=hint_to_write(error, "choose a folder that you can write to"),
        ) from error
