"""What the command line makes, the library takes: archives and deliveries, verified by a site file or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler import NetworkRules, ReleaseRequest, Session, SessionOptions, Values
from bundler.errors.delivery import UnsignedError, UntrustedKeyError
from tests.lib.bundles import make_bundle
from tests.lib.sessions import reaches_anything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.fixtures_cli import Cli

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


@pytest.fixture
def menu(cli: Cli) -> Path:
    return make_bundle(cli.home, {"templates/a.yaml": CONFIG_MAP})


@pytest.fixture
def site_of(cli: Cli) -> Callable[[str], Path]:
    """Return a site file that trusts the key of a name alone."""

    def write(name: str) -> Path:
        cli("keygen", name, "--out", cli.home / f"{name}.key").ok()
        key = (cli.home / f"{name}.pub").read_text().split()[0]
        site = cli.home / f"{name}.yaml"
        cli("site", "init", name, "--key", cli.home / f"{name}.pub", "--out", site).ok()
        assert key in site.read_text()
        return site

    return write


def packed(cli: Cli, menu: Path, *key: str | Path) -> str:
    target = cli.home / "demo.tgz"
    cli("package", menu, "--out", target, *key).ok()
    return str(target)


def exported(cli: Cli, menu: Path, *key: str | Path) -> str:
    target = cli.home / "demo.bundle"
    cli("export", menu, "--out", target, *key).ok()
    return str(target)


@pytest.mark.parametrize("make", [packed, exported], ids=["archive", "delivery"])
def test_what_the_site_trusts_is_taken_and_nothing_else(cli: Cli, menu, site_of, make) -> None:
    ours, theirs = site_of("ours"), site_of("theirs")
    with Session.local() as session:
        unsigned = make(cli, menu)
        assert session.acquire(unsigned).bundle.metadata.name == "demo"
        with pytest.raises(UnsignedError):
            session.acquire(unsigned, site=ours)
        signed = make(cli, menu, "--key", cli.home / "ours.key")
        taken = session.acquire(signed, site=session.read_site(ours))
        assert taken.evidence is not None
        assert [key.name for key in taken.evidence.signers] == ["ours"]
        with pytest.raises(UntrustedKeyError):
            session.acquire(signed, site=theirs)


def test_a_folder_is_refused_where_signatures_are_asked_for(cli: Cli, menu, site_of) -> None:
    site = site_of("ours")
    with Session.sandbox(path=cli.home / "state" / "sandbox.db") as session:
        assert session.acquire(str(menu)).bundle.metadata.name == "demo"
        with pytest.raises(UnsignedError):
            session.plan(ReleaseRequest(bundle=str(menu), release="shop", values=Values(site=site)))
        with pytest.raises(UnsignedError):
            session.plan(ReleaseRequest(bundle=session.acquire(str(menu)), release="shop", values=Values(site=site)))


def test_a_delivery_leaves_a_session_online_unless_its_rules_say_otherwise(cli: Cli, menu) -> None:
    file = exported(cli, menu)
    for offline, reaches in ((False, True), (None, False), (True, False)):
        options = SessionOptions(network=NetworkRules(offline=offline))
        with Session.local(options=options) as session:
            session.acquire(file)
            assert reaches_anything(session) is reaches
