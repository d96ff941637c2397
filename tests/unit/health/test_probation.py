"""What a pod may not do while its release is on probation."""

from __future__ import annotations

import pytest

from bundler.health.probation import NEW_POD, record_of, relapse


def pod(*, restarts: int = 0, ready: str = "T1", deleting: bool = False, **container: object):
    status = {"name": "web", "restartCount": restarts, "ready": bool(ready), "state": {"running": {}}, **container}
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": ready or "T9"}
    metadata = {"name": "web-1", **({"deletionTimestamp": "T5"} if deleting else {})}
    return {"metadata": metadata, "status": {"containerStatuses": [status], "conditions": [condition]}}


ENDED = {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (pod(), pod(), ""),
        (pod(restarts=3), pod(restarts=3), ""),
        (pod(), pod(restarts=1, **ENDED), "Restarted (exit 137, 1 restarts): OOMKilled"),
        (pod(restarts=3), pod(restarts=4, state={"waiting": {"reason": "CrashLoopBackOff"}}, **ENDED),
         "CrashLoopBackOff (exit 137, 4 restarts): OOMKilled"),
        (pod(), pod(ready=""), "NotReady: its readiness probe has not succeeded"),
        (pod(), pod(ready="T2"), "NotReady: it was ready, and then it was not"),
        (pod(), pod(ready="", deleting=True), ""),
        (pod(ready=""), pod(ready="T1"), ""),
        (None, pod(ready=""), ""),
        (None, pod(restarts=1, **ENDED), "Restarted (exit 137, 1 restarts): OOMKilled"),
    ],
)  # fmt: skip
def test_a_restart_or_lost_readiness_is_a_relapse_and_a_pod_that_comes_or_goes_is_none(before, now, said):
    found = relapse(record_of(before) if before else NEW_POD, now)
    assert (str(found) if found else "") == said
