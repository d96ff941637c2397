"""Saved plans: made, written to a file, read again, and found to hold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth.frame import growth
from bundler import ReleaseRequest, Session, SessionOptions, Values
from bundler.wire.plan_file import decode_plan, encode_plan
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from benchmarks.growth.frame import Work

_LINES = "\n".join(f"    line-{number}: {'word ' * 11}{number}" for number in range(35))
_CONFIGS = f"""
{{% for n in range(values.count) %}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: "config-{{{{ n }}}}"}}
data:
  text: "{{{{ values.text }}}} {{{{ n }}}}"
  app.yaml: |
{_LINES}
{{% endfor %}}
"""
_MAX_BYTES_OF_3000 = 2 << 20


@growth("plan: an upgrade of all objects, written and read", small=750, large=3000)
def written_and_read(size: int) -> Work:
    session, ask = _installed(size)
    plan = session.save_plan(ask("two"))

    def work() -> None:
        content = encode_plan(plan)
        assert decode_plan(content, name="a.plan") == plan
        assert len(content) <= _MAX_BYTES_OF_3000

    return work


@growth("plan: one without changes, applied", small=750, large=3000)
def applied_unchanged(size: int) -> Work:
    session, ask = _installed(size)
    plan = session.save_plan(ask("one"))
    return lambda: session.apply_plan(plan)


def _installed(size: int):
    """Return a session with 2.7 KiB of manifest for each object installed, and what asks for a text in all of them."""
    folder = Path(tempfile.mkdtemp(prefix="bundler-growth-"))
    files = {"templates/all.yaml": _CONFIGS, "values.yaml": f"count: {size}\ntext: one\n"}
    menu = str(make_bundle(folder, files))
    session = Session.sandbox(options=SessionOptions(timeout_s=3600.0))

    def ask(text: str) -> ReleaseRequest:
        return ReleaseRequest(bundle=menu, release="big", values=Values(data={"text": text}))

    session.apply(ask("one"))
    return session, ask
