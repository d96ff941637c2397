"""The functions of the language that make texts of texts. Layer: expressions, pure.

Each charges what it makes before it is made.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from bundler.expressions.bounds import LimitReachedError, current_meter
from bundler.expressions.markers import YamlText, finish_text
from bundler.expressions.sizes import WALKED, charge_all
from bundler.expressions.text import TemplateFailureError, text_of
from bundler.expressions.undefined import refuse_undefined
from bundler.model.pattern import LazyPattern

_FORMATTED_CHARS = 24
_MAX_STRIPPED = 100
_MAX_WIDTH = 1_000
_WIDTHS = LazyPattern(r"%[^a-zA-Z%]*?([0-9]+)")
_WIDE_FORMAT = LazyPattern(r"%[^a-zA-Z%]*(?:[0-9]{4}|\*)")


def plain_text(value: object) -> str:
    """Return a value as it would be printed, without the marks that printed text carries."""
    if isinstance(value, YamlText):
        return str.__str__(value)
    return finish_text(text_of(value))


def bounded_width(width: int) -> int:
    """Return a width that is not a bomb.

    Raises:
        ValueError: when it is one.
    """
    if not 0 <= width <= _MAX_WIDTH:
        raise ValueError(f"a width of {width} is out of range 0 to {_MAX_WIDTH}")
    return width


def b64encode(value: object) -> str:
    """Encode a text's UTF-8 bytes in base64."""
    return base64.b64encode(plain_text(value).encode()).decode()


def b64decode(value: object) -> str:
    """Decode base64 to the text it holds."""
    try:
        return base64.b64decode(plain_text(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("it needs base64 of a UTF-8 text") from error


def sha256(value: object) -> str:
    """Return the sha256 of a text's UTF-8 bytes as 64 hex digits."""
    return hashlib.sha256(plain_text(value).encode()).hexdigest()


def center(value: object, width: int = 80) -> str:
    """Put a text in the middle of ``width`` characters."""
    return plain_text(value).center(bounded_width(width))


def indent(value: object, width: int = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002 - Jinja's
    """Indent every line but the first (``first``) and the empty ones (``blank``) by ``width`` spaces.

    Args:
        value: the text.
        width: number of characters.
        first: indent the first line, too.
        blank: indent empty lines, too.
    """
    margin = " " * bounded_width(width)
    text = plain_text(value)
    current_meter().charge(text.count("\n"))
    lines = text.split("\n")
    current_meter().charge_text(sum(map(len, lines)) + len(lines) * len(margin))
    head = margin + lines[0] if first else lines[0]
    return "\n".join([head, *(margin + line if line or blank else line for line in lines[1:])])


def refuse_many_chars(chars: object) -> None:
    """Refuse to strip more characters than anyone means: each of a text is looked for among them.

    Raises:
        ValueError: when it is so.
    """
    if isinstance(chars, str) and len(chars) > _MAX_STRIPPED:
        raise ValueError(f"it strips at most {_MAX_STRIPPED} different characters")


def trim(value: object, chars: str | None = None) -> str:
    """Cut spaces, or the characters named, off both ends of a text."""
    refuse_many_chars(chars)
    return plain_text(value).strip(chars)


def wrap_words(
    value: object,
    width: int = 79,
    break_long_words: bool = True,  # noqa: FBT001, FBT002 - Jinja's
    wrapstring: str = "\n",
    break_on_hyphens: bool = True,  # noqa: FBT001, FBT002 - Jinja's
) -> str:
    """Break a text into lines of at most ``width`` characters.

    Args:
        value: the text.
        width: number of characters.
        break_long_words: break words that are longer than a line.
        wrapstring: put between lines.
        break_on_hyphens: break words at their hyphens.
    """
    import textwrap  # noqa: PLC0415 - few templates wrap

    text = plain_text(value)
    if width < 1:
        raise ValueError(f"a width of {width} is out of range")
    current_meter().charge_text(len(text) + (len(text) // width + text.count("\n") + 1) * len(wrapstring) * 2)
    paragraphs = [
        textwrap.wrap(
            line,
            width=width,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=break_long_words,
            break_on_hyphens=break_on_hyphens,
        )
        for line in text.splitlines()
    ]
    return wrapstring.join(wrapstring.join(lines) for lines in paragraphs)


def join(values: Any, separator: object = "", attribute: str | None = None) -> str:
    """Join the items of a list, as they would be printed.

    Args:
        values: the items.
        separator: put between items.
        attribute: of each item to use instead of the item.
    """
    glue = plain_text(separator)
    if isinstance(values, (*WALKED, str)):
        current_meter().charge(len(values))
    items = [item[attribute] if attribute else item for item in values]
    charge_all(*items)
    pieces = [plain_text(item) for item in items]
    current_meter().charge_text(sum(map(len, pieces)) + len(glue) * len(pieces))
    return glue.join(pieces)


def replace(value: object, old: object, new: object, count: int = -1) -> str:
    """Replace ``old`` by ``new``, all of them or the first ``count``.

    Args:
        value: the text.
        old: to find.
        new: to put in its place.
        count: how many to replace; -1 for all.
    """
    text, before, after = plain_text(value), plain_text(old), plain_text(new)
    found = text.count(before) if count < 0 else min(text.count(before), count)
    current_meter().charge_text(len(text) + found * max(0, len(after) - len(before)))
    return text.replace(before, after, count)


def format_text(value: object, *args: object, **named: object) -> str:
    """Fill the ``%s`` and ``%d`` of a text.

    Args:
        value: the text with its placeholders.
        *args: positional.
        **named: by name.
    """
    return fill_format(plain_text(value), named or args)


def fill_format(text: str, values: object) -> str:
    """Do the ``%`` of a text, widths bounded."""
    if _WIDE_FORMAT.search(text):
        raise LimitReachedError("its format asks for a width of 1000 or more", "use smaller widths")
    items = (
        values if isinstance(values, tuple) else tuple(values.values()) if isinstance(values, Mapping) else (values,)
    )
    refuse_undefined(*items)
    for item in items:
        if item is not None and not isinstance(item, str | int | float):
            raise TemplateFailureError("a format takes texts and numbers", "print structures with `| to_json`")
    longest = max((len(item) for item in items if isinstance(item, str)), default=0)
    widest = max(map(int, _WIDTHS.findall(text)), default=0)
    current_meter().charge_text(len(text) + text.count("%") * max(longest, widest, _FORMATTED_CHARS))
    return text % values


def trunc(value: object, length: int) -> str:
    """Cut a name to ``length`` characters; dashes and dots left at its end go too."""
    return plain_text(value)[: bounded_width(length)].rstrip("-._")


def kebab(value: object) -> str:
    """Write a text as a Kubernetes name: ``My Shop_v2`` is ``my-shop-v2``, ``myShop`` is ``my-shop``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain_text(value))
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")


_REGEX_PARTS = LazyPattern(r"(?s)\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(\?|[*+?{|]|.")
_MAX_REGEX_COST = 20_000_000
_REGEX_COST_PER_STEP = 100
_MAX_PATTERN_CHARS = 1_000


def regex_replace(value: object, pattern: str, replacement: str) -> str:
    r"""Replace what matches ``pattern``; ``\1`` stands for a group.

    Groups cannot be repeated and look-around is refused; what is left takes at most length ** (repetitions + 1) steps,
    and that is bounded.

    Args:
        value: the text.
        pattern: regular expression without back references.
        replacement: what to put in its place.
    """
    text = plain_text(value)
    tokens = _REGEX_PARTS.findall(pattern)
    if "(?" in tokens or re.search(r"\\[1-9]", pattern):
        raise ValueError("look-around, flags and back references are not available")
    if re.search(r"\)[*+?{]", pattern):
        raise ValueError("a group cannot be repeated")
    if len(pattern) > _MAX_PATTERN_CHARS:
        raise ValueError(f"a pattern has at most {_MAX_PATTERN_CHARS} characters")
    repetitions = sum(token in {"*", "+", "?", "{", "|"} for token in tokens)
    cost = max(len(text), 2) ** min(repetitions + 1, 64)
    if cost > _MAX_REGEX_COST:
        raise LimitReachedError(
            f"it matches a pattern with {repetitions} repetitions and alternatives on {len(text)} characters",
            "use a simpler pattern, or `replace`",
        )
    current_meter().charge(cost // _REGEX_COST_PER_STEP)
    current_meter().charge_text((len(text) + 1) * (len(replacement) + 1))
    try:
        return re.sub(pattern, replacement, text)
    except re.error as error:
        raise ValueError(f"the pattern cannot be read: {error}") from error
