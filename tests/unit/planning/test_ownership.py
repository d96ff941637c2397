"""Whose an object is that no longer says so itself."""

from bundler.model.labels import RELEASE_UID
from bundler.planning.ownership import lost_its_label
from tests.lib.manifests import UID


def body(*managers: str, **labels: str) -> dict[str, object]:
    entries = [{"manager": name, "operation": "Update"} for name in managers]
    return {"metadata": {"name": "a", "labels": labels, "managedFields": entries}}


def test_an_object_that_we_wrote_and_that_carries_no_release_lost_its_label() -> None:
    assert lost_its_label(body("kubectl", "bundler", app="web"))


def test_what_others_made_under_the_name_of_an_object_of_ours_did_not() -> None:
    assert not lost_its_label(body("kubectl-create", app="web"))
    assert not lost_its_label(body())


def test_an_object_of_another_release_did_not() -> None:
    assert not lost_its_label(body("bundler", **{RELEASE_UID: UID}))
