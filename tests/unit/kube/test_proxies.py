from __future__ import annotations

import pytest

from tmc_syncer.kube.proxies import proxy_for

PROXY = "http://proxy:3128"


def test_https_servers_and_plain_ones_have_a_variable_each() -> None:
    environ = {"HTTPS_PROXY": PROXY, "http_proxy": "other:8080"}
    assert proxy_for("https://api.example.com:6443", environ) == PROXY
    assert proxy_for("http://api.example.com", environ) == "http://other:8080"
    assert proxy_for("https://api.example.com", {"https_proxy": PROXY}) == PROXY
    assert proxy_for("https://api.example.com", {}) == ""
    assert proxy_for("https://api.example.com", {"HTTPS_PROXY": ""}) == ""


@pytest.mark.parametrize("server", ["https://127.0.0.1:6443", "https://localhost", "https://[::1]:6443"])
def test_loopback_needs_no_proxy(server: str) -> None:
    assert proxy_for(server, {"HTTPS_PROXY": PROXY}) == ""


@pytest.mark.parametrize(
    ("server", "excluded", "direct"),
    [
        ("https://api.example.com", "*", True),
        ("https://api.example.com", "example.com", True),
        ("https://api.example.com", ".example.com", True),
        ("https://example.com", ".example.com", True),
        ("https://api.example.com", "*.example.com", True),
        ("https://api.example.com", "other.com, API.example.com ,", True),
        ("https://api.example.com", "ample.com", False),
        ("https://api.example.com:6443", "example.com:6443", True),
        ("https://api.example.com:6443", "example.com:443", False),
        ("https://api.example.com", "example.com:443", True),
        ("http://api.example.com", "example.com:80", True),
        ("https://10.96.0.1:443", "10.0.0.0/8", True),
        ("https://10.96.0.1:443", "192.168.0.0/16", False),
        ("https://api.example.com", "10.0.0.0/8", False),
        ("https://10.96.0.1:443", "10.0.0.0/99", False),
        ("https://10.96.0.1:443", "10.96.0.1", True),
        ("https://[fd00::1]:6443", "fd00::1", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://api.example.com.", "api.example.com", True),
        ("https://api.example.com", ":443", False),
        ("https://api.example.com", "", False),
    ],
)
def test_no_proxy_excludes_hosts_suffixes_addresses_and_ranges(
    server: str, excluded: str, direct: bool
) -> None:
    environ = {"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}
    assert proxy_for(server, environ | {"NO_PROXY": excluded}) == ("" if direct else PROXY)
    assert proxy_for(server, environ | {"no_proxy": excluded}) == ("" if direct else PROXY)
