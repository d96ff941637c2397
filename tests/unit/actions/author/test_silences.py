"""Rules of lint: documented, silenced with a reason, and one finding for many pods."""

import re
from pathlib import Path

import pytest

from bundler.actions.author.lint import lint
from bundler.actions.author.rules import BUNDLE_RULE_TABLE, OBJECT_RULE_TABLE, POD_RULE_TABLE, RULES
from bundler.actions.compose.user_values import UserInput
from bundler.loader.locate import find_bundle
from bundler.model.values import UserLayers
from tests.lib.bundles import make_bundle

PROJECT = Path(__file__).resolve().parents[4]
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: web
          image: nginx{comment}
          securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
          resources: {{requests: {{cpu: 10m}}}}
          readinessProbe: {{httpGet: {{port: 80}}}}
"""


def findings_of(parent, files, **spec):
    location = find_bundle(str(make_bundle(parent, files, **spec)))
    found = lint(location, UserInput(user=UserLayers())).findings
    return [one for one in found if one.rule not in {"no-description", "no-schema"}]


def web(comment="", name="a"):
    return WEB.format(name=name, comment=comment)


SILENT = {
    "on its line": {"templates/a.yaml": web(" # lint: ignore image-tag - the site pins it")},
    "on the line above": {
        "templates/a.yaml": web().replace(
            "          image", "          # lint: ignore image-tag - the site pins it\n          image"
        )
    },
    "in a comment of the template": {
        "templates/a.yaml": web().replace(
            "          image", "{# lint: ignore image-tag - the site pins it #}\n          image"
        )
    },
    "for the file": {"templates/a.yaml": "# lint: ignore-file image-tag, no-requests - pinned\n" + web()},
    "in bundle.yaml": {
        "bundle.yaml": "# lint: ignore-file no-description - an inner part\n"
        "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: demo, version: 1.0.0}\n",
        "templates/a.yaml": web().replace("nginx", "nginx:1"),
    },
}


@pytest.mark.parametrize("name", SILENT)
def test_a_comment_with_a_reason_silences_a_rule(tmp_path, name):
    assert not findings_of(tmp_path, SILENT[name])


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        (" # lint: ignore image-tag", {"image-tag", "bad-silence"}),
        (" # lint: ignore - because", {"image-tag", "bad-silence"}),
        (" # lint: ignore no-such-rule - because", {"image-tag", "bad-silence"}),
        (" # lint: ignore values-invalid - because", {"image-tag", "bad-silence"}),
        (" # lint: ignore pull-always - because", {"image-tag", "unused-silence"}),
    ],
)
def test_a_comment_that_silences_nothing_is_found_itself(tmp_path, comment, rules):
    assert {one.rule for one in findings_of(tmp_path, {"templates/a.yaml": web(comment)})} == rules


def test_a_silence_is_about_its_own_file_and_line_only(tmp_path):
    files = {
        "templates/a.yaml": web(" # lint: ignore image-tag - the site pins it"),
        "templates/b.yaml": web(name="b"),
    }
    assert [one.place for one in findings_of(tmp_path, files)] == ["templates/b.yaml:12"]


@pytest.mark.parametrize("image", ["Foo/Bar:1", "ex ample.com/x:1", "nginx:", "a.b:99999/x:1"])
def test_an_image_that_no_node_can_pull_is_an_error(tmp_path, image):
    text = web().replace("nginx", f'"{image}"')
    (finding,) = findings_of(tmp_path, {"templates/a.yaml": text})
    assert (finding.rule, finding.level) == ("image-name", "error")


def test_many_pods_make_one_finding_that_names_a_few_of_them(tmp_path):
    (finding,) = findings_of(tmp_path, {f"templates/{n}.yaml": web(name=f"w{n}") for n in range(8)})
    assert finding.place == "templates/0.yaml:12"
    assert finding.details[0].startswith("also templates/1.yaml:12: Deployment/w1: container web runs nginx")
    assert finding.details[-1] == "and 2 more"
    assert len(finding.details) == 6


def test_no_rule_stands_twice_and_each_has_its_levels():
    table = (*OBJECT_RULE_TABLE, *POD_RULE_TABLE, *BUNDLE_RULE_TABLE)
    assert len(table) == len(RULES)
    assert {level for rule in table for level in rule.level.split(", ")} == {"error", "warning"}


def test_every_rule_that_is_used_is_known():
    sources = "".join(path.read_text() for path in (PROJECT / "bundler/actions/author").glob("*.py"))
    used = set(re.findall(r'(?:rule=|Level\.\w+, |_warning\("[\w.]+", |_remark\(\w+, \w+, )"([\w-]+)"', sources))
    assert len(used) > 15
    assert used <= RULES
