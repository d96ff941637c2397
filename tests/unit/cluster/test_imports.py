"""What importing the client costs."""

import subprocess
import sys

HEAVY = (
    "kubernetes",
    "urllib3",
    "requests",
    "http",
    "email",
    "yaml",
    "jinja2",
    "rich",
    "subprocess",
    "concurrent",
    "asyncio",
)


def test_the_client_imports_nothing_heavy() -> None:
    program = f"import sys, bundler.cluster.client; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]"
