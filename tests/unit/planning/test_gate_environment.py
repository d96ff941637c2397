"""What a check knows of the step that it is a gate of."""

from __future__ import annotations

from bundler.model.rollout import Rollout, Share
from bundler.planning.gate_environment import step_environment, with_environment
from tests.lib.manifests import manifest


def test_the_variables_say_which_step_it_is_and_where_the_new_pods_are() -> None:
    pods = [{"status": {"podIP": "10.0.0.2"}}, {"status": {}}, {"status": {"podIP": "10.0.0.1"}}]
    assert step_environment(Rollout(shares={"": (Share(1),)}), pods) == {
        "BUNDLER_STEP": "1",
        "BUNDLER_STEPS": "2",
        "BUNDLER_NEW_PODS": "10.0.0.1 10.0.0.2",
    }


def test_what_the_author_has_set_stays_and_every_container_knows() -> None:
    containers = [{"name": "a"}, {"name": "b", "env": [{"name": "X", "value": "own"}, {"name": "Y", "value": "y"}]}]
    spec = {"containers": containers, "initContainers": [{"name": "i"}], "restartPolicy": "Never"}
    job = manifest("Job", "smoke", "batch/v1", spec={"backoffLimit": 0, "template": {"spec": spec}})
    extended = with_environment(job, {"X": "x"})
    added = [{"name": "X", "value": "x"}]
    assert extended.body["spec"] == {
        "backoffLimit": 0,
        "template": {
            "spec": {
                "containers": [{"name": "a", "env": added}, containers[1]],
                "initContainers": [{"name": "i", "env": added}],
                "restartPolicy": "Never",
            }
        },
    }
    assert extended.ref == job.ref
