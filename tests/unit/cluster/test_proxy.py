"""Proxies are chosen by kubectl's rules."""

import pytest

from bundler.cluster.proxy import choose_proxy, parse_server
from bundler.errors.cluster import KubeconfigError
from bundler.http.proxy import Address, is_excepted, parse_proxy

SERVER = Address("https", "api.example", 6443, "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", Address("https", "a.example", 443, "")),
        ("http://a.example", Address("http", "a.example", 80, "")),
        ("https://[fd00::1]:6443/", Address("https", "fd00::1", 6443, "")),
        ("https://rancher/k8s/clusters/c-1/", Address("https", "rancher", 443, "/k8s/clusters/c-1")),
    ],
)
def test_a_server_url_has_its_parts(url: str, expected: Address) -> None:
    assert parse_server(url) == expected


@pytest.mark.parametrize("url", ["ftp://a", "https://", "https://a:port", "unix:///run/x", "https://[fd00"])
def test_a_server_that_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(KubeconfigError, match="server's address"):
        parse_server(url)


@pytest.mark.parametrize(
    ("configured", "env", "expected"),
    [
        ("", {}, ""),
        ("http://k:1", {}, "k:1"),
        ("http://k:1", {"HTTPS_PROXY": "http://e:2"}, "k:1"),
        ("http://k:1", {"NO_PROXY": "*"}, "k:1"),
        ("", {"HTTPS_PROXY": "http://e:2"}, "e:2"),
        ("", {"https_proxy": "e:2"}, "e:2"),
        ("", {"HTTPS_PROXY": "http://up:1", "https_proxy": "http://low:2"}, "up:1"),
        ("", {"HTTP_PROXY": "http://e:2"}, ""),
        ("", {"HTTPS_PROXY": "http://e"}, "e:80"),
        ("", {"HTTPS_PROXY": "http://e:2", "NO_PROXY": ".example"}, ""),
        ("", {"HTTPS_PROXY": "http://e:2", "no_proxy": "other.example"}, "e:2"),
    ],
)
def test_the_kubeconfig_wins_over_the_environment(configured: str, env: dict[str, str], expected: str) -> None:
    proxy = choose_proxy(SERVER, configured=configured, env=env)
    assert (f"{proxy.host}:{proxy.port}" if proxy else "") == expected


def test_a_login_becomes_a_header_and_is_not_printed() -> None:
    proxy = parse_proxy("http://ada:p%40ss@proxy:3128", named_by="HTTPS_PROXY")
    assert proxy.authorization == "Basic YWRhOnBAc3M="
    assert "YWRh" not in repr(proxy)


@pytest.mark.parametrize(
    "url", ["socks5://ada:hunter22@proxy:1080", "https://ada:hunter22@proxy", "http://:80", "http://a:b:c"]
)
def test_other_kinds_of_proxy_are_refused_clearly(url: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        choose_proxy(SERVER, configured=url, env={})
    assert "proxy-url of the kubeconfig" in caught.value.context[0]
    assert "hunter22" not in caught.value.context[0]


@pytest.mark.parametrize(
    ("host", "rules", "expected"),
    [
        ("localhost", "", True),
        ("127.0.0.5", "", True),
        ("::1", "", True),
        ("api.example", "", False),
        ("api.example", "*", True),
        ("api.example", "example", True),
        ("api.example", " API.example , x", True),
        ("example", "example", True),
        ("example", ".example", False),
        ("api.example", ".example", True),
        ("api.example", "*.example", True),
        ("myexample", "example", False),
        ("api.example", "api.example:6443", True),
        ("api.example", "api.example:443", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:6443", True),
        ("10.1.2.3", "10.1.2.3:1", False),
        ("10.1.2.3", "10.1.2.3/99", False),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "fd00::1", True),
        ("fd00::1", "[fd00::1]:6443", True),
        ("api.example", "10.0.0.0/8", False),
        ("10.1.2.3", "fd00::/8", False),
    ],
)
def test_no_proxy_knows_domains_ports_addresses_and_networks(host: str, rules: str, expected: bool) -> None:
    assert is_excepted(host, 6443, rules) is expected
