"""What `lint --write-reach` makes of the text of bundle.yaml."""

import pytest

from bundler.actions.author.declare_reach import with_reach

HEAD = "apiVersion: bundler.dev/v1\nkind: Bundle\nmetadata: {name: a, version: 1.0.0}\n"
WANTED = {"grants": ("host-path", "privileged")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "spec:\n  reach:\n    grants: [host-path, privileged]\n"),
        ("spec:\n", "spec:\n  reach:\n    grants: [host-path, privileged]\n"),
        (
            "spec:\n    kubeVersion: '>=1.29' # why\n\n# the end\n",
            "spec:\n    kubeVersion: '>=1.29' # why\n    reach:\n      grants: [host-path, privileged]\n\n# the end\n",
        ),
        (
            "spec:\n  reach: {grants: [privileged]}  # why\n  upgrade: {from: '>=1'}\n",
            "spec:\n  reach:  # why\n    grants: [host-path, privileged]\n  upgrade: {from: '>=1'}\n",
        ),
        (
            "spec:\n  reach:\n    # theirs\n    namespaces: [x]  # why\n    grants: [privileged]  # and why\n  derive: {}\n",
            (
                "spec:\n  reach:\n    # theirs\n    namespaces: [x]  # why\n    grants: [host-path, privileged]  # and why\n"
                "  derive: {}\n"
            ),
        ),
        (
            "spec:\n  reach:\n    grants:\n      - privileged\n\n  # next\n  derive: {}\n",
            "spec:\n  reach:\n    grants: [host-path, privileged]\n\n  # next\n  derive: {}\n",
        ),
        (
            "spec:\n  reach:\n    namespaces: [x]\n  derive: {}\n",
            "spec:\n  reach:\n    namespaces: [x]\n    grants: [host-path, privileged]\n  derive: {}\n",
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_other_line_stays_as_it_is(before, after, end):
    assert with_reach((HEAD + before).replace("\n", end), WANTED) == (HEAD + after).replace("\n", end)


def test_what_cannot_be_added_to_is_left_alone():
    with pytest.raises(ValueError, match="cannot be added to"):
        with_reach(HEAD + "spec: {kubeVersion: '>=1.29'}\n", WANTED)


def test_a_long_list_has_a_line_for_each_name():
    names = tuple(f"namespace-of-some-length-{number}" for number in range(6))
    written = with_reach(HEAD, {"namespaces": names})
    assert "    namespaces:\n      - namespace-of-some-length-0\n" in written


def test_names_that_yaml_would_read_otherwise_are_quoted():
    assert 'namespaces: ["*"]' in with_reach(HEAD, {"namespaces": ("*",)}).replace("'", '"')
