"""Signatures of bundles outside of deliveries: beside an archive, attached in a registry. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.model.bundle import Bundle
    from bundler.model.site import Site
    from bundler.model.trust import Envelope, Evidence


def judge_bundle(
    app: App,
    bundle: Bundle,
    envelopes: Callable[[], Sequence[Envelope]],
    site: Site | None,
    *,
    keys: Sequence[Path] = (),
) -> Evidence | None:
    """Hold a bundle's signatures against whom this run trusts, and say who signed it.

    Args:
        app: settings and streams.
        bundle: as loaded.
        envelopes: returns its signatures; asked only where somebody is trusted.
        site: whose policy holds.
        keys: public keys that are trusted in place of the site's.

    Returns:
        Who signed; None where nobody asks for that.

    Raises:
        SignatureError: when it is not signed as the policy asks.
        DeliveryDamagedError: when a signature cannot be read.
    """
    if site is None and not keys:
        return None
    from bundler.actions.acquire.trust import check_bundle, signed_by  # noqa: PLC0415 - only those who trust somebody pay
    from bundler.cli.adapters.signing_keys import policy_for  # noqa: PLC0415
    from bundler.signing.verify import PolicyVerifier  # noqa: PLC0415

    policy = policy_for(site, keys)
    is_asked = policy.keys or policy.requires_signature or policy.revoked
    found = envelopes() if is_asked else ()
    evidence = check_bundle(bundle, found, PolicyVerifier(policy, app.clock), policy)
    if evidence.signers:
        app.screen.say(f"bundle {bundle.metadata.name} {bundle.metadata.version}: {signed_by(evidence)}", "dim")
    return evidence


def judge_version(bundle: Bundle, site: Site | None) -> None:
    """Hold the version of a bundle from a folder, which nobody signs, against what a site asks for.

    Raises:
        DeliveryPolicyError: when the site asks for a newer one.
    """
    if site is not None and site.trust.minimum_versions:
        from bundler.actions.acquire.version_policy import older_version  # noqa: PLC0415 - only where a site asks for versions
        from bundler.planning.problem import refuse  # noqa: PLC0415

        refuse(older_version(bundle.metadata.name, bundle.metadata.version, site.trust), written="")


def requires_signature(site: Site | None) -> bool:
    """Return whether a site takes nothing unsigned: where it names keys, or says so."""
    return site is not None and bool(site.trust.keys or site.trust.requires_signature)
