from __future__ import annotations

from bundler.planning.ignored_fields import content_of


def test_version_kind_and_metadata_come_first_in_whatever_order_the_server_sent_them() -> None:
    listed = {"metadata": {"name": "a", "uid": "1"}, "data": {}, "apiVersion": "v1", "kind": "ConfigMap", "status": {}}
    answered = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {}}
    assert list(content_of(listed).items()) == list(content_of(answered).items())
    assert list(content_of(listed)) == ["apiVersion", "kind", "metadata", "data"]
