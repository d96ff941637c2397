"""Names that carry the content of an object. Layer: expressions, pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from bundler.expressions.bounds import current_meter
from bundler.expressions.text import TemplateFailureError, kind_of
from bundler.expressions.text_functions import plain_text
from bundler.expressions.undefined import refuse_undefined
from bundler.model.json import JSONValue, canonical_json

_MAX_CHARS: Final = 63
"""Of a DNS label, which is a valid name of every kind."""
_DIGEST_CHARS: Final = 8
_SLOW_COST: Final = 2**12
"""10 ms for a name. It is part of the name: another cost would rename all objects that have one."""
_SLOW_STEPS: Final = 1_000
"""A template may ask for as many slow names as take some seconds."""


def digest_name(name: object, data: object, *, secret: object = False) -> str:
    """Return ``NAME-DIGEST``: a name that changes with the content of the object that has it.

    An object that pods read belongs to one revision so: old pods keep reading the old object while new ones read the
    new one, in the middle of an upgrade and after a rollback too.

    A name is shown where the content of a Secret is not: in pod templates, logs and records. With ``secret`` each guess
    at the content takes 10 ms (scrypt): what is long or random cannot be found by it. What can be guessed within
    thousands of attempts can be found all the same, which is why an object that hides nothing but short values is
    refused under such a name when it is rendered, as is one that hides anything under a name without ``secret``. No
    salt could be kept secret: `template`, `diff` and `install` give the same name, with a cluster and without one.
    The digest is of name and content together, so equal contents of two releases do not look equal.

    Args:
        name: what the object is called without the digest; cut where the result would be longer than 63 characters.
        data: ``data`` of a ConfigMap, or ``stringData`` of a Secret; the order of its keys does not matter.
        secret: whether the content is hidden where the name is shown.

    Raises:
        TemplateFailureError: when the name is not a text, ``data`` not a mapping of texts, or ``secret`` not a boolean.
    """
    text = _name_of(name)
    content = canonical_json(_texts_of(data))
    meter = current_meter()
    meter.charge_text(len(content))
    # the cache keeps no secret in memory
    short = hashlib.sha256(content).digest()
    if _is_secret(secret):
        meter.charge(_SLOW_STEPS)
        digest = _slow_digest(text, short)
    else:
        digest = hashlib.sha256(_salt(text) + short).hexdigest()[:_DIGEST_CHARS]
    return f"{text[: _MAX_CHARS - _DIGEST_CHARS - 1].rstrip('-.')}-{digest}"


def _name_of(name: object) -> str:
    refuse_undefined(name)
    text = plain_text(name) if isinstance(name, str) else ""
    if not text:
        raise TemplateFailureError(
            "digest_name(name, data) takes a name and the content of a ConfigMap or Secret",
            "write what the object is called without its digest: digest_name(release.name, settings)",
        )
    return text


def _texts_of(data: object) -> dict[str, JSONValue]:
    refuse_undefined(data)
    if not isinstance(data, Mapping):
        raise TemplateFailureError(
            f"digest_name(name, data) takes a mapping of texts, not {kind_of(data)}",
            "give it what the object has as data or stringData: digest_name(release.name, {'key': 'text'})",
        )
    current_meter().charge(len(data))
    return {plain_text(key): _text_of(key, value) for key, value in data.items()}


def _text_of(key: object, value: object) -> str:
    refuse_undefined(value)
    if not isinstance(value, str | int | float):
        raise TemplateFailureError(
            f"digest_name(name, data) takes a mapping of texts; {plain_text(key)} is {kind_of(value)}",
            "write structures with `| to_json` or `| to_yaml`, and leave out keys without a value",
        )
    return plain_text(value)


def _is_secret(secret: object) -> bool:
    refuse_undefined(secret)
    if not isinstance(secret, bool):
        raise TemplateFailureError(
            f"digest_name(name, data, secret=…) takes true or false, not {kind_of(secret)}",
            "write digest_name(name, data, secret=true) for what is hidden, and leave it out for a plain ConfigMap",
        )
    return secret


def _salt(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogatepass")).digest()


@lru_cache(maxsize=512)
def _slow_digest(name: str, content: bytes) -> str:
    return hashlib.scrypt(content, salt=_salt(name), n=_SLOW_COST, r=8, p=1, dklen=_DIGEST_CHARS // 2).hex()
