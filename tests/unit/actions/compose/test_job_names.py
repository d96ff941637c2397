"""The real names of Jobs: in what asks for them with ``job_name``, and in what ``template`` shows."""

import re

import pytest

from bundler.actions.compose.compose import compose
from bundler.errors.bundle import ManifestError, TemplateError
from tests.lib.bundles import load_from, make_bundle
from tests.unit.actions.compose.test_compose import order_of

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: "%s"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: "a:1", args: [%s]}]
"""
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: waits}
rules:
  - {apiGroups: [batch], resources: [jobs], resourceNames: ["{{ job_name(%s) }}"], verbs: [get]}
"""


def composed(tmp_path, *texts):
    files = {f"templates/{number}.yaml": text for number, text in enumerate(texts)}
    return compose(order_of(load_from(make_bundle(tmp_path, files))))


def role_of(composition):
    return next(one for one in composition.manifests if one.ref.kind == "Role").body["rules"][0]["resourceNames"][0]


def jobs_of(composition):
    return {one.ref.name[:-9]: one.ref.name for one in composition.manifests if one.ref.kind == "Job"}


def test_a_template_that_asks_for_the_name_of_a_job_gets_the_one_it_has_in_the_cluster(tmp_path):
    made = composed(tmp_path, ROLE % "'migrate'", JOB % ("migrate", "run"))
    assert role_of(made) == jobs_of(made)["migrate"]


def test_the_shown_text_has_the_real_names_and_nothing_else_of_it_changes(tmp_path):
    made = composed(tmp_path, ROLE % "'migrate'", "# why\n" + (JOB % ("migrate", "run")).lstrip())
    real = jobs_of(made)["migrate"]
    role, job = (one.text for one in made.rendering.templates)
    assert f'resourceNames: ["{real}"]' in role
    assert job.startswith("# why\n")
    assert re.search(rf'name: "{real}"', job)
    assert made.rendering.manifests[1].ref.name == "migrate"


def test_a_job_in_a_list_and_one_whose_name_is_long_are_shown_by_their_real_names(tmp_path):
    name = "m" * 63
    item = "\n".join("    " + line for line in (JOB % (name, "run")).strip().splitlines())
    made = composed(tmp_path, f"apiVersion: v1\nkind: List\nitems:\n  -\n{item}\n")
    real = next(iter(jobs_of(made).values()))
    assert len(real) == 63
    assert f'name: "{real}"' in made.rendering.templates[0].text


def test_a_job_that_waits_for_another_one_gets_a_new_name_with_each_change_of_that_one(tmp_path):
    names = []
    for number, argument in enumerate(("one", "two")):
        second = JOB % ("seed", "\"job/{{ job_name('migrate') }}\"")
        made = composed(tmp_path / str(number), second, JOB % ("migrate", argument))
        names.append(jobs_of(made))
        seed = next(one for one in made.manifests if one.ref.name == names[-1]["seed"])
        assert names[-1]["migrate"] in str(seed.body)
        assert names[-1]["seed"] in made.rendering.templates[0].text
    assert names[0]["seed"] != names[1]["seed"]


def test_jobs_that_name_each_other_are_an_error_that_names_both(tmp_path):
    first, second = JOB % ("a", "\"{{ job_name('b') }}\""), JOB % ("b", "\"{{ job_name('a') }}\"")
    with pytest.raises(ManifestError) as caught:
        composed(tmp_path, first, second)
    assert "Job/b asks for job_name('a'), whose name depends on this one's: a → b → a" in caught.value.context[0]
    assert "templates/1.yaml" in caught.value.context[0]


def test_a_name_that_no_job_has_is_an_error_that_asks_what_was_meant(tmp_path):
    with pytest.raises(ManifestError) as caught:
        composed(tmp_path, ROLE % "'migrat'", JOB % ("migrate", "run"))
    (line,) = caught.value.context
    assert line.startswith("templates/0.yaml:1: Role/waits asks for job_name('migrat'), which no Job of the bundle")
    assert line.endswith('did you mean "migrate"?')


def test_a_name_that_was_cut_by_a_filter_is_an_error(tmp_path):
    with pytest.raises(ManifestError, match="names that templates ask for") as caught:
        composed(tmp_path, (ROLE % "'migrate'").replace("') }}", "')[:14] }}"), JOB % ("migrate", "run"))
    assert "cut or changed" in caught.value.context[0]


def test_no_job_is_called_by_a_text_that_is_too_long_or_no_text(tmp_path):
    for number, argument in enumerate(("'x' * 300", "7")):
        with pytest.raises(TemplateError):
            composed(tmp_path / str(number), ROLE % argument, JOB % ("migrate", "run"))
