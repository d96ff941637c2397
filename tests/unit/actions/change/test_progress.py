"""How far a run has come, in words."""

from __future__ import annotations

from bundler.actions.change.write_object import Progress
from bundler.model.change import Action, Change
from bundler.model.refs import ObjectRef


def test_what_is_written_and_deleted_again_in_one_run_is_named_once() -> None:
    ref = ObjectRef("batch", "Job", "prod", "migrate")
    written = Change(ref=ref, action=Action.CREATE)
    progress = Progress(written=[written, Change(ref=ref, action=Action.DELETE)])
    assert progress.summary([written]) == ("written: Job/migrate",)
