"""lint: places that name a Job as its template does."""

from bundler.actions.author.lint import lint
from bundler.actions.compose.user_values import UserInput
from bundler.loader.locate import find_bundle
from bundler.model.values import UserLayers
from tests.lib.bundles import make_bundle

NAMED_JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: waits}
rules:
  - apiGroups: [batch]
    resources: [jobs]
    resourceNames: [migrate]
    verbs: [get]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector:
    matchLabels:
      job-name: migrate
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: migrate}}
spec:
  containers:
    - name: web
      image: web:1
      args: [wait, --for=condition=complete, job/migrate]
      command: [kubectl, wait, job, migrate]
"""


def test_places_that_name_a_job_as_its_template_does_are_warned_of(tmp_path):
    folder = make_bundle(tmp_path, {"templates/a.yaml": NAMED_JOB})
    findings = lint(find_bundle(str(folder)), UserInput(user=UserLayers())).findings
    found = [one for one in findings if one.rule == "job-reference"]
    assert sorted(one.line for one in found) == [14, 22, 32, 33]
    assert all("migrate, whose name in the cluster is now migrate-" in one.message for one in found)
