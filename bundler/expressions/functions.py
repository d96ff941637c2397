"""The filters, tests and functions of the language. Layer: expressions, pure.

Jinja's own are taken where they are pure and bounded; those that change text are ours, because theirs would grow it
without asking. docs/templates.md lists them for authors.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from jinja2.filters import FILTERS
from jinja2.runtime import Undefined
from jinja2.tests import TESTS
from jinja2.utils import Namespace, missing

from bundler.expressions.bounds import LimitReachedError, current_meter
from bundler.expressions.markers import YamlText, finish_text
from bundler.expressions.text import TemplateFailureError, data_of, quote, text_of, to_json, to_yaml
from bundler.model.pattern import LazyPattern

_JINJA_FILTERS = (
    "abs batch capitalize count dictsort first groupby items last length list lower map max min reject "
    "rejectattr reverse select selectattr slice sort sum title trim truncate unique upper urlencode wordcount "
    "wordwrap"
)
_JINJA_TESTS = (
    "odd even divisibleby none boolean false true integer float lower upper string mapping number sequence "
    "iterable in == eq equalto != ne > gt greaterthan ge >= < lt lessthan <= le"
)
_ACCEPTING_UNDEFINED = frozenset({"d", "default", "required"})
_TEXT_FILTERS = frozenset({"capitalize", "lower", "title", "trim", "truncate", "upper", "urlencode", "wordcount"})
_WALKED = (dict, list, tuple, range)
_COUNTING = frozenset({"batch", "slice"})
"""Filters that make as many items as a number says."""
_CHARS_PER_STEP = 256
_MAX_WIDTH = 1_000
_MAX_DIGITS = 50
_WIDE_FORMAT = LazyPattern(r"%[^a-zA-Z%]*(?:[0-9]{4}|\*)")


class FilterUseError(Exception):
    """A filter or test was given something it cannot work with."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name
        self.problem = problem


def make_filters() -> dict[str, Callable[..., Any]]:
    """Return all filters by name, metered and strict about undefined values."""
    ours: dict[str, Callable[..., Any]] = {
        "b64decode": b64decode,
        "b64encode": b64encode,
        "ceil": ceil,
        "center": center,
        "clamp": clamp,
        "d": default,
        "default": default,
        "float": to_float,
        "floor": floor,
        "format": format_text,
        "gibibytes": gibibytes,
        "indent": indent,
        "int": to_int,
        "join": join,
        "kebab": kebab,
        "mebibytes": mebibytes,
        "millicores": millicores,
        "quote": quote,
        "regex_replace": regex_replace,
        "replace": replace,
        "required": required,
        "round": round_number,
        "sha256": sha256,
        "string": text_of,
        "to_json": to_json,
        "to_yaml": to_yaml,
        "tojson": to_json,
        "trunc": trunc,
    }
    theirs: dict[str, Callable[..., Any]] = {name: FILTERS[name] for name in _JINJA_FILTERS.split()}
    return {name: _guarded(name, function) for name, function in {**theirs, **ours}.items()}


def make_tests() -> dict[str, Callable[..., Any]]:
    """Return all tests by name; only ``defined`` and ``undefined`` accept an undefined value."""
    theirs = cast("Mapping[str, Callable[..., Any]]", TESTS)
    tests = {name: _guarded(name, theirs[name]) for name in _JINJA_TESTS.split()}
    return {**tests, "defined": theirs["defined"], "undefined": theirs["undefined"]}


def make_globals() -> dict[str, Callable[..., Any]]:
    """Return the functions that every template and expression can call."""
    return {"range": counted_range, "dict": dict, "namespace": Namespace, "fail": fail}


def counted_range(*bounds: int) -> range:
    """Do ``range``, its length counted as steps."""
    numbers = range(*bounds)
    current_meter().charge(len(numbers))
    return numbers


def fail(message: object = "failed") -> str:
    """Stop with the author's own message."""
    raise TemplateFailureError(text_of(message))


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    is_strict = name not in _ACCEPTING_UNDEFINED

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        meter = current_meter()
        given = [_prepared(value, is_strict=is_strict) for value in args]
        if name in _TEXT_FILTERS:
            # Jinja would spell lists and objects as Python does, with memory addresses
            given[0] = data_of(given[0]) if name == "urlencode" else _text(given[0])
        named = {key: _prepared(value, is_strict=is_strict) for key, value in named.items()}
        if name in _COUNTING:
            meter.charge(sum(abs(value) for value in (*given, *named.values()) if isinstance(value, int)))
        for value in given:
            if isinstance(value, _WALKED):
                meter.charge(len(value))
        try:
            result = function(*given, **named)
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            raise FilterUseError(name, str(error)) from error
        if isinstance(result, str):
            meter.charge_text(len(result))
        return result

    return call


def _prepared(value: Any, *, is_strict: bool) -> Any:
    if type(value) is str:
        if len(value) > _CHARS_PER_STEP:
            current_meter().charge(len(value) // _CHARS_PER_STEP)
        return finish_text(value) if "\0" in value else value
    if is_strict and isinstance(value, Undefined):
        bool(value)
    if isinstance(value, int) and abs(value) > 1 << 63:
        current_meter().check_int_bits(value.bit_length())
    return value


# --- absent values -----------------------------------------------------------------------------------------------


def default(value: object, replacement: object = "", boolean: bool = False) -> object:  # noqa: FBT001, FBT002 - Jinja's
    """Return ``replacement`` where ``value`` is not set; with ``boolean``, also where it is empty or false."""
    if isinstance(value, Undefined) or (boolean and not value):
        return replacement
    return value


def required(value: object, message: object = "a required value is missing") -> object:
    """Return ``value``; stop with ``message`` where it is not set, null or an empty text."""
    if isinstance(value, Undefined) or value is None or (isinstance(value, str) and not value):
        path = value.describe({}) if isinstance(value, Undefined) and hasattr(type(value), "describe") else ""
        raise TemplateFailureError(text_of(message) + (f" ({path})" if path else ""))
    return value


# --- numbers -----------------------------------------------------------------------------------------------------


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"it needs a number, not {kind_of(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it needs a finite number")
    return value


def kind_of(value: object) -> str:
    """Return what an author calls this kind of value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def ceil(value: object) -> int:
    """Round up to an integer."""
    return math.ceil(_number(value))


def floor(value: object) -> int:
    """Round down to an integer."""
    return math.floor(_number(value))


def round_number(value: object, precision: int = 0) -> int | float:
    """Round half to even; an integer where ``precision`` is 0."""
    if not 0 <= precision <= _MAX_DIGITS:
        raise ValueError(f"precision {precision} is out of range 0 to {_MAX_DIGITS}")
    number = _number(value)
    return round(number, precision) if precision else round(number)


def clamp(value: object, low: object, high: object) -> int | float:
    """Keep ``value`` between ``low`` and ``high``."""
    number, least, most = _number(value), _number(low), _number(high)
    if least > most:
        raise ValueError(f"its lower bound {least} is above its upper bound {most}")
    return min(max(number, least), most)


def to_int(value: object, replacement: object = missing) -> object:
    """Read an integer; a fraction is cut. What is no number is an error, or ``replacement`` where one is given."""
    try:
        if isinstance(value, str):
            current_meter().check_int_bits(len(value) * 3)
            return int(value.strip())
        return int(value) if isinstance(value, bool) else int(_number(value))
    except (TypeError, ValueError) as error:
        if replacement is not missing:
            return replacement
        # Python's own message quotes the value, which may be a secret
        raise ValueError(f"{kind_of(value)} that is no number was given, and no default") from error


def to_float(value: object, replacement: object = missing) -> object:
    """Read a number with a fraction; as ``int`` where it is none."""
    try:
        return float(value.strip()) if isinstance(value, str) else float(_number(value))
    except (TypeError, ValueError) as error:
        if replacement is not missing:
            return replacement
        raise ValueError(f"{kind_of(value)} that is no number was given, and no default") from error


def millicores(value: object) -> str:
    """Write a CPU quantity given in thousandths of a core: 1500 is ``1500m``, 2000 is ``2``."""
    count = ceil(value)
    return f"{count}m" if count % 1000 else str(count // 1000)


def mebibytes(value: object) -> str:
    """Write a memory quantity given in MiB: 512 is ``512Mi``, 2048 is ``2Gi``."""
    count = ceil(value)
    return f"{count}Mi" if count % 1024 or not count else f"{count // 1024}Gi"


def gibibytes(value: object) -> str:
    """Write a memory quantity given in GiB: 2 is ``2Gi``, 0.5 is ``512Mi``."""
    return mebibytes(_number(value) * 1024)


# --- texts -------------------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    if isinstance(value, YamlText):
        return str.__str__(value)
    return finish_text(text_of(value))


def _width(width: int) -> int:
    if not 0 <= width <= _MAX_WIDTH:
        raise ValueError(f"a width of {width} is out of range 0 to {_MAX_WIDTH}")
    return width


def b64encode(value: object) -> str:
    """Encode a text's UTF-8 bytes in base64."""
    return base64.b64encode(_text(value).encode()).decode()


def b64decode(value: object) -> str:
    """Decode base64 to the text it holds."""
    try:
        return base64.b64decode(_text(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("it needs base64 of a UTF-8 text") from error


def sha256(value: object) -> str:
    """Return the sha256 of a text's UTF-8 bytes as 64 hex digits."""
    return hashlib.sha256(_text(value).encode()).hexdigest()


def center(value: object, width: int = 80) -> str:
    """Put a text in the middle of ``width`` characters."""
    return _text(value).center(_width(width))


def indent(value: object, width: int = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002 - Jinja's
    """Indent every line but the first (``first``) and the empty ones (``blank``) by ``width`` spaces."""
    margin = " " * _width(width)
    lines = _text(value).split("\n")
    current_meter().charge_text(sum(map(len, lines)) + len(lines) * len(margin))
    head = margin + lines[0] if first else lines[0]
    return "\n".join([head, *(margin + line if line or blank else line for line in lines[1:])])


def join(values: Any, separator: object = "", attribute: str | None = None) -> str:
    """Join the items of a list, as they would be printed."""
    glue = _text(separator)
    items = [item[attribute] if attribute else item for item in values]
    pieces = [_text(item) for item in items]
    current_meter().charge_text(sum(map(len, pieces)) + len(glue) * len(pieces))
    return glue.join(pieces)


def replace(value: object, old: object, new: object, count: int = -1) -> str:
    """Replace ``old`` by ``new``, all of them or the first ``count``."""
    text, before, after = _text(value), _text(old), _text(new)
    found = text.count(before) if count < 0 else min(text.count(before), count)
    current_meter().charge_text(len(text) + found * max(0, len(after) - len(before)))
    return text.replace(before, after, count)


def format_text(value: object, *args: object, **named: object) -> str:
    """Fill the ``%s`` and ``%d`` of a text."""
    return fill_format(_text(value), named or args)


def fill_format(text: str, values: object) -> str:
    """Do the ``%`` of a text, widths bounded."""
    if _WIDE_FORMAT.search(text):
        raise LimitReachedError("its format asks for a width of 1000 or more", "use smaller widths")
    items = (
        values if isinstance(values, tuple) else tuple(values.values()) if isinstance(values, Mapping) else (values,)
    )
    for item in items:
        if isinstance(item, Undefined):
            bool(item)
        if item is not None and not isinstance(item, str | int | float):
            raise TemplateFailureError("a format takes texts and numbers", "print structures with `| to_json`")
    current_meter().charge_text(len(text) + sum(len(item) for item in items if isinstance(item, str)))
    return text % values


def trunc(value: object, length: int) -> str:
    """Cut a name to ``length`` characters; dashes and dots left at its end go too."""
    return _text(value)[: _width(length)].rstrip("-._")


def kebab(value: object) -> str:
    """Write a text as a Kubernetes name: ``My Shop_v2`` is ``my-shop-v2``, ``myShop`` is ``my-shop``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", _text(value))
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")


_REGEX_PARTS = LazyPattern(r"(?s)\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(\?|[*+?{|]|.")
_MAX_REGEX_COST = 20_000_000


def regex_replace(value: object, pattern: str, replacement: str) -> str:
    r"""Replace what matches ``pattern``; ``\1`` stands for a group.

    Groups cannot be repeated and look-around is refused; what is left takes at most length ** (repetitions + 1) steps,
    and that is bounded.
    """
    text = _text(value)
    tokens = _REGEX_PARTS.findall(pattern)
    if "(?" in tokens or re.search(r"\\[1-9]", pattern):
        raise ValueError("look-around, flags and back references are not available")
    if re.search(r"\)[*+?{]", pattern):
        raise ValueError("a group cannot be repeated")
    repetitions = sum(token in {"*", "+", "?", "{", "|"} for token in tokens)
    if max(len(text), 2) ** min(repetitions + 1, 64) > _MAX_REGEX_COST:
        raise LimitReachedError(
            f"it matches a pattern with {repetitions} repetitions and alternatives on {len(text)} characters",
            "use a simpler pattern, or `replace`",
        )
    current_meter().charge_text((len(text) + 1) * (len(replacement) + 1))
    try:
        return re.sub(pattern, replacement, text)
    except re.error as error:
        raise ValueError(f"the pattern cannot be read: {error}") from error


_STR_METHODS = (
    "capitalize count endswith find isalnum isalpha isdigit islower isnumeric isupper lower lstrip partition "
    "removeprefix removesuffix rpartition rsplit rstrip split splitlines startswith strip title upper"
)
TEXT_METHODS: dict[str, Callable[..., Any]] = {
    **{name: getattr(str, name) for name in _STR_METHODS.split()},
    "replace": replace,
    "join": lambda separator, values: join(values, separator),
}
"""What may be called on a text."""
