"""docs/offline.md as it is, in network namespaces: a site with an API server, a registry and nothing else."""

from __future__ import annotations

import sys

import pytest

from tests.lib.controlplane import HOW_TO_GET, find_binaries
from tests.lib.netns import ROOT, SITE_ADDRESS, Site
from tests.lib.walkthrough import World, read_commands, write_files

pytestmark = pytest.mark.slow


@pytest.fixture
def programs(request, namespaces, registry_tools) -> None:
    """What the two places are made of."""
    if find_binaries() is None:
        require = pytest.fail if request.config.getoption("--require-controlplane") else pytest.skip
        require(HOW_TO_GET)


def test_the_walk_through_does_what_it_says_and_nothing_leaves_the_site(programs, tmp_path) -> None:
    text = ROOT / "docs" / "offline.md"
    commands = read_commands(text)
    assert {command.place for command in commands} == {"connected", "carry", "site"}
    with World(tmp_path) as world:
        write_files(text, tmp_path)
        for command in commands:
            code, printed = world.run(command)
            shown = f"docs/offline.md:{command.line}: {command.place}$ {command.text}\n{printed}(exit {code})"
            assert code == command.exit_code, shown
            assert not command.differs(printed), f"{shown}\n--- the text says\n" + "\n".join(command.says)
        assert world.site.escaped() == []


def test_the_tripwire_hears_lookups_and_connections(namespaces, tmp_path) -> None:
    with Site("trip", tmp_path, names={"registry.site": SITE_ADDRESS}) as site:
        quiet = "import socket; socket.socket().connect_ex(('registry.site', 443))"
        assert site.inside.run([sys.executable, "-c", quiet]).returncode == 0
        assert site.escaped() == []
        site.inside.run([sys.executable, "-c", "import socket; socket.getaddrinfo('registry-1.docker.io', 443)"])
        site.wait_for_escape("looks up registry-1.docker.io")
        site.inside.run([sys.executable, "-c", "import socket; s = socket.socket(); s.settimeout(0.2); s.connect_ex(('203.0.113.7', 443))"])  # fmt: skip
        site.wait_for_escape("tcp to 203.0.113.7:443")
