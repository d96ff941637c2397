"""Stands in for `cryptography` where nothing compiled fits: says what would."""

import platform
import sys
from importlib.machinery import EXTENSION_SUFFIXES

OFFERED = "@OFFERED@"
raise ImportError(
    f"bundler.pyz carries it for {OFFERED}; this is {platform.python_implementation()} "
    f"{platform.python_version()} on {sys.platform} {platform.machine()} ({EXTENSION_SUFFIXES[0].strip('.')})"
)
