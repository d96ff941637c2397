"""The filters, tests and functions of the language. Layer: expressions, pure.

Jinja's own are taken where they are pure and bounded; those that change text are ours, because theirs would grow it
without asking. docs/templates.md lists them for authors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, cast

from jinja2.filters import FILTERS
from jinja2.runtime import Undefined
from jinja2.tests import TESTS
from jinja2.utils import Namespace, missing

import bundler.fields
from bundler.expressions import text_functions
from bundler.expressions.bounds import current_meter
from bundler.expressions.content_names import digest_name
from bundler.expressions.markers import finish_text
from bundler.expressions.sizes import WALKED, charge_all
from bundler.expressions.text import TemplateFailureError, data_of, kind_of, quote, text_of, to_json, to_yaml

_JINJA_FILTERS = (
    "abs batch capitalize count dictsort first groupby items last length list lower map max min reject "
    "rejectattr reverse select selectattr slice sort title truncate unique upper urlencode wordcount"
)
_JINJA_TESTS = (
    "odd even divisibleby none boolean false true integer float lower upper string mapping number sequence "
    "iterable in == eq equalto != ne > gt greaterthan ge >= < lt lessthan <= le"
)
_ACCEPTING_UNDEFINED = frozenset({"d", "default", "required"})
_TEXT_FILTERS = frozenset({"capitalize", "lower", "title", "trim", "truncate", "upper", "urlencode", "wordcount"})
_SLOW_TEXT_FILTERS = frozenset({"title", "urlencode", "wordcount", "wordwrap", "kebab"})
"""Filters that look at a text letter by letter, in Python."""
_ITERATING = frozenset({
    "batch", "dictsort", "groupby", "join", "list", "map", "max", "min", "reject", "rejectattr", "select", "selectattr",
    "slice", "sort", "sum", "unique",
})  # fmt: skip
"""Filters to which a text is a list of letters."""
_COMPARING = frozenset({
    "dictsort", "groupby", "max", "min", "sort", "unique", "urlencode", "in", "==", "eq", "equalto", "!=", "ne", ">",
    "gt", "greaterthan", ">=", "ge", "<", "lt", "lessthan", "<=", "le",
})  # fmt: skip
"""Filters and tests that look into what they are given, as deep as it goes."""
_COUNTING = frozenset({"batch", "slice"})
"""Filters that make as many items as a number says."""
_CHARS_PER_STEP = 256
_CHARS_PER_SLOW_STEP = 8
_MAX_NUMBER_CHARS = 1_000
_MAX_DIGITS = 50


class FilterUseError(Exception):
    """A filter or test was given something it cannot work with."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name
        self.problem = problem


def make_filters() -> dict[str, Callable[..., Any]]:
    """Return all filters by name, metered and strict about undefined values."""
    ours: dict[str, Callable[..., Any]] = {
        "b64decode": text_functions.b64decode,
        "b64encode": text_functions.b64encode,
        "ceil": ceil,
        "center": text_functions.center,
        "clamp": clamp,
        "d": default,
        "default": default,
        "float": to_float,
        "floor": floor,
        "format": text_functions.format_text,
        "gibibytes": gibibytes,
        "indent": text_functions.indent,
        "int": to_int,
        "join": text_functions.join,
        "kebab": text_functions.kebab,
        "mebibytes": mebibytes,
        "millicores": millicores,
        "quantity": quantity,
        "quote": quote,
        "regex_replace": text_functions.regex_replace,
        "replace": text_functions.replace,
        "required": required,
        "round": round_number,
        "sha256": text_functions.sha256,
        "sum": add_up,
        "trim": text_functions.trim,
        "wordwrap": text_functions.wrap_words,
        "string": text_of,
        "to_json": to_json,
        "to_yaml": to_yaml,
        "tojson": to_json,
        "trunc": text_functions.trunc,
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
    return {
        "dict": counted_dict,
        "digest_name": digest_name,
        "fail": fail,
        "namespace": Namespace,
        "range": counted_range,
    }


def counted_range(*bounds: int) -> range:
    """Do ``range``, its length counted as steps."""
    numbers = range(*bounds)
    current_meter().charge(len(numbers))
    return numbers


def counted_dict(*given: Any, **named: Any) -> dict[Any, Any]:
    """Do ``dict``, what it is made of counted as steps."""
    parts = [part if isinstance(part, WALKED) else list(part) for part in given]
    current_meter().charge(sum(map(len, parts)) + len(named))
    return dict(*parts, **named)


def fail(message: object = "failed") -> str:
    """Stop with the author's own message."""
    raise TemplateFailureError(text_of(message))


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    is_strict = name not in _ACCEPTING_UNDEFINED
    at = int(hasattr(function, "jinja_pass_arg"))  # such a function is given Jinja's environment or context first

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        meter = current_meter()
        given = [_prepared(value, is_strict=is_strict) for value in args]
        if name in _TEXT_FILTERS:
            # Jinja would spell lists and objects as Python does, with memory addresses
            given[at] = data_of(given[at]) if name == "urlencode" else text_functions.plain_text(given[at])
        named = {key: _prepared(value, is_strict=is_strict) for key, value in named.items()}
        if name in _COUNTING:
            meter.charge(sum(abs(value) for value in (*given, *named.values()) if isinstance(value, int)))
        _charge(name, [*given, *named.values()])
        try:
            result = function(*given, **named)
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            raise FilterUseError(name, str(error)) from error
        if isinstance(result, str):
            meter.charge_text(len(result))
        return result

    return call


def _charge(name: str, given: Sequence[Any]) -> None:
    """Charge what a filter or test is given, by what it does with it."""
    meter = current_meter()
    for value in given:
        if isinstance(value, WALKED) or (isinstance(value, str) and name in _ITERATING):
            meter.charge(len(value))
        elif isinstance(value, str) and name in _SLOW_TEXT_FILTERS:
            meter.charge(len(value) // _CHARS_PER_SLOW_STEP)
    if name in _COMPARING:
        charge_all(*given)


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
    """Return ``replacement`` where ``value`` is not set; with ``boolean``, also where it is empty or false.

    Args:
        value: to keep where it is set.
        replacement: what to put in its place.
        boolean: also text_functions.replace what is empty or false.
    """
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
    """Keep ``value`` between ``low`` and ``high``.

    Args:
        value: a number.
        low: smallest result.
        high: largest result.
    """
    number, least, most = _number(value), _number(low), _number(high)
    if least > most:
        raise ValueError(f"its lower bound {least} is above its upper bound {most}")
    return min(max(number, least), most)


def to_int(value: object, replacement: object = missing) -> object:
    """Read an integer; a fraction is cut. What is not a number is an error, or ``replacement`` where one is given."""
    try:
        if isinstance(value, str):
            current_meter().check_int_bits(len(value) * 3)
            return int(_number_text(value))
        return int(value) if isinstance(value, bool) else int(_number(value))
    except (TypeError, ValueError) as error:
        if replacement is not missing:
            return replacement
        # Python's own message quotes the value, which may be a secret
        raise ValueError(f"{kind_of(value)} that is not a number was given, and no default") from error


def _number_text(text: str) -> str:
    stripped = text.strip()
    if len(stripped) > _MAX_NUMBER_CHARS:
        raise ValueError(f"a number has at most {_MAX_NUMBER_CHARS} characters")
    return stripped


def add_up(values: Any, attribute: str | None = None, start: Any = 0) -> Any:
    """Add up numbers; with ``start=[]``, put lists together.

    Args:
        values: numbers, or lists with ``start=[]``.
        attribute: of each item to use instead of the item.
        start: what to add to.
    """
    total = list(start) if isinstance(start, list | tuple) else start
    for value in values:
        item = value[attribute] if attribute is not None else value
        if isinstance(total, list) and isinstance(item, list | tuple):
            current_meter().charge(len(item))
            total.extend(item)
        else:
            total = _number(total) + _number(item)
            current_meter().check_int_bits(total.bit_length() if isinstance(total, int) else 0)
    return total


def to_float(value: object, replacement: object = missing) -> object:
    """Read a number with a fraction; as ``int`` where it is none."""
    try:
        return float(_number_text(value)) if isinstance(value, str) else float(_number(value))
    except (TypeError, ValueError) as error:
        if replacement is not missing:
            return replacement
        raise ValueError(f"{kind_of(value)} that is not a number was given, and no default") from error


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


def quantity(value: object) -> int | float:
    """Read a Kubernetes quantity: ``2Gi`` is 2147483648 (bytes), ``500m`` is 0.5."""
    if not isinstance(value, str):
        return _number(value)
    amount = bundler.fields.quantity.Quantity.parse(text_functions.plain_text(value)).amount
    return int(amount) if amount == amount.to_integral_value() else float(amount)
