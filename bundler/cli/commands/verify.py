"""``bundler verify``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import delivery, library, signing
from bundler.actions import acquire
from bundler.actions.acquire.trust import signed_by
from bundler.actions.delivery.verify import verify_archive, verify_delivery
from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.adapters.signing_keys import policy_for
from bundler.cli.parsing.bundle_options import bundle_limit_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.signing_options import public_keys_option
from bundler.cli.parsing.values_options import values_options
from bundler.cli.terminal.text import Line
from bundler.errors import UsageError
from bundler.files.plan_bytes import is_plan_file
from bundler.model.size import counted, shown_bytes
from bundler.wire.deliveries import verified_form

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import Values
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.cli.session.app import App
    from bundler.model.bundle import Bundle
    from bundler.model.results import Verified
    from bundler.model.trust import TrustPolicy


@verb("verify")
@click.argument("paths", nargs=-1, required=True, type=FilePath(), metavar="FILE...")
@public_keys_option
@click.option("--base", "bases", type=FilePath(), multiple=True, metavar="FILE", help="What a delta builds on.")
@values_options()
@bundle_limit_options
def verify_command(
    app: App, paths: tuple[Path, ...], keys: tuple[Path, ...], bases: tuple[Path, ...], values: Values
) -> None:
    """Check a delivery to its last byte, who signed it, and that it carries the images that its bundle renders to.

    The images are those of the bundle's defaults, or of the values that are given. Of a bundle's .tgz and a saved plan,
    the .sig beside it is checked. Uses no network. Exit codes: 20 damaged, or short of an image, 21 part missing,
    22 part of another build, 23 unsigned, 24 signed by an untrusted key, 25 refused by the site's policy, 27 base of a
    delta missing.
    """
    site = named_site(open_session(app), values.site)
    verified = _verified(app, paths, policy_for(site, keys), bases, values)
    if app.output == "text":
        app.screen.lines([Line(_line(verified))])
        if verified.images is not None:
            app.screen.say(f"it carries every image of these values ({verified.images})", "dim")
    else:
        app.screen.document(verified_form(verified), app.output)


def _line(verified: Verified) -> str:
    """Return the one line of evidence."""
    what = (
        f"{counted(verified.blobs, 'blob')}, "
        if verified.blobs
        else f"{verified.kind} {verified.name} {verified.version}, "
    )
    return f"OK {what}{shown_bytes(verified.size)}, {verified.digest}, {signed_by(verified.evidence)}"


def _verified(
    app: App, paths: tuple[Path, ...], policy: TrustPolicy, bases: tuple[Path, ...], values: Values
) -> Verified:
    if len(paths) == 1 and is_plan_file(paths[0]):
        return library.plan_files.verify_plan(paths[0], policy, app.clock)
    verifier = signing.verify.PolicyVerifier(policy, app.clock)
    if len(paths) == 1 and paths[0].name.endswith(".tgz"):
        if values.files or values.assignments:
            found, hint = f"{paths[0]} carries no images", "give values with a delivery (.bundle)"
            raise UsageError("reading the values to verify with", context=[found], hint=hint)
        return verify_archive(paths[0], verifier, policy, limits=app.limits)
    scope = open_session(app).scope
    opened = [app.closing.enter_context(delivery.reader.Delivery.open(base)) for base in bases]

    def order_of(checked: Trusted, bundle: Bundle) -> RenderRequest:
        return library.bundles.render_request(
            scope, acquire.bundle.AcquiredBundle(bundle=bundle, delivery=checked), values
        )

    trusted = acquire.open_delivery.open_trusted(paths, verifier, policy)
    return verify_delivery(trusted, bases=opened, report=app.telling, make_order=order_of, limits=app.limits)
