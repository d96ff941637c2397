"""The volumes of a pod: folders of this machine that its containers see at their mount paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lib.kubelet.api_access import token_request
from tests.lib.kubelet.environment import Body, ConfigError, Read, field_of
from tests.lib.kubelet.rootfs import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.lib.raw_api import RawApi

DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMaker:
    """Makes the volumes of one pod below `folder`; volumes of claims stay in `claims` for as long as the claim does."""

    api: RawApi
    folder: Path
    claims: Path
    read: Read

    def make(self, pod: Body) -> dict[str, Path]:
        """Return the folder of each volume, filled.

        Raises:
            ConfigError: where what a volume is made from does not exist.
        """
        return {volume["name"]: self._make(volume, pod) for volume in pod["spec"].get("volumes", ())}

    def _make(self, volume: Body, pod: Body) -> Path:
        group = pod["spec"].get("securityContext", {}).get("fsGroup")
        if "hostPath" in volume:
            path = self.claims.parent / "host" / volume["hostPath"]["path"].strip("/")
            path.mkdir(parents=True, exist_ok=True)
            return path
        if "persistentVolumeClaim" in volume:
            path = self.claims / self._volume_of(volume["persistentVolumeClaim"]["claimName"], pod)
            return _own(path, group, mode=0o755)
        path = self.folder / volume["name"]
        if "emptyDir" in volume:
            return _own(path, group, mode=0o777)
        path.mkdir(parents=True, exist_ok=True)
        files, modes = self._files(volume, pod)
        for name, content in files.items():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(modes.get(name, DEFAULT_MODE))
            if group is not None:
                os.chown(target, 0, group)
                target.chmod(target.stat().st_mode | 0o040)
        return path

    def _volume_of(self, claim_name: str, pod: Body) -> str:
        namespace = pod["metadata"]["namespace"]
        claim = self.api.call("GET", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim_name}")
        if claim.get("status", {}).get("phase") != "Bound":
            raise ConfigError(f'persistentvolumeclaim "{claim_name}" is not bound')
        return str(claim["spec"]["volumeName"])

    def _files(self, volume: Body, pod: Body) -> tuple[dict[str, bytes], dict[str, int]]:
        sources = volume["projected"].get("sources", ()) if "projected" in volume else (volume,)
        files: dict[str, bytes] = {}
        modes: dict[str, int] = {}
        for source in sources:
            for name, content, mode in self._items(source, pod):
                files[name] = content
                if mode is not None:
                    modes[name] = mode
        return files, modes

    def _items(self, source: Body, pod: Body) -> list[tuple[str, bytes, int | None]]:
        if "downwardAPI" in source:
            items = source["downwardAPI"].get("items", ())
            return [(one["path"], field_of(pod, one["fieldRef"]["fieldPath"]).encode(), None) for one in items]
        if "serviceAccountToken" in source:
            token = source["serviceAccountToken"]
            return [(token["path"], self._token(pod, token), None)]
        for kind, word in (("configmaps", "configMap"), ("secrets", "secret")):
            if word in source:
                return _chosen(source[word], kind, self.read)
        raise ConfigError(f"this kubelet knows no volume {', '.join(key for key in source if key != 'name')}")

    def _token(self, pod: Body, source: Body) -> bytes:
        account = pod["spec"].get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/serviceaccounts/{account}/token"
        return str(self.api.call("POST", path, token_request(pod, source))["status"]["token"]).encode()


def mounts_of(container: Body, volumes: Mapping[str, Path]) -> list[Mount]:
    """Return what a container sees of a pod's volumes."""
    mounts = []
    for mount in container.get("volumeMounts", ()):
        source = volumes[mount["name"]]
        if mount.get("subPath"):
            source /= mount["subPath"]
            if not source.exists():
                source.mkdir(parents=True)
        mounts.append(Mount(source=source, target=mount["mountPath"], read_only=bool(mount.get("readOnly"))))
    return mounts


def _chosen(source: Mapping[str, Any], kind: str, read: Read) -> list[tuple[str, bytes, int | None]]:
    name = source.get("name") or source.get("secretName", "")
    data = read(kind, name)
    if data is None and not source.get("optional"):
        raise ConfigError(f'{kind[:-1]} "{name}" not found')
    default = source.get("defaultMode")
    if "items" not in source:
        return [(key, content, default) for key, content in (data or {}).items()]
    missing = [one["key"] for one in source["items"] if one["key"] not in (data or {})]
    if missing and not source.get("optional"):
        raise ConfigError(f"{kind[:-1]} {name} has no {', '.join(missing)}")
    kept = [one for one in source["items"] if one["key"] not in missing]
    return [(one["path"], (data or {})[one["key"]], one.get("mode", default)) for one in kept]


def _own(path: Path, group: int | None, *, mode: int) -> Path:
    """Make a folder that a pod may write to; an fsGroup gets it and all that comes into it."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(mode)
    if group is not None:
        os.chown(path, -1, group)
        path.chmod(path.stat().st_mode | 0o2070)
    return path
