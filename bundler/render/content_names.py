"""The names that `digest_name` gave in one rendering, and Secrets that must not have one. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bundler.expressions.content_names
from bundler.errors.bundle import ManifestError
from bundler.model.redaction import is_strong
from bundler.model.secret_leaves import is_secret, leaf_contents
from bundler.render.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bundler.model.json import Body
    from bundler.model.manifest import Manifest


class ContentNames:
    """Gives names that carry a content, and remembers them."""

    def __init__(self) -> None:
        self.given: set[str] = set()

    def digest_name(self, name: object, data: object) -> str:
        """Do `digest_name` of templates.

        Args:
            name: what the object is called without the digest.
            data: its content, a mapping of texts.
        """
        given = bundler.expressions.content_names.digest_name(name, data)
        self.given.add(given)
        return given

    def problems(self, manifests: Iterable[Manifest]) -> Iterator[Problem]:
        """Yield the Secrets whose content could be guessed and checked against their name."""
        for one in manifests:
            if one.ref.name in self.given and is_secret(one.body) and is_guessable(one.body):
                yield Problem(
                    error_type=ManifestError,
                    source=one.source,
                    sentence=f"{one.ref.short} is named by its content, and its values are so short that they could be "
                    "guessed and checked against that name",
                    hint="use longer values, or give the Secret a fixed name; put what is no secret into a ConfigMap",
                )


def is_guessable(body: Body) -> bool:
    """Return whether a Secret has values and none that is long or mixed: one such hides the others in a digest."""
    leaves = [leaf for leaf in leaf_contents(body) if leaf]
    return bool(leaves) and not any(map(is_strong, leaves))
