"""The names that `digest_name` gave in one rendering, and objects that must not have one. Layer: render, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import bundler.expressions.content_names
from bundler.errors.bundle import ManifestError
from bundler.model.json import Body, texts_in
from bundler.model.manifest import Manifest
from bundler.model.redaction import Redactor, is_strong
from bundler.model.secret_leaves import is_secret, leaf_contents
from bundler.render.problems import Problem


class ContentNames:
    """Gives names that carry a content, and remembers them."""

    def __init__(self) -> None:
        self.given: set[str] = set()
        self._slow: set[str] = set()
        """Those given with ``secret=true``."""

    def digest_name(self, name: object, data: object, *, secret: object = False) -> str:
        """Do `digest_name` of templates.

        Args:
            name: what the object is called without the digest.
            data: its content, a mapping of texts.
            secret: whether the content is hidden where the name is shown.
        """
        given = bundler.expressions.content_names.digest_name(name, data, secret=secret)
        self.given.add(given)
        if secret:
            self._slow.add(given)
        return given

    def problems(self, manifests: Iterable[Manifest], sensitive: Collection[str]) -> Iterator[Problem]:
        """Yield the objects whose hidden content could be guessed and checked against their name.

        Args:
            manifests: as rendered.
            sensitive: the sensitive values, of components too.
        """
        for one in manifests:
            hidden = hidden_contents(one.body, sensitive) if one.ref.name in self.given else []
            if hidden and one.ref.name not in self._slow:
                yield _quickly_guessed(one)
            elif hidden and not any(map(is_strong, hidden)):
                yield _guessable(one)


def hidden_contents(body: Body, sensitive: Collection[str]) -> list[str]:
    """Return what an object holds that output hides; one long or mixed text hides the others in a digest.

    Args:
        body: of a Secret, whose leaves are all hidden; or of another object, in which sensitive values are.
        sensitive: the sensitive values.
    """
    if is_secret(body):
        return [leaf for leaf in leaf_contents(body) if leaf]
    return [value for value in sensitive if _holds(body, value)]


def _holds(body: Body, value: str) -> bool:
    redactor = Redactor()
    redactor.learn(value)
    content = {field: value for field, value in body.items() if field != "metadata"}
    return any(redactor.redact_value(text) != text for text in texts_in(content))


def _quickly_guessed(one: Manifest) -> Problem:
    what = "its values" if is_secret(one.body) else "the sensitive values in it"
    return Problem(
        error_type=ManifestError,
        source=one.source,
        sentence=f"{one.ref.short} is named by a digest that is quick to compute: {what} could be guessed and checked "
        "against that name",
        hint="write digest_name(name, data, secret=true), there and in what refers to it",
    )


def _guessable(one: Manifest) -> Problem:
    return Problem(
        error_type=ManifestError,
        source=one.source,
        sentence=f"{one.ref.short} is named by its content, and its values are so short that they could be "
        "guessed and checked against that name",
        hint="use longer values, or give the Secret a fixed name; put what is not a secret into a ConfigMap",
    )
