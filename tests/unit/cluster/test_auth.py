"""How we prove who we are."""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bundler.cluster import auth
from bundler.cluster.auth import make_credentials
from bundler.cluster.credentials import FixedCredentials, configured_certificate
from bundler.cluster.kubeconfig import Blob, ClusterAccess, UserEntry
from bundler.cluster.tls import ClientCertificate, make_context
from bundler.errors.cluster import ClusterError, CredentialsError, KubeconfigError
from bundler.model.events import Event, Notice
from tests.lib.clocks import SOON_S
from tests.lib.stub_server import Say, StubServer, status
from tests.unit.cluster.support import CONFIG_MAP, ROUTES, InstantClock, access, client, config_map, surroundings

V1 = "client.authentication.k8s.io/v1"
ENV = {"PATH": os.environ["PATH"], "HOME": "/home/ada"}


def plugin(
    folder: Path, status_body: dict[str, Any] | None = None, *, code: str = "", version: str = V1
) -> dict[str, Any]:
    """Write a plugin that counts its calls, keeps what it was told, and prints ``status_body``."""
    answer = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status_body or {"token": "t1"}})
    script = folder / "plugin"
    script.write_text(
        f"#!{sys.executable} -IS\nimport os, sys\n"
        f"open({str(folder / 'calls')!r}, 'a').write('x')\n"
        f"open({str(folder / 'told')!r}, 'w').write(os.environ['KUBERNETES_EXEC_INFO'])\n"
        f"open({str(folder / 'seen')!r}, 'w').write(repr((sys.argv[1:], os.environ.get('EXTRA'), os.environ.get('HOME'), sys.stdin.read())))\n"
        f"{code}\nprint({answer!r})\n"
    )
    script.chmod(0o700)
    return {"apiVersion": version, "command": "./plugin", "interactiveMode": "Never"}


def user(folder: Path, spec: dict[str, Any]) -> UserEntry:
    return UserEntry(name="ada", exec=spec, folder=folder)


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text()) if (folder / "calls").exists() else 0


def failure(folder: Path, spec: dict[str, Any], **around: Any) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        credentials(user(folder, spec), **around).headers()
    assert caught.value.hint
    return caught.value


def credentials(entry: UserEntry, clock: InstantClock | None = None, **around: Any) -> Any:
    it = access("https://api.example", user=entry, proxy_url="http://proxy:1", authority=Blob(data=b"PEM"))
    return make_credentials(it, surroundings(clock, env=ENV, **around))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (UserEntry(), ()),
        (UserEntry(token="t"), (("Authorization", "Bearer t"),)),
        (UserEntry(username="ada", password="pä"), (("Authorization", "Basic YWRhOnDDpA=="),)),
        (UserEntry(token="t", username="ada"), (("Authorization", "Bearer t"),)),
    ],
)
def test_fixed_credentials_become_headers(entry: UserEntry, expected: tuple[tuple[str, str], ...]) -> None:
    it = FixedCredentials(entry)
    assert it.headers() == expected
    assert not it.renew()


def test_every_request_is_sent_as_the_one_whom_we_act_as_and_the_questions_who_and_where_we_are_as_ourselves_too() -> (
    None
):
    entry = UserEntry(token="t", impersonation=(("Impersonate-User", "eve"),))
    with StubServer([Say(body=config_map())], routes=ROUTES) as server:
        it = client(server.url, user=entry)
        it.get(CONFIG_MAP)
        it.identity()
    reviews = [got for got in server.requests if got.path.endswith("selfsubjectreviews")]
    assert sorted(got.headers.get("impersonate-user", "") for got in reviews) == ["", "eve"]
    as_ourselves = [got.path for got in server.requests if "impersonate-user" not in got.headers]
    assert sorted(as_ourselves) == ["/api/v1/namespaces/kube-system", *(got.path for got in reviews[:1])]
    assert {got.headers["authorization"] for got in server.requests} == {"Bearer t"}


@pytest.mark.parametrize("entry", [UserEntry(certificate=Blob(data=b"c")), UserEntry(key=Blob(data=b"k"))])
def test_half_a_client_certificate_is_refused(entry: UserEntry) -> None:
    with pytest.raises(CredentialsError, match="reading the client certificate"):
        configured_certificate(entry)


def test_a_token_file_is_read_again_after_a_minute(tmp_path: Path) -> None:
    clock, file = InstantClock(), tmp_path / "token"
    file.write_text("one\n")
    it = credentials(UserEntry(token_file=file, token="old"), clock)
    assert it.headers() == (("Authorization", "Bearer one"),)
    file.write_text("two")
    assert it.headers() == (("Authorization", "Bearer one"),)
    clock.sleep(61)
    assert it.headers() == (("Authorization", "Bearer two"),)


def test_a_token_file_that_vanishes_leaves_the_last_token(tmp_path: Path) -> None:
    clock, file = InstantClock(), tmp_path / "token"
    file.write_text("one")
    it = credentials(UserEntry(token_file=file), clock)
    it.headers()
    file.unlink()
    clock.sleep(61)
    assert it.headers() == (("Authorization", "Bearer one"),)


def test_a_token_file_that_never_was_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials(UserEntry(token_file=tmp_path / "token")).headers()
    assert str(tmp_path / "token") in caught.value.context[0]


def test_a_token_that_was_replaced_on_disk_is_used_after_401(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("stale")
    with StubServer([Say(body=config_map()), status(401, "no"), Say(body=config_map())], routes=ROUTES) as server:
        it = client(server.url, user=UserEntry(token_file=file))
        it.get(CONFIG_MAP)
        file.write_text("fresh")
        assert it.get(CONFIG_MAP) is not None
    used = [got.headers["authorization"] for got in server.requests if "configmaps" in got.path]
    assert used == ["Bearer stale", "Bearer stale", "Bearer fresh"]


def test_a_plugin_is_run_once_and_told_about_the_cluster(tmp_path: Path) -> None:
    spec = plugin(tmp_path) | {
        "args": ["get-token", "--x"],
        "env": [{"name": "EXTRA", "value": "e"}],
        "provideClusterInfo": True,
    }
    it = credentials(user(tmp_path, spec))
    assert it.headers() == it.headers() == (("Authorization", "Bearer t1"),)
    assert calls(tmp_path) == 1
    assert (tmp_path / "seen").read_text() == repr((["get-token", "--x"], "e", "/home/ada", ""))
    assert json.loads((tmp_path / "told").read_text()) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://api.example",
                "certificate-authority-data": "UEVN",
                "proxy-url": "http://proxy:1",
            },
        },
    }


def test_a_plugin_waits_for_the_file_of_the_authority_no_longer_than_the_command_has(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    entry = user(tmp_path, plugin(tmp_path) | {"provideClusterInfo": True})
    it = access("https://api.example", user=entry, authority=Blob(file=pipe))
    with pytest.raises(KubeconfigError) as raised:
        make_credentials(it, surroundings(env=ENV, budget_s=0.05)).headers()
    assert "did not end within 0.05 s" in raised.value.context[0]


def test_a_plugin_is_run_again_a_minute_before_its_token_expires(tmp_path: Path) -> None:
    clock = InstantClock()
    expires = (clock.now() + timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    it = credentials(user(tmp_path, plugin(tmp_path, {"token": "t", "expirationTimestamp": expires})), clock)
    counted = []
    for _ in range(3):
        it.headers()
        counted.append(calls(tmp_path))
        clock.sleep(7 * 60 + 1)
    assert counted == [1, 1, 2]


def test_a_plugin_is_run_again_once_after_401(tmp_path: Path) -> None:
    entry = user(tmp_path, plugin(tmp_path))
    with StubServer([status(401, "no"), Say(body=config_map()), status(401, "no")], routes=ROUTES) as server:
        it = client(server.url, user=entry, env=ENV)
        assert it.get(CONFIG_MAP) is not None
        assert calls(tmp_path) == 2
        with pytest.raises(Exception, match="reading ConfigMap/a"):
            it.get(CONFIG_MAP)
    assert calls(tmp_path) == 3
    assert len(server.seen) == 4


def test_a_plugin_may_print_a_certificate(tmp_path: Path) -> None:
    printed = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    it = credentials(user(tmp_path, plugin(tmp_path, printed)))
    assert it.headers() == ()
    assert it.certificate() == ClientCertificate(Blob(data=b"CERT"), Blob(data=b"KEY"))


def test_the_older_plugin_version_is_known(tmp_path: Path) -> None:
    spec = plugin(tmp_path, version="client.authentication.k8s.io/v1beta1")
    assert credentials(user(tmp_path, spec)).headers() == (("Authorization", "Bearer t1"),)


def test_a_missing_plugin_is_named_with_its_own_advice(tmp_path: Path) -> None:
    spec = {"apiVersion": V1, "command": "aws-iam-authenticator", "installHint": "get it\nfrom there"}
    error = failure(tmp_path, spec)
    assert "needs 'aws-iam-authenticator', which is not installed" in error.context[0]
    assert error.hint == "get it from there"
    assert "install nothing" in failure(tmp_path, {"apiVersion": V1, "command": "nothing"}).hint


def test_a_relative_plugin_is_never_looked_up_on_the_path(tmp_path: Path) -> None:
    plugin(tmp_path, code="")
    elsewhere = UserEntry(name="ada", exec={"apiVersion": V1, "command": "./plugin"}, folder=tmp_path / "config")
    it = access("https://api.example", user=elsewhere)
    with pytest.raises(CredentialsError, match="running"):
        make_credentials(it, surroundings(env={"PATH": str(tmp_path)})).headers()
    assert calls(tmp_path) == 0


@pytest.mark.parametrize("path", ["", ":/usr/bin", "/usr/bin:", ".:/usr/bin", "bin:/usr/bin"])
def test_a_plugin_of_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    plugin(tmp_path, code="")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "plugin").symlink_to(tmp_path / "plugin")
    monkeypatch.chdir(tmp_path)
    entry = UserEntry(name="ada", exec={"apiVersion": V1, "command": "plugin"}, folder=tmp_path / "config")
    with pytest.raises(CredentialsError, match="running") as caught:
        make_credentials(access("https://api.example", user=entry), surroundings(env={"PATH": path})).headers()
    assert "is not installed" in caught.value.context[0]
    assert calls(tmp_path) == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_plugin_that_prints_without_end_is_stopped(tmp_path: Path, stream: str) -> None:
    spec = plugin(tmp_path, code=f"while True: sys.{stream}.write('x' * 4096)")
    assert "printed more than" in failure(tmp_path, spec).context[0]


def test_a_plugin_that_leaves_something_behind_is_not_waited_for(tmp_path: Path) -> None:
    spec = plugin(tmp_path, code="import subprocess; subprocess.Popen(['sleep', '90'])")
    began_s = time.monotonic()
    assert credentials(user(tmp_path, spec)).headers()[0] == ("Authorization", "Bearer t1")
    assert time.monotonic() - began_s < SOON_S


def test_deep_json_of_a_plugin_is_an_error_of_ours(tmp_path: Path) -> None:
    spec = plugin(tmp_path, code="print('[' * 100_000); sys.exit()")
    assert "not an ExecCredential" in failure(tmp_path, spec).context[0]


ENDLESS = Path("/dev/zero")


@pytest.mark.parametrize(
    "use",
    [
        lambda: make_context(access("https://x", authority=Blob(file=ENDLESS)).cluster, None),
        lambda: make_context(access("https://x").cluster, ClientCertificate(Blob(file=ENDLESS), Blob(file=ENDLESS))),
        lambda: make_credentials(access("https://x", user=UserEntry(token_file=ENDLESS)), surroundings()).headers(),
    ],
    ids=["authority", "certificate", "token"],
)
def test_a_file_without_end_that_a_kubeconfig_names_is_an_error(use: Callable[[], object]) -> None:
    with pytest.raises(ClusterError) as caught:
        use()
    assert "larger than" in caught.value.context[0]


def test_what_a_failing_plugin_says_is_shown(tmp_path: Path) -> None:
    spec = plugin(tmp_path, code="sys.stderr.write('login\\nexpired\\n'); sys.exit(3)")
    assert failure(tmp_path, spec).context == ("./plugin: it ended with status 3", "login", "expired")


def test_what_a_working_plugin_says_is_reported(tmp_path: Path) -> None:
    events: list[Event] = []
    spec = plugin(tmp_path, code="sys.stderr.write('token cached\\n')")
    credentials(user(tmp_path, spec), report=events.append).headers()
    assert events == [Notice("plugin: token cached")]


@pytest.mark.medium
def test_a_plugin_that_hangs_ends_with_the_budget(tmp_path: Path) -> None:
    spec = plugin(tmp_path, code="import time; time.sleep(60)")
    assert failure(tmp_path, spec, budget_s=0).context == ("./plugin: it did not end in time",)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("print('no json')", "not an ExecCredential"),
        ("print('[]')", "printed apiVersion 'none'"),
        ('print(\'{"apiVersion": "client.authentication.k8s.io/v1beta1"}\')', "v1beta1' instead of"),
        (f'print(\'{{"apiVersion": "{V1}"}}\')', "neither a token nor a certificate"),
        (
            f'print(\'{{"apiVersion": "{V1}", "status": {{"token": "t", "expirationTimestamp": "soon"}}}}\')',
            "not an Exec",
        ),
    ],
)
def test_what_is_no_credential_is_refused(tmp_path: Path, printed: str, expected: str) -> None:
    assert expected in failure(tmp_path, plugin(tmp_path, code=f"{printed}; sys.exit()")).context[0]


def test_a_plugin_of_an_unknown_version_is_refused(tmp_path: Path) -> None:
    assert "v1alpha1" in failure(tmp_path, plugin(tmp_path, version="client.authentication.k8s.io/v1alpha1")).context[0]


def test_a_plugin_that_must_ask_needs_a_terminal(tmp_path: Path) -> None:
    spec = plugin(tmp_path) | {"interactiveMode": "Always"}
    assert "there is none" in failure(tmp_path, spec).context[0]
    assert calls(tmp_path) == 0


@pytest.mark.parametrize(
    ("mode", "is_terminal", "expected"),
    [("Never", True, False), ("IfAvailable", True, True), ("IfAvailable", False, False), ("Always", True, True)],
)
def test_a_plugin_learns_whether_it_may_ask(tmp_path: Path, mode: str, is_terminal: bool, expected: bool) -> None:
    spec = plugin(tmp_path) | {"interactiveMode": mode}
    (tmp_path / "plugin").write_text((tmp_path / "plugin").read_text().replace("sys.stdin.read()", "''"))
    credentials(user(tmp_path, spec), is_interactive=is_terminal).headers()
    assert json.loads((tmp_path / "told").read_text())["spec"]["interactive"] is expected


@pytest.mark.medium
def test_an_auth_provider_is_read_by_the_kubernetes_package() -> None:
    expiry = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    provider = {"name": "gcp", "config": {"access-token": "from-gcp", "expiry": expiry}}
    it = credentials(UserEntry(name="ada", auth_provider=provider))
    assert it.headers() == (("Authorization", "Bearer from-gcp"),)
    assert not it.renew()


@pytest.mark.parametrize("provider", [{"name": "azure"}, {"name": "oidc", "config": {"id-token": "s3cr3t"}}])
def test_an_auth_provider_without_token_is_named(provider: dict[str, Any]) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials(UserEntry(name="ada", auth_provider=provider)).headers()
    assert f"auth-provider {provider['name']!r}" in caught.value.context[0]
    assert "s3cr3t" not in " ".join(caught.value.context)


def test_each_kind_of_user_has_its_credentials(tmp_path: Path) -> None:
    def chosen(entry: UserEntry) -> str:
        it: ClusterAccess = access("https://a", user=entry)
        return type(make_credentials(it, surroundings())).__name__

    assert chosen(UserEntry()) == "FixedCredentials"
    assert chosen(UserEntry(token_file=tmp_path)) == "TokenFileCredentials"
    assert chosen(UserEntry(exec={"apiVersion": V1})) == "ExecCredentials"
    assert chosen(UserEntry(exec={"apiVersion": V1}, token="t")) == "FixedCredentials"
    assert chosen(UserEntry(auth_provider={"name": "oidc"})) == "LegacyCredentials"
    assert timedelta(seconds=60) == auth.RENEW_BEFORE
