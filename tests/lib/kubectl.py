"""The few commands of `kubectl` that the manuals use, on the real API; everything else is refused.

    python -m tests.lib.kubectl create|apply|get|wait|delete|patch|annotate …

It speaks plain HTTP to the server that $KUBECONFIG names, and shares no code with bundler. What it prints, and when it
fails, are those of kubectl; a word that it does not know ends it with exit code 64.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from tests.lib.raw_api import APPLY_PATCH, MERGE_PATCH, ApiError, RawApi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNKNOWN = 64
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
RBAC = "rbac.authorization.k8s.io"
UNITS_S = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Kind:
    """Where objects of a kind are."""

    plural: str
    version: str
    is_namespaced: bool = True

    @property
    def shown(self) -> str:
        """As kubectl names it: ``deployment.apps``."""
        group = self.version.rpartition("/")[0]
        return f"{self.plural.removesuffix('s')}{'.' if group else ''}{group}"

    def path(self, namespace: str, name: str = "") -> str:
        root = f"/apis/{self.version}" if "/" in self.version else f"/api/{self.version}"
        place = f"{root}/namespaces/{namespace}" if self.is_namespaced else root
        return f"{place}/{self.plural}{'/' if name else ''}{name}"


KINDS = (
    Kind("namespaces", "v1", is_namespaced=False),
    Kind("configmaps", "v1"),
    Kind("serviceaccounts", "v1"),
    Kind("deployments", "apps/v1"),
    Kind("roles", f"{RBAC}/v1"),
    Kind("rolebindings", f"{RBAC}/v1"),
    Kind("clusterroles", f"{RBAC}/v1", is_namespaced=False),
    Kind("clusterrolebindings", f"{RBAC}/v1", is_namespaced=False),
    Kind("releases", "bundler.dev/v1"),
)
WORDS = {word: kind for kind in KINDS for word in (kind.plural, kind.plural.removesuffix("s"))}
WORDS |= {"rls": WORDS["releases"], "deploy": WORDS["deployments"]}


def refuse(what: str) -> NoReturn:
    """End: this is not one of the commands that are known here."""
    print(f"this is not a kubectl, and does not know {what}", file=sys.stderr)
    raise SystemExit(UNKNOWN)


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know with an exit code of its own."""

    def error(self, message: str) -> NoReturn:
        refuse(message)


def api() -> RawApi:
    """Return the API as the user of the current kubeconfig."""
    path = Path(os.environ["KUBECONFIG"])
    config = yaml.safe_load(path.read_text())
    named = {one["name"]: one["context"] for one in config["contexts"]}[config["current-context"]]
    cluster = {one["name"]: one["cluster"] for one in config["clusters"]}[named["cluster"]]
    user = {one["name"]: one["user"] for one in config["users"]}[named["user"]]
    with NamedTemporaryFile() as authority:
        authority.write(b64decode(cluster["certificate-authority-data"]))
        authority.flush()
        return RawApi(cluster["server"], Path(authority.name), user["token"])


def kind_of(word: str) -> Kind:
    """Return a kind by its singular, plural or short name."""
    return WORDS.get(word.partition(".")[0]) or refuse(word)


def object_of(words: Sequence[str]) -> tuple[Kind, str]:
    """Read ``KIND NAME`` or ``KIND/NAME``."""
    kind, _, name = "/".join(words).partition("/")
    if not name or "/" in name:
        refuse(" ".join(words))
    return kind_of(kind), name


def seconds(text: str) -> float:
    """Read ``10m``."""
    return float(text[:-1]) * UNITS_S[text[-1]]


def create(args: argparse.Namespace) -> None:
    """Create a Namespace, a ServiceAccount, a ConfigMap of files or a ClusterRoleBinding."""
    kind, name = object_of(args.words)
    body: dict[str, Any] = {"metadata": {"name": name}}
    if kind.plural == "configmaps":
        pairs = [one.partition("=") for one in args.from_file]
        body["data"] = {key if path else Path(key).name: Path(path or key).read_text() for key, _, path in pairs}
    elif kind.plural == "clusterrolebindings":
        namespace, _, account = args.serviceaccount.partition(":")
        body["roleRef"] = {"apiGroup": RBAC, "kind": "ClusterRole", "name": args.clusterrole}
        body["subjects"] = [{"kind": "ServiceAccount", "namespace": namespace, "name": account}]
    elif kind.plural not in {"namespaces", "serviceaccounts"}:
        refuse(f"create {kind.plural}")
    api().call("POST", kind.path(args.namespace), body)
    print(f"{kind.shown}/{name} created")


def apply(args: argparse.Namespace) -> None:
    """Apply every object of a file, or of standard input."""
    text = sys.stdin.read() if args.filename == "-" else Path(args.filename).read_text()
    client = api()
    for body in filter(None, yaml.safe_load_all(text)):
        for one in body.get("items", [body]):
            kind, name = kind_of(f"{one['kind'].lower()}s"), one["metadata"]["name"]
            path = kind.path(one["metadata"].get("namespace", args.namespace), name)
            before = read(client, path)
            content = json.dumps(one).encode()
            client.call("PATCH", f"{path}?fieldManager=kubectl&force=true", content, content_type=APPLY_PATCH)
            print(f"{kind.shown}/{name} {'created' if before is None else 'configured'}")


def read(client: RawApi, path: str) -> dict[str, Any] | None:
    """Return an object; None where there is none."""
    try:
        found: dict[str, Any] = client.call("GET", path)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return found


def get(args: argparse.Namespace) -> None:
    """Print the table that the server makes of objects."""
    kind = kind_of(args.words[0])
    name = object_of(args.words)[1] if len(args.words) > 1 else ""
    client = api()
    client._headers = lambda _: {"Authorization": f"Bearer {client._token}", "Accept": TABLE}  # type: ignore[method-assign]
    found = client.call("GET", kind.path(args.namespace, name))
    shown = [at for at, one in enumerate(found["columnDefinitions"]) if not one.get("priority")]
    rows = [[found["columnDefinitions"][at]["name"].upper() for at in shown]]
    rows += [[str(row["cells"][at] if row["cells"][at] is not None else "") for at in shown] for row in found["rows"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def wait(args: argparse.Namespace) -> None:
    """Wait until an object exists, is gone, or has a condition that is no older than the object."""
    kind, name = object_of(args.words)
    what, _, rest = args.wanted.partition("=")
    condition, _, status = rest.partition("=")
    if what not in {"create", "delete", "condition"}:
        refuse(f"--for={args.wanted}")

    def is_met(found: dict[str, Any] | None) -> bool:
        if what != "condition" or found is None:
            return (found is None) == (what == "delete")
        return any(
            _fits(one, found, condition, status or "True") for one in found.get("status", {}).get("conditions", ())
        )

    until(kind, name, args, is_met)
    print(f"{kind.shown}/{name} {'condition met' if what != 'delete' else 'deleted'}")


def _fits(one: dict[str, Any], found: dict[str, Any], condition: str, status: str) -> bool:
    seen = one.get("observedGeneration", found["metadata"].get("generation"))
    is_new = seen >= found["metadata"].get("generation", 0)
    return is_new and one["type"].lower() == condition.lower() and one["status"] == status


def until(kind: Kind, name: str, args: argparse.Namespace, is_met: Callable[[dict[str, Any] | None], bool]) -> None:
    """Read an object again and again until something is so."""
    client, end_s = api(), time.monotonic() + seconds(args.timeout)
    while not is_met(found := read(client, kind.path(args.namespace, name))):
        if time.monotonic() > end_s:
            print(f"error: timed out waiting for {args.command} on {kind.plural}/{name}", file=sys.stderr)
            print(json.dumps((found or {}).get("status"), indent=1), file=sys.stderr)
            raise SystemExit(1)
        time.sleep(0.1)


def delete(args: argparse.Namespace) -> None:
    """Delete an object, and wait until it is gone, or there is another one of its name."""
    kind, name = object_of(args.words)
    client = api()
    uid = client.call("GET", kind.path(args.namespace, name))["metadata"]["uid"]
    client.call("DELETE", kind.path(args.namespace, name))
    print(f'{kind.shown} "{name}" deleted')
    until(kind, name, args, lambda found: found is None or found["metadata"]["uid"] != uid)


def patch(args: argparse.Namespace) -> None:
    """Merge a patch into an object."""
    kind, name = object_of(args.words)
    if args.type != "merge":
        refuse(f"--type {args.type}")
    api().call("PATCH", kind.path(args.namespace, name), json.loads(args.patch), content_type=MERGE_PATCH)
    print(f"{kind.shown}/{name} patched")


def annotate(args: argparse.Namespace) -> None:
    """Set annotations."""
    pairs = [one.partition("=") for one in args.words if "=" in one]
    kind, name = object_of([one for one in args.words if "=" not in one])
    notes = {key: text for key, _, text in pairs}
    api().call("PATCH", kind.path(args.namespace, name), {"metadata": {"annotations": notes}}, content_type=MERGE_PATCH)
    print(f"{kind.shown}/{name} annotated")


COMMANDS = {"create": create, "apply": apply, "get": get, "wait": wait, "delete": delete, "patch": patch}
COMMANDS["annotate"] = annotate
OPTIONS: dict[str, tuple[tuple[tuple[str, ...], dict[str, Any]], ...]] = {
    "create": (
        (("--from-file",), {"action": "append", "default": []}),
        (("--clusterrole",), {}),
        (("--serviceaccount",), {}),
    ),
    "apply": ((("-f", "--filename"), {"required": True}),),
    "wait": ((("--for",), {"dest": "wanted", "required": True}), (("--timeout",), {"default": "30s"})),
    "delete": ((("--timeout",), {"default": "10m"}),),
    "patch": ((("--type",), {"default": "strategic"}), (("-p", "--patch"), {"required": True})),
}


def main(argv: Sequence[str]) -> None:
    """Run one command."""
    parser = Parser(prog="kubectl", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        command = commands.add_parser(name, allow_abbrev=False)
        for words, how in OPTIONS.get(name, ()):
            command.add_argument(*words, **how)
        if name != "apply":
            command.add_argument("words", nargs="+")
        command.add_argument("-n", "--namespace", default="default")
    args = parser.parse_args(argv)
    try:
        COMMANDS[args.command](args)
    except ApiError as error:
        print(f"Error from server ({error.reason}): {error}", file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main(sys.argv[1:])
