"""``bundler test-render``. Layer: cli."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions.author.render_tests import RenderTestRun, run_render_tests
from bundler.cli.adapters.session import open_session
from bundler.cli.output.render_tests import show_render_tests
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.errors import UsageError
from bundler.files.whole_file import write_output
from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle, folder_to_write
from bundler.loader.render_tests import FOLDER, load_render_tests
from bundler.model.render_test import Verdict
from bundler.wire.render_tests import junit_xml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.loader.locate import BundleLocation
    from bundler.model.render_test import RenderCase


@verb("test-render")
@bundle_argument
@fetch_options
@click.option("--update", is_flag=True, help="Write golden files instead of comparing with them.")
@click.option("--junit", type=FilePath(), metavar="FILE", help="Write the results as JUnit XML too, for CI.")
@click.option("--only", "only", default="", metavar="TEXT", help="Run the tests whose name contains this text.")
def test_render_command(app: App, bundle: str, *, update: bool, junit: Path | None, only: str) -> int:
    """Run the tests in tests/render/*.yaml of BUNDLE, a folder: values in, assertions on objects out.

    Each case gives values, a site file and a Kubernetes version, or a matrix of them, and says what the objects must
    hold, which error must come, or names a golden file. No cluster is asked.
    """
    cases, location = _cases(app, bundle, only)
    if update:
        folder_to_write(location, f"writing golden files of {location.origin}")
    scope = open_session(app).scope
    loaded = load_bundle(location, limits=app.limits, fetch=partial(library.bundles.fetch_component, scope))
    run = RenderTestRun(
        bundle=loaded,
        namespace=library.bundles.namespace_without_cluster(scope, None),
        codes=library.bundles.compiled_codes(scope, loaded),
        confinement=app.confinement,
        clock=app.clock,
        updates_golden=update,
    )
    results = show_render_tests(app, run_render_tests(run, cases))
    if junit is not None:
        write_output(junit, app.redactor.redact(junit_xml(loaded.metadata.name, results)).encode())
    return int(any(result.verdict is Verdict.FAILED for result in results))


def _cases(app: App, bundle: str, only: str) -> tuple[Sequence[RenderCase], BundleLocation]:
    """Return the cases to run, and where the bundle is.

    Raises:
        UsageError: when the bundle is not a folder, or there is no such case.
    """
    location = find_bundle(bundle, search_path=app.settings.environment.bundle_path)
    doing = f"looking for tests of {location.origin}"
    if location.is_archive:
        raise UsageError(doing, context=[f"{location.path} is an archive"], hint="name the folder it was packed from")
    cases = load_render_tests(location.path)
    if not cases:
        found = f"there is no test in {location.path / FOLDER}"
        raise UsageError(doing, context=[found], hint=f"write {FOLDER}/NAME.yaml; `bundler create` shows one")
    chosen = [case for case in cases if only in case.name]
    if not chosen:
        names = [case.name for case in cases]
        raise UsageError(doing, context=[f"no test has {only!r} in its name", *names], hint="name one of them")
    return chosen, location
