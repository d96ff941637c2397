"""What must hold for every plan: its document fits the schema, and reads back to the same plan."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator

from bundler.loader.shipped import shipped_dir
from bundler.wire.plan import parse_plan, plan_document

if TYPE_CHECKING:
    from bundler.model.change import Plan


@cache
def plan_schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((shipped_dir("schemas") / "plan.v1.schema.json").read_text("utf-8")))


def checked_document(plan: Plan) -> str:
    """Return the document of a plan as text, after it was checked against the schema and read back."""
    text = json.dumps(plan_document(plan))
    plan_schema().validate(json.loads(text))
    assert parse_plan(json.loads(text)) == plan
    return text
