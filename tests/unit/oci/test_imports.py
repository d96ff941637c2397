"""What importing the client costs: every verb with a registry pays it."""

import subprocess
import sys

HEAVY = (
    "requests",
    "urllib3",
    "http",
    "email",
    "yaml",
    "jinja2",
    "rich",
    "click",
    "subprocess",
    "asyncio",
    "cryptography",
)


def test_the_client_imports_nothing_heavy() -> None:
    program = f"import sys, bundler.oci.client; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]"
