"""``bundler protect``: what the command line shows of it, everywhere alike."""

from __future__ import annotations

from tests.lib.menus import small_bundle

NS = ("-n", "prod")


def test_who_protected_a_release_when_and_why_is_shown_everywhere(cli):
    cli("install", "shop", small_bundle(cli.home), *NS).ok()
    assert cli("list", *NS, "-o", "json").document[0]["protection"] is None
    said = cli("protect", "shop", "-m", "production", "-o", "json", *NS).ok().document
    assert said["protection"]["on"] is True
    for verb in (["list"], ["history", "shop"]):
        assert cli(*verb, "-o", "json", *NS).document[-1]["protection"] == said["protection"]
    assert cli("status", "shop", "-o", "json", *NS).document["protection"] == said["protection"]
    assert "deployed, protected" in cli("list", *NS).out
    assert "protected since" in cli("status", "shop", *NS).out
    assert "production" in cli("history", "shop", *NS).err
    for words in (["uninstall", "shop", "--yes"], ["plan", "shop", "--uninstall"]):
        refused = cli(*words, *NS)
        assert refused.code == 1
        assert "error[release-protected]" in refused.err
        assert "bundler protect shop --off -m REASON" in refused.err


def test_taking_protection_off_is_an_act_of_its_own_and_is_remembered(cli):
    cli("install", "shop", small_bundle(cli.home), *NS).ok()
    cli("protect", "shop", *NS).ok()
    assert "did you mean protect" in cli("unprotect", "shop", *NS).err
    cli("protect", "shop", "--off", "-m", "it moves", *NS).ok()
    assert "protected" not in cli("list", *NS).out
    assert "no longer protected since" in cli("history", "shop", *NS).err
    assert "it moves" in cli("history", "shop", *NS).err
    cli("uninstall", "shop", "--yes", *NS).ok()
