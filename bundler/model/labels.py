"""Labels, annotations and names that bundler writes; defined once. Layer: model, pure."""

from __future__ import annotations

PREFIX = "bundler.dev/"

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"
MANAGED_BY_VALUE = "bundler"

RELEASE_UID = "bundler.dev/release-uid"
COMPONENT = "bundler.dev/component"
TRACK = "bundler.dev/track"
"""In workload selectors of bundles: ``stable``; the one key of ours that templates may set."""
BUNDLE_VERSION = "bundler.dev/bundle"
"""Annotation that earlier versions of bundler put on every object; objects carry no version any more."""

PROTECTED = "bundler.dev/protected"
"""Annotation: the object holds data of a protected release, or is its namespace; an admission policy may refuse its
deletion."""

BACKUP = "bundler.dev/backup"
"""Label: a backup of this release, made before a change that lost data; it is never deleted by bundler."""

IMAGES = "bundler.dev/images"
"""Annotation: what the images of an object were called before they were pinned, by container, as JSON."""

HOOK = "bundler.dev/hook"
HOOK_ORDER = "bundler.dev/hook-order"
HOOK_TIMEOUT = "bundler.dev/hook-timeout"
HOOK_DELETE_AFTER = "bundler.dev/hook-delete-after"
HOOK_ANNOTATIONS = frozenset({HOOK, HOOK_ORDER, HOOK_TIMEOUT, HOOK_DELETE_AFTER})
"""What the author of a hook sets."""
HOOK_RUN = "bundler.dev/hook-run"
"""Annotation that the planner sets on the Job of a hook: the run that it is of, like ``upgrade-from-3``."""

RECORD = "bundler.dev/record"
"""On record Secrets: ``head``, ``pack`` or ``sensitive``."""
RELEASE_NAME = "bundler.dev/name"
REVISION = "bundler.dev/revision"
STATUS = "bundler.dev/status"

HEAD_TYPE = "bundler.dev/release.v1"
PACK_TYPE = "bundler.dev/pack.v1"
SENSITIVE_TYPE = "bundler.dev/sensitive.v1"
