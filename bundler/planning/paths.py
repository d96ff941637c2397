"""Field paths as the API server writes them: ``.spec.containers[name="web"].image``. Layer: planning, pure."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.model.digits import parse_digits

if TYPE_CHECKING:
    from bundler.model.json import JSONValue

_STEP = re.compile(r'\.([^.\[\]]+)|\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\]')
_KEY = re.compile(r'([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


def value_at_path(body: JSONValue, path: str) -> JSONValue:
    """Return what stands at a server's field path; None where nothing does.

    Map keys that hold dots are found too: the longest key that fits wins.
    """
    here = body
    steps = [(match.group(1), match.group(2)) for match in _STEP.finditer(path)]
    while steps:
        name, selector = steps.pop(0)
        if name:
            here, steps = _field(here, name, steps)
        else:
            here = _item(here, selector)
    return here


def _field(here: JSONValue, name: str, steps: list[tuple[str, str]]) -> tuple[JSONValue, list[tuple[str, str]]]:
    if not isinstance(here, Mapping):
        return None, []
    names = [name, *itertools.takewhile(bool, (following for following, _ in steps))]
    for length in range(len(names), 0, -1):
        key = ".".join(names[:length])
        if key in here:
            return here[key], steps[length - 1 :]
    return None, []


def _item(here: JSONValue, selector: str) -> JSONValue:
    if not isinstance(here, Sequence) or isinstance(here, str):
        return None
    if (index := parse_digits(selector)) is not None:
        return here[index] if index < len(here) else None
    if selector.startswith("="):
        return next((item for item in here if item == _scalar(selector[1:])), None)
    keys = {name: _scalar(text) for name, text in _KEY.findall(selector)}
    return next((i for i in here if isinstance(i, Mapping) and all(i.get(k) == v for k, v in keys.items())), None)


def _scalar(text: str) -> JSONValue:
    try:
        value: JSONValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
