"""Kubeconfig files are read as kubectl reads them."""

import base64
import json
import os
import threading
from pathlib import Path

import pytest

from bundler.cluster.credentials import TokenFileCredentials
from bundler.cluster.files import read_bounded
from bundler.cluster.kubeconfig import (
    Blob,
    UserEntry,
    in_cluster_access,
    known_contexts,
    kubeconfig_paths,
    load_access,
    merge_files,
    resolve_context,
)
from bundler.cluster.tls import authority_of
from bundler.errors.cluster import CredentialsError, KubeconfigError
from tests.lib.clocks import FakeClock

HOME = Path("/nowhere")


def write(path: Path, **changes: object) -> Path:
    body: dict[str, object] = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://a.example:6443"}}],
        "users": [{"name": "u", "user": {"token": "secret-token"}}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body | changes))
    return path


def failure(path: Path, **arguments: str) -> KubeconfigError:
    with pytest.raises(KubeconfigError) as caught:
        load_access({}, home=HOME, kubeconfig=path, **arguments)
    assert caught.value.context
    assert caught.value.hint
    return caught.value


def test_a_context_says_server_user_and_namespace(tmp_path: Path) -> None:
    found = load_access({}, home=HOME, kubeconfig=write(tmp_path / "config"))
    assert (found.context, found.namespace) == ("one", "shop")
    assert found.cluster.server == "https://a.example:6443"
    assert (found.user.name, found.user.token) == ("u", "secret-token")


def test_a_printed_access_shows_no_credentials(tmp_path: Path) -> None:
    key = base64.b64encode(b"the-private-key").decode()
    users = [{"name": "u", "user": {"token": "secret-token", "password": "hunter22", "client-key-data": key}}]
    shown = repr(load_access({}, home=HOME, kubeconfig=write(tmp_path / "config", users=users)))
    assert not any(secret in shown for secret in ("secret-token", "hunter22", "the-private-key"))


@pytest.mark.parametrize(
    ("env", "explicit", "expected"),
    [
        ({}, None, ("/home/ada/.kube/config",)),
        ({"KUBECONFIG": ""}, None, ("/home/ada/.kube/config",)),
        ({"KUBECONFIG": "/a:/b"}, None, ("/a", "/b")),
        ({"KUBECONFIG": ":/a::/b:/a"}, None, ("/a", "/b")),
        ({"KUBECONFIG": "/a:/b"}, Path("/c"), ("/c",)),
    ],
)
def test_files_are_looked_for_where_kubectl_does(
    env: dict[str, str], explicit: Path | None, expected: tuple[str, ...]
) -> None:
    assert kubeconfig_paths(env, home=Path("/home/ada"), explicit=explicit) == tuple(map(Path, expected))


def test_the_first_file_wins_with_whole_entries_and_the_current_context(tmp_path: Path) -> None:
    first = write(tmp_path / "first", users=[{"name": "u", "user": {"token": "from-first"}}])
    second = write(
        tmp_path / "second",
        **{
            "current-context": "two",
            "contexts": [
                {"name": "one", "context": {"cluster": "elsewhere", "user": "u"}},
                {"name": "two", "context": {"cluster": "c", "user": "v"}},
            ],
            "users": [
                {"name": "u", "user": {"username": "never-mixed-in", "password": "x"}},
                {"name": "v", "user": {"token": "from-second"}},
            ],
        },
    )
    env = {"KUBECONFIG": f"{first}:{second}"}
    current = load_access(env, home=HOME)
    assert (current.context, current.cluster.server) == ("one", "https://a.example:6443")
    assert (current.user.token, current.user.username) == ("from-first", "")
    assert load_access(env, home=HOME, context="two").user.token == "from-second"
    assert known_contexts(env, home=HOME) == ("one", "two")


def test_files_of_the_list_that_are_missing_are_passed_over(tmp_path: Path) -> None:
    config = write(tmp_path / "config")
    assert load_access({"KUBECONFIG": f"{tmp_path / 'none'}:{config}"}, home=HOME).context == "one"


def test_relative_paths_start_at_their_own_file(tmp_path: Path) -> None:
    cluster = {"server": "https://a", "certificate-authority": "pki/ca.crt"}
    user = {"client-certificate": "me.crt", "client-key": "/abs/me.key", "tokenFile": "token"}
    first = write(tmp_path / "x" / "config", clusters=[], users=[{"name": "u", "user": user}])
    second = write(tmp_path / "y" / "config", clusters=[{"name": "c", "cluster": cluster}], users=[])
    found = load_access({"KUBECONFIG": f"{first}:{second}"}, home=HOME)
    assert found.cluster.authority == Blob(file=tmp_path / "y" / "pki" / "ca.crt")
    assert found.user.certificate == Blob(file=tmp_path / "x" / "me.crt")
    assert found.user.key == Blob(file=Path("/abs/me.key"))
    assert found.user.token_file == tmp_path / "x" / "token"


def test_data_stands_in_the_file_itself(tmp_path: Path) -> None:
    cluster = {
        "server": "https://a/",
        "certificate-authority-data": base64.b64encode(b"PEM").decode(),
        "tls-server-name": "api",
        "proxy-url": "http://proxy:3128",
    }
    found = load_access({}, home=HOME, kubeconfig=write(tmp_path / "f", clusters=[{"name": "c", "cluster": cluster}]))
    assert found.cluster.authority == Blob(data=b"PEM")
    assert (found.cluster.server, found.cluster.tls_server_name) == ("https://a", "api")
    assert (found.cluster.proxy_url, found.cluster.is_verified) == ("http://proxy:3128", True)


def test_a_server_may_go_unverified_when_the_kubeconfig_says_so(tmp_path: Path) -> None:
    cluster = {"server": "https://a/", "insecure-skip-tls-verify": True}
    found = load_access({}, home=HOME, kubeconfig=write(tmp_path / "f", clusters=[{"name": "c", "cluster": cluster}]))
    assert not found.cluster.is_verified


def test_impersonation_becomes_headers(tmp_path: Path) -> None:
    user = {"as": "eve", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": {"reason": ["drill"]}}
    found = load_access({}, home=HOME, kubeconfig=write(tmp_path / "f", users=[{"name": "u", "user": user}]))
    assert found.user.impersonation == (
        ("Impersonate-User", "eve"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-reason", "drill"),
    )


def test_a_context_without_user_is_anonymous(tmp_path: Path) -> None:
    contexts = [{"name": "one", "context": {"cluster": "c"}}]
    found = load_access({}, home=HOME, kubeconfig=write(tmp_path / "f", contexts=contexts))
    assert (found.user.name, found.user.token, found.namespace) == ("", "", "default")


def test_yaml_is_read_as_well_as_json(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        "current-context: one\ncontexts:\n- name: one\n  context: {cluster: c, user: u}\n"
        "clusters:\n- name: c\n  cluster:\n    server: https://a\nusers:\n- name: u\n  user: {token: 1e10}\n"
    )
    assert load_access({}, home=HOME, kubeconfig=path).cluster.server == "https://a"


def test_broken_yaml_is_named_by_line_and_never_quoted(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("users:\n- name: u\n  user:\n    token: s3cr3t-token: more\n")
    error = failure(path)
    assert "line 4" in error.context[0]
    assert str(path) in error.context[0]
    assert "s3cr3t" not in " ".join([str(error), *error.context, error.hint])


# kubectl refuses this too: one of the two was forgotten, and no one can tell which.
UNSURE = {"server": "https://a", "certificate-authority": "ca.crt", "insecure-skip-tls-verify": True}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"current-context": ""}, "no current-context is set"),
        ({"current-context": "gone"}, "there is no context 'gone'"),
        ({"clusters": []}, "context 'one' names cluster 'c', which no file defines (known: none)"),
        ({"users": [{"name": "w", "user": {}}]}, "context 'one' names user 'u', which no file defines (known: w)"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, "cluster 'c' has no server"),
        (
            {"clusters": [{"name": "c", "cluster": UNSURE}]},
            "a certificate-authority, and insecure-skip-tls-verify: true",
        ),
        ({"contexts": [{"name": "one", "context": {"user": "u"}}]}, "context 'one' names no cluster"),
        ({"users": [{"name": "u"}, {"name": "u"}]}, "users names 'u' twice"),
        ({"clusters": [{"name": "c", "cluster": {"server": "a", "certificate-authority-data": "!"}}]}, "is not base64"),
    ],
)
def test_what_does_not_fit_together_is_named(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    assert expected in " ".join(failure(write(tmp_path / "config", **changes)).context)


@pytest.mark.parametrize(
    ("plural", "key", "owner"),
    [
        ("clusters", "certificate-authority", "cluster 'c'"),
        ("users", "client-certificate", "user 'u'"),
        ("users", "client-key", "user 'u'"),
    ],
)
def test_a_file_and_data_for_the_same_are_refused_as_kubectl_does(
    tmp_path: Path, plural: str, key: str, owner: str
) -> None:
    both = {"server": "https://a", key: "some.pem", f"{key}-data": base64.b64encode(b"PEM").decode()}
    entries = [{"name": owner.split("'")[1], plural.removesuffix("s"): both}]
    error = failure(write(tmp_path / "config", **{plural: entries}))
    assert error.context == (f"{tmp_path / 'config'}: {owner} has both {key} and {key}-data",)
    assert error.hint == f"take {key} or {key}-data out"


def test_an_unknown_context_lists_the_known_ones(tmp_path: Path) -> None:
    error = failure(write(tmp_path / "config"), context="prod")
    assert error.context[-1] == "known contexts: one"


def test_a_context_without_any_kubeconfig_offers_what_there_is() -> None:
    with pytest.raises(KubeconfigError) as caught:
        resolve_context(merge_files([]), "prod")
    assert "--context sandbox" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"- a\n", "a mapping is needed"), (b"\xff\xfe", "not UTF-8"), (b"a: [", "line 2")]
)
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    assert expected in failure(path).context[0]


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    assert "there is no such file" in failure(tmp_path / "none").context[0]


def test_without_any_kubeconfig_every_place_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    with pytest.raises(KubeconfigError) as caught:
        load_access({"KUBECONFIG": f"{tmp_path / 'none'}:{empty}"}, home=HOME, service_account=tmp_path)
    assert caught.value.context == (f"{tmp_path / 'none'}: there is no such file", f"{empty}: names no cluster")


def test_a_pod_uses_its_service_account(tmp_path: Path) -> None:
    for name, text in {"token": "abc", "ca.crt": "PEM", "namespace": "shop\n"}.items():
        (tmp_path / name).write_text(text)
    env = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    found = load_access(env, home=HOME, service_account=tmp_path)
    assert (found.context, found.namespace) == ("in-cluster", "shop")
    assert found.cluster.server == "https://[fd00::1]:6443"
    assert found.user.token_file == tmp_path / "token"
    assert found.cluster.authority == Blob(file=tmp_path / "ca.crt")


def test_a_kubeconfig_wins_over_the_pods_own_account(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    env = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBECONFIG": str(write(tmp_path / "config"))}
    assert load_access(env, home=HOME, service_account=tmp_path).context == "one"


def test_outside_a_pod_there_is_no_service_account(tmp_path: Path) -> None:
    assert in_cluster_access({}, tmp_path) is None
    assert in_cluster_access({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path) is None


def test_a_kubeconfig_may_come_through_a_pipe(tmp_path: Path) -> None:
    content = write(tmp_path / "config").read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    found = load_access({}, home=HOME, kubeconfig=pipe)
    writer.join()
    assert found.user.token == "secret-token"


def test_a_file_without_end_is_an_error(tmp_path: Path) -> None:
    assert "larger than" in failure(Path("/dev/zero")).context[0]


def test_a_pipe_that_no_one_writes_to_is_an_error(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="did not end within"):
        read_bounded(pipe, timeout_s=0.05)


def test_what_is_named_as_a_file_is_waited_for_no_longer_than_the_command_has(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(KubeconfigError, match="reading") as caught:
        load_access({}, home=HOME, kubeconfig=pipe, timeout_s=0.05)
    assert "did not end within 0.05 s" in caught.value.context[0]
    with pytest.raises(KubeconfigError):
        authority_of(Blob(file=pipe), timeout_s=0.05)
    user = UserEntry(name="a", token_file=pipe)
    with pytest.raises(CredentialsError):
        TokenFileCredentials(user, clock=FakeClock(), budget=lambda: 0.05).headers()


def test_deep_json_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text('{"a":' * 100_000)
    assert "nested deeper" in failure(path).context[0]


def test_relative_paths_start_at_a_kubeconfig_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "config", users=[{"name": "u", "user": {"tokenFile": "token"}}])
    found = load_access({}, home=HOME, kubeconfig=Path("config"))
    assert (found.user.folder, found.user.token_file) == (tmp_path, tmp_path / "token")


@pytest.mark.parametrize(
    "text",
    [
        "certificate-authority-data: |\n      UEVNIGJ5\n      dGVz\n",
        "certificate-authority-data: UEVNIGJ5dGVz\n",
        "certificate-authority-data: !!binary VUVWTklHSjVkR1Z6\n",
        "<<: *trust\n",
    ],
    ids=["wrapped", "plain", "binary", "merge key"],
)
def test_data_is_read_however_kubectl_reads_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(
        "x: &trust {certificate-authority-data: UEVNIGJ5dGVz}\n"
        "current-context: one\n"
        "contexts: [{name: one, context: {cluster: c}}]\n"
        f"clusters:\n- name: c\n  cluster:\n    server: https://a.example\n    {text}"
        "---\nkind: Another\n"
    )
    assert load_access({}, home=HOME, kubeconfig=path).cluster.authority == Blob(data=b"PEM bytes")
