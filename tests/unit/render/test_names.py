"""The names that templates see."""

from __future__ import annotations

import re

from hypothesis import example, given, strategies as st

from bundler.expressions.text import TemplateFailureError
from bundler.model.values import MergedValues
from bundler.render.names import base_names
from bundler.render.types import Capabilities, RenderContext
from tests.lib.rendering import bundle_of

VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
BUNDLE = bundle_of({})


def _kube_version(text: str) -> str:
    context = RenderContext(release_name="shop", namespace="prod", capabilities=Capabilities(kube_version=text))
    capabilities = base_names(BUNDLE, MergedValues(data={}, origins={}), context, component="", site={})["capabilities"]
    assert isinstance(capabilities, dict)
    return str(capabilities["kube_version"])


@given(st.text(st.sampled_from("v0129.-+a\u0663\u00b2\n"), max_size=9))
@example("v1.30.2-eks-1")
@example("1.30+")
@example("1.30\n")
@example(".2.9")
@example("")
def test_the_version_of_a_cluster_is_the_numbers_it_begins_with(text: str) -> None:
    found = VERSION.match(text)
    try:
        read = _kube_version(text)
    except TemplateFailureError:
        assert found is None
    else:
        assert found is not None
        assert read == ".".join(str(int(number or 0)) for number in found.groups())
