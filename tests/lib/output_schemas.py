"""What verbs print with -o json is checked against the schemas that are shipped."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "output"


def check_output(argv: Sequence[str], document: Any, *, may_be_error: bool = False) -> None:
    """Insist that a document is what the verb of a command line is said to print, or an error where it failed."""
    name = "error" if may_be_error and "code" in document else _name_of(argv)
    if problem := best_match(_validator(name).iter_errors(document)):
        raise AssertionError(f"what `bundler {' '.join(argv)}` printed breaks {name}.schema.json: {problem}")


def _name_of(argv: Sequence[str]) -> str:
    longer = "-".join(argv[:2])
    return longer if (FOLDER / f"{longer}.schema.json").is_file() else argv[0]


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)
