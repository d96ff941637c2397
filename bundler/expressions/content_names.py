"""Names that carry the content of an object. Layer: expressions, pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jinja2.runtime import Undefined

from bundler.expressions.bounds import current_meter
from bundler.expressions.text import TemplateFailureError, kind_of
from bundler.expressions.text_functions import plain_text
from bundler.model.json import canonical_json

if TYPE_CHECKING:
    from bundler.model.json import JSONValue

_MAX_CHARS: Final = 63
"""Of a DNS label, which is a valid name of every kind."""
_DIGEST_CHARS: Final = 8
_COST: Final = 2**12
"""10 ms for a name. It is part of every name: another cost would rename all objects of all bundles."""
_STEPS: Final = 1_000
"""A template may ask for as many names as take some seconds."""


def digest_name(name: object, data: object) -> str:
    """Return ``NAME-DIGEST``: a name that changes with the content of the object that has it.

    An object that pods read belongs to one revision so: old pods keep reading the old object while new ones read the
    new one, in the middle of an upgrade and after a rollback too.

    A name is shown where the content of a Secret is not: in pod templates, logs and records. So the digest is of the
    whole content at once, salted with the name, cut to 32 bits, and each guess at the content takes 10 ms (scrypt):
    what is long or random cannot be found by it, and equal Secrets of two releases do not look equal. What can be
    guessed within thousands of attempts can be found all the same, which is why a Secret that holds nothing but short
    values is refused under such a name when it is rendered. No salt could be kept secret: `template`, `diff` and
    `install` give the same name, with a cluster and without one.

    Args:
        name: what the object is called without the digest; cut where the result would be longer than 63 characters.
        data: ``data`` of a ConfigMap, or ``stringData`` of a Secret; the order of its keys does not matter.

    Raises:
        TemplateFailureError: when the name is not a text, or ``data`` not a mapping of texts.
    """
    text = _name_of(name)
    content = canonical_json(_texts_of(data))
    meter = current_meter()
    meter.charge(_STEPS)
    meter.charge_text(len(content))
    # the cache keeps no secret in memory
    digest = _digest(text, hashlib.sha256(content).digest())
    return f"{text[: _MAX_CHARS - _DIGEST_CHARS - 1].rstrip('-.')}-{digest}"


def _name_of(name: object) -> str:
    if isinstance(name, Undefined):
        name = str(name)  # fails with the path of what is not set
    text = plain_text(name) if isinstance(name, str) else ""
    if not text:
        raise TemplateFailureError(
            "digest_name(name, data) takes a name and the content of a ConfigMap or Secret",
            "write what the object is called without its digest: digest_name(release.name, settings)",
        )
    return text


def _texts_of(data: object) -> dict[str, JSONValue]:
    if isinstance(data, Undefined):
        bool(data)
    if not isinstance(data, Mapping):
        raise TemplateFailureError(
            f"digest_name(name, data) takes a mapping of texts, not {kind_of(data)}",
            "give it what the object has as data or stringData: digest_name(release.name, {'key': 'text'})",
        )
    current_meter().charge(len(data))
    return {plain_text(key): _text_of(key, value) for key, value in data.items()}


def _text_of(key: object, value: object) -> str:
    if isinstance(value, Undefined):
        bool(value)
    if not isinstance(value, str | int | float):
        raise TemplateFailureError(
            f"digest_name(name, data) takes a mapping of texts; {plain_text(key)} is {kind_of(value)}",
            "write structures with `| to_json` or `| to_yaml`, and leave out keys without a value",
        )
    return plain_text(value)


@lru_cache(maxsize=512)
def _digest(name: str, content: bytes) -> str:
    salt = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
    return hashlib.scrypt(content, salt=salt, n=_COST, r=8, p=1, dklen=_DIGEST_CHARS // 2).hex()
