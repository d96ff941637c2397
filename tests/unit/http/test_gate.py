"""What --offline lets pass."""

import pytest

from bundler.errors.delivery import OfflineError
from bundler.http.gate import Gate
from bundler.http.proxy import Address


@pytest.mark.parametrize("named", ["registry.site:443", "registry.site"])
def test_what_is_named_passes(named: str) -> None:
    Gate(frozenset({named})).check(Address("https", "registry.site", 443, ""))


@pytest.mark.parametrize("named", [set(), {"registry.site:5000"}, {"site"}, {"other.site"}])
def test_what_is_not_named_does_not(named: set[str]) -> None:
    with pytest.raises(OfflineError, match="connecting to registry") as caught:
        Gate(frozenset(named)).check(Address("https", "registry.site", 443, ""))
    assert all(name in caught.value.context[0] for name in named or {"no server"})
