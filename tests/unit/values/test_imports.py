"""What computing values imports: the schema library costs more than everything else together."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
from tests.unit.values.builders import bundle, compute, layer
schema = {"type": "object", "properties": {"qps": {"type": "integer", "minimum": 1}}, "required": ["qps"]}
try:
    compute(bundle("qps: 1", schema=schema), layer(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, end=" ")
print("jsonschema" in sys.modules)
"""


@pytest.mark.parametrize(("text", "printed"), [("qps: 5", "False"), ("qps: 0", "ValuesInvalidError True")])
def test_the_schema_library_is_imported_only_to_say_what_is_wrong(text: str, printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == printed
