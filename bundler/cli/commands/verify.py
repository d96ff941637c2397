"""``bundler verify``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.actions.verify import verify_archive, verify_delivery
from bundler.cli.delivering import read_site
from bundler.cli.keys import policy_for, public_keys_option
from bundler.cli.output.progress import Progress
from bundler.cli.output.text import Line
from bundler.cli.verb import verb

if TYPE_CHECKING:
    from bundler.actions.verify import Verified
    from bundler.cli.invocation import App
    from bundler.model.json import Body
    from bundler.model.trust import TrustPolicy


@verb("verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@public_keys_option
@click.option("--site", type=click.Path(path_type=Path), metavar="FILE", help="Site file: keys and policy.")
@click.option(
    "--base", "bases", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="What a delta builds on."
)
def verify_command(
    app: App, files: tuple[Path, ...], keys: tuple[Path, ...], site: Path | None, bases: tuple[Path, ...]
) -> None:
    """Check a delivery to its last byte, and who signed it; or a bundle's .tgz and the .sig beside it.

    Asks no network. Exit codes: 20 damaged, 21 part missing, 22 part of another build, 23 unsigned, 24 signed by an
    untrusted key, 25 refused by the site's policy, 27 base of a delta missing.
    """
    verified = _verified(app, files, policy_for(read_site(site), keys), bases)
    if app.output == "text":
        app.screen.lines([Line(verified.line)])
    else:
        facts: Body = {
            "name": verified.name,
            "version": verified.version,
            "digest": verified.digest,
            "blobs": verified.blobs,
            "bytes": verified.size,
            "signedBy": [{"name": key.name, "keyId": key.key_id} for key in verified.evidence.signers],
        }
        app.screen.document(facts, app.output)


def _verified(app: App, files: tuple[Path, ...], policy: TrustPolicy, bases: tuple[Path, ...]) -> Verified:
    from bundler.delivery.reader import Delivery  # noqa: PLC0415 - help needs none of it
    from bundler.signing.verify import PolicyVerifier  # noqa: PLC0415

    verifier = PolicyVerifier(policy, app.clock)
    if len(files) == 1 and files[0].name.endswith(".tgz"):
        return verify_archive(files[0], verifier, policy)
    progress = app.closing.enter_context(Progress(app.screen, app.clock))
    opened = [app.closing.enter_context(Delivery.open(base)) for base in bases]
    return verify_delivery(files, verifier, policy, bases=opened, report=progress)
