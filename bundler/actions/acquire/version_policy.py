"""Which versions of a bundle a site takes. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.errors.delivery import DeliveryPolicyError
from bundler.planning.problem import Problem, refuse
from bundler.resolve.versions import parse_version

if TYPE_CHECKING:
    from bundler.model.trust import TrustPolicy


def older_version(name: str, version: str, policy: TrustPolicy) -> Iterator[Problem]:
    """Find that the site asks for a newer version of a bundle.

    Args:
        name: of the bundle.
        version: of the bundle.
        policy: of the site: trusted keys and minimum versions.
    """
    least = policy.minimum_versions.get(name, "")
    if least and parse_version(version) < parse_version(least):
        yield Problem(
            error=DeliveryPolicyError,
            doing=f"checking {name} against the site's policy",
            lines=(f"this is {name} {version}, and {policy.source or 'the policy'} asks for {least} or newer",),
            hint="use a newer version, or ask the owner of the site file",
        )


def refuse_older(name: str, version: str, policy: TrustPolicy) -> None:
    """Take a bundle's version, or refuse it.

    Args:
        name: of the bundle.
        version: of the bundle.
        policy: of the site: trusted keys and minimum versions.

    Raises:
        DeliveryPolicyError: when the site asks for a newer one.
    """
    refuse(older_version(name, version, policy), written="")
