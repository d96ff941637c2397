"""Kubeconfig files as kubectl reads them. Layer: adapter; pure but for `read_files` and `in_cluster_access`."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import syntax
from bundler.cluster.files import TIMEOUT_S, read_bounded
from bundler.errors.cluster import KubeconfigError
from bundler.model.json import decode_json, items_at, list_at, mapping_at, text_at, value_at
from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import Body, JSONValue

MAX_FILE_BYTES = 10 * 1024 * 1024
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_NO_CLUSTER_HINT = "set KUBECONFIG or --kubeconfig, or use the embedded cluster with --context sandbox"
_CHECK_HINT = "correct the file, or choose another with --kubeconfig or KUBECONFIG"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that a kubeconfig holds itself, or that are in a file which is read when they are needed."""

    data: bytes = b""
    file: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.data) or self.file is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEntry:
    """Where a cluster is and how to trust it."""

    server: str
    authority: Blob = Blob()
    is_verified: bool = True
    tls_server_name: str = ""
    proxy_url: str = ""
    exec_config: JSONValue = None
    """What the cluster entry holds for credential plugins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEntry:
    """Who we are. ``raw`` is the entry as written, for what is read only where it is used (exec, auth-provider)."""

    name: str = ""
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    certificate: Blob = field(default=Blob(), repr=False)
    key: Blob = field(default=Blob(), repr=False)
    impersonation: tuple[tuple[str, str], ...] = ()
    exec: Body | None = field(default=None, repr=False)
    auth_provider: Body | None = field(default=None, repr=False)
    folder: Path = Path()
    """Where the file that names this user lies; relative paths start there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """One context, resolved: everything needed to speak to one API server."""

    context: str
    namespace: str
    cluster: ClusterEntry
    user: UserEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """One entry of a merged kubeconfig and the file it came from."""

    body: Body
    file: Path

    @property
    def folder(self) -> Path:
        return self.file.parent.absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """Several files merged: the first one that names an entry, or the current context, wins."""

    files: tuple[Path, ...]
    current_context: str
    contexts: Mapping[str, _Named]
    clusters: Mapping[str, _Named]
    users: Mapping[str, _Named]


def kubeconfig_paths(env: Mapping[str, str], *, home: Path, explicit: Path | None) -> tuple[Path, ...]:
    """Return the files to read, first wins.

    Args:
        env: environment variables.
        home: the user's home folder.
        explicit: file named on the command line.

    Source: kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig, "Merging kubeconfig files".
    """
    if explicit is not None:
        return (explicit,)
    listed = [part for part in env.get("KUBECONFIG", "").split(":") if part]
    return tuple(dict.fromkeys(map(Path, listed))) if listed else (home / ".kube" / "config",)


def load_access(
    env: Mapping[str, str],
    *,
    home: Path,
    kubeconfig: Path | None = None,
    context: str = "",
    service_account: Path = SERVICE_ACCOUNT,
    timeout_s: float = TIMEOUT_S,
) -> ClusterAccess:
    """Find out which cluster is meant and how to reach it; inside a pod without kubeconfig, its own cluster.

    Args:
        env: environment variables.
        home: the user's home folder.
        kubeconfig: the file named on the command line; None for the default.
        context: name of the context; empty for the current one.
        service_account: folder of the pod's service account.
        timeout_s: seconds to wait for a pipe that is named as a file.

    Raises:
        KubeconfigError: no file, a broken file, or a context that cannot be used.
    """
    paths = kubeconfig_paths(env, home=home, explicit=kubeconfig)
    config = merge_files(read_files(paths, must_exist=kubeconfig is not None, timeout_s=timeout_s))
    if not config.contexts and not config.clusters and not context:
        found = in_cluster_access(env, service_account)
        if found is not None:
            return found
        raise _no_kubeconfig(paths, config)
    return resolve_context(config, context)


def known_contexts(env: Mapping[str, str], *, home: Path, kubeconfig: Path | None = None) -> tuple[str, ...]:
    """Return the names of all contexts, sorted; none where there is no kubeconfig.

    Args:
        env: environment variables.
        home: the user's home folder.
        kubeconfig: the file named on the command line; None for the default.

    Raises:
        KubeconfigError: a broken file, or an explicit one that is missing.
    """
    paths = kubeconfig_paths(env, home=home, explicit=kubeconfig)
    return tuple(sorted(merge_files(read_files(paths, must_exist=kubeconfig is not None)).contexts))


def read_files(paths: Sequence[Path], *, must_exist: bool, timeout_s: float = TIMEOUT_S) -> list[tuple[Path, Body]]:
    """Read and parse kubeconfig files; missing ones are passed over as kubectl does, unless one was asked for.

    Args:
        paths: of the files, in the order in which they are merged.
        must_exist: a missing file is an error.
        timeout_s: seconds to wait for each that is a pipe.

    Raises:
        KubeconfigError: when a file is missing and must not be, cannot be read, or is not YAML.
    """
    parsed = []
    for path in paths:
        try:
            text = read_bounded(path, max_bytes=MAX_FILE_BYTES, timeout_s=timeout_s)
        except FileNotFoundError as error:
            if must_exist:
                hint = "check the path, or leave it out to use KUBECONFIG or ~/.kube/config"
                raise _broken(path, "there is no such file", hint=hint) from error
            continue
        except OSError as error:
            raise _broken(path, error.strerror or str(error)) from error
        except ValueError as error:
            raise _broken(path, "not the name of a file") from error
        parsed.append((path, parse_kubeconfig(path, text)))
    return parsed


def parse_kubeconfig(path: Path, content: bytes) -> Body:
    """Parse one file; ``path`` is only for messages. Never shows the text itself, which holds credentials.

    Raises:
        KubeconfigError: naming line and column where it is not YAML.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _broken(path, f"not UTF-8 at byte {error.start}") from error
    parsed = _parse_text(path, text)
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise _broken(path, f"a mapping is needed at the top, found {type(parsed).__name__}")
    return parsed


def _parse_text(path: Path, text: str) -> JSONValue:
    if text.lstrip().startswith("{"):
        try:
            return decode_json(text)
        except ValueError:
            pass  # a YAML flow mapping starts the same way
    # YAML is loaded only where it is needed: 15 ms that a JSON kubeconfig and an in-cluster run do not pay.

    try:
        return syntax.reader.read_first(text)
    except syntax.events.YamlSyntaxError as error:
        raise _broken(path, f"line {error.line}, column {error.column}: {error.problem}") from error


def merge_files(parsed: Sequence[tuple[Path, Body]]) -> Kubeconfig:
    """Merge files, first wins: a whole entry, never fields of two.

    Raises:
        KubeconfigError: when one file names an entry twice.
    """
    return Kubeconfig(
        files=tuple(path for path, _ in parsed),
        current_context=next(
            (text_at(body, "current-context") for _, body in parsed if text_at(body, "current-context")), ""
        ),
        contexts=_entries(parsed, "contexts", "context"),
        clusters=_entries(parsed, "clusters", "cluster"),
        users=_entries(parsed, "users", "user"),
    )


def _entries(parsed: Sequence[tuple[Path, Body]], plural: str, singular: str) -> dict[str, _Named]:
    merged: dict[str, _Named] = {}
    for path, body in parsed:
        in_file: dict[str, _Named] = {}
        for item in items_at(body, plural):
            name = str(value_at(item, "name") or "")
            if name in in_file:
                raise _broken(path, f"{plural} names {name!r} twice")
            in_file[name] = _Named(body=mapping_at(item, singular), file=path)
        merged = {**in_file, **merged}
    return merged


def resolve_context(config: Kubeconfig, context: str) -> ClusterAccess:
    """Return what a context means; the current one where none is named.

    Raises:
        KubeconfigError: when it, its cluster or its user does not exist.
    """
    name = context or config.current_context
    known = ", ".join(sorted(config.contexts)) or "none"
    files = ", ".join(map(str, config.files)) or "no file"
    if not name:
        raise KubeconfigError(
            "choosing a kubeconfig context",
            context=[f"{files}: no current-context is set", f"known contexts: {known}"],
            hint="name one with --context, or run `kubectl config use-context NAME`",
        )
    entry = config.contexts.get(name)
    if entry is None:
        raise KubeconfigError(
            "choosing a kubeconfig context",
            context=[f"{files}: there is no context {name!r}", f"known contexts: {known}"],
            hint="name one of the known contexts with --context" if config.contexts else _NO_CLUSTER_HINT,
        )
    cluster = _part_of(entry, name, "cluster", config.clusters)
    if cluster is None:
        raise _broken(entry.file, f"context {name!r} names no cluster")
    user_name = str(value_at(entry.body, "user") or "")
    user = _part_of(entry, name, "user", config.users)
    return ClusterAccess(
        context=name,
        namespace=str(value_at(entry.body, "namespace") or "") or "default",
        cluster=_cluster_entry(cluster, str(value_at(entry.body, "cluster"))),
        user=_user_entry(user, user_name) if user else UserEntry(),
    )


def _part_of(context: _Named, name: str, part: str, entries: Mapping[str, _Named]) -> _Named | None:
    wanted = str(value_at(context.body, part) or "")
    if not wanted:
        return None
    if wanted not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise _broken(context.file, f"context {name!r} names {part} {wanted!r}, which no file defines (known: {known})")
    return entries[wanted]


def _cluster_entry(entry: _Named, name: str) -> ClusterEntry:
    body = entry.body
    server = text_at(body, "server")
    if not server:
        raise _broken(entry.file, f"cluster {name!r} has no server")
    extension = (
        item for item in items_at(body, "extensions") if text_at(item, "name") == "client.authentication.k8s.io/exec"
    )
    authority, is_verified = (
        _blob(entry, "certificate-authority", owner=f"cluster {name!r}"),
        value_at(body, "insecure-skip-tls-verify") is not True,
    )
    if authority and not is_verified:
        raise _broken(entry.file, f"cluster {name!r} has a certificate-authority, and insecure-skip-tls-verify: true")
    return ClusterEntry(
        server=(server if "://" in server else f"https://{server}").rstrip("/"),
        authority=authority,
        is_verified=is_verified,
        tls_server_name=text_at(body, "tls-server-name"),
        proxy_url=text_at(body, "proxy-url"),
        exec_config=next((value_at(item, "extension") for item in extension), None),
    )


def _user_entry(entry: _Named, name: str) -> UserEntry:
    body = entry.body
    token_file = text_at(body, "tokenFile")
    exec_plugin, provider = mapping_at(body, "exec"), mapping_at(body, "auth-provider")
    return UserEntry(
        name=name,
        token=str(value_at(body, "token") or ""),
        token_file=entry.folder / token_file if token_file else None,
        username=str(value_at(body, "username") or ""),
        password=str(value_at(body, "password") or ""),
        certificate=_blob(entry, "client-certificate", owner=f"user {name!r}"),
        key=_blob(entry, "client-key", owner=f"user {name!r}"),
        impersonation=_impersonation(body),
        exec=exec_plugin or None,
        auth_provider=provider or None,
        folder=entry.folder,
    )


def _impersonation(body: Body) -> tuple[tuple[str, str], ...]:
    """Return the headers that ask the server to treat us as someone else."""
    headers = [("Impersonate-User", text_at(body, "as")), ("Impersonate-Uid", text_at(body, "as-uid"))]
    headers += [("Impersonate-Group", str(group)) for group in list_at(body, "as-groups")]
    for key, values in mapping_at(body, "as-user-extra").items():
        headers += [(f"Impersonate-Extra-{key}", str(value)) for value in list_at({"": values}, "")]
    return tuple((name, value) for name, value in headers if value)


def _blob(entry: _Named, key: str, *, owner: str) -> Blob:
    """Return data or file of an entry; a relative file starts at its own kubeconfig.

    Source: k8s.io/client-go/tools/clientcmd, validation.go: only one of the two may be given.
    """
    data, file = text_at(entry.body, f"{key}-data"), text_at(entry.body, key)
    if data and file:
        hint = f"take {key} or {key}-data out"
        raise _broken(entry.file, f"{owner} has both {key} and {key}-data", hint=hint)
    if data:
        try:
            # Go's decoder passes over line ends, and over nothing else.
            return Blob(data=base64.b64decode(data.replace("\r", "").replace("\n", ""), validate=True))
        except binascii.Error as error:
            raise _broken(entry.file, f"{key}-data is not base64") from error
    return Blob(file=entry.folder / file) if file else Blob()


def in_cluster_access(env: Mapping[str, str], service_account: Path = SERVICE_ACCOUNT) -> ClusterAccess | None:
    """Return access through the pod's own ServiceAccount, None where we do not run in a pod.

    Source: kubernetes.io/docs/tasks/run-application/access-api-from-pod.
    """
    host, port = env.get("KUBERNETES_SERVICE_HOST", ""), env.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (service_account / "token").is_file():
        return None
    return pod_access(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}", service_account)


def pod_access(server: str, service_account: Path = SERVICE_ACCOUNT) -> ClusterAccess:
    """Return access to an API server by the files of a ServiceAccount.

    Raises:
        KubeconfigError: when there is no token.
    """
    token, authority = service_account / "token", service_account / "ca.crt"
    if not token.is_file():
        hint = "run this in a pod with a ServiceAccount, or connect by a kubeconfig"
        raise _broken(token, "there is no such file", hint=hint)
    return ClusterAccess(
        context="in-cluster",
        namespace=_namespace_of(service_account / "namespace") or "default",
        cluster=ClusterEntry(
            server=server.rstrip("/"), authority=Blob(file=authority) if authority.is_file() else Blob()
        ),
        user=UserEntry(name="in-cluster", token_file=token),
    )


def _namespace_of(file: Path) -> str:
    try:
        return read_bounded(file).decode().strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise _broken(file, "not the name of a namespace", hint="check the pod's service account volume") from error


def _no_kubeconfig(paths: Sequence[Path], config: Kubeconfig) -> KubeconfigError:
    return KubeconfigError(
        "looking for a cluster",
        context=[
            f"{path}: {'names no cluster' if path in config.files else 'there is no such file'}" for path in paths
        ],
        hint=_NO_CLUSTER_HINT,
    )


def _broken(path: Path, problem: str, *, hint: str = _CHECK_HINT) -> KubeconfigError:
    return KubeconfigError("reading the kubeconfig", context=[f"{path}: {problem}"], hint=hint)
