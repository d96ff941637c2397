"""The rules that lint knows beside the errors of bundler itself. Layer: actions, pure.

``docs/lint.md`` describes each; a test holds the two to each other.
"""

from __future__ import annotations

from typing import Final

OBJECT_RULES: Final = frozenset({
    "gone-version", "job-reference", "older-yaml", "refused", "service-target", "service-track", "unknown-field",
    "unknown-kind", "wrong-type",
})  # fmt: skip
"""About rendered objects."""
POD_RULES: Final = frozenset({
    "fetches", "image-tag", "no-readiness", "no-requests", "pod-security", "pull-always",
})  # fmt: skip
"""About pods; what many of them have in common is one finding."""
BUNDLE_RULES: Final = frozenset({
    "bad-silence", "moved-value", "no-description", "no-schema", "nothing-to-install", "schema-keyword",
    "shell-comment", "slow-pattern", "unread-value", "unused-silence",
})  # fmt: skip
"""About the files of a bundle."""
RULES: Final = OBJECT_RULES | POD_RULES | BUNDLE_RULES
