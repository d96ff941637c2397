"""The ports and command-line flags of the four programs of the test control plane. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SERVICE_RANGE = "10.96.0.0/16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of 127.0.0.1 that one control plane uses."""

    etcd: int
    etcd_peer: int
    api: int
    controllers: int
    scheduler: int
    kubelet: int


def program_flags(folder: Path, ports: Ports) -> dict[str, list[str]]:
    """Return the flags of each program; keys, certificates and kubeconfigs are in `folder`."""
    pki, config = folder / "pki", folder / "kubeconfigs" / "admin.kubeconfig"
    client, peer = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
    fast = {
        "kubeconfig": config,
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        "kube-api-qps": 300,
        "kube-api-burst": 600,
    }
    own_access = {"authentication-kubeconfig": config, "authorization-kubeconfig": config}
    by_program: dict[str, dict[str, object]] = {
        "etcd": {
            "data-dir": folder / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        },
        "kube-apiserver": {
            "etcd-servers": client,
            "bind-address": "127.0.0.1",
            "secure-port": ports.api,
            # The Endpoints of the Service "kubernetes" must not hold a loopback address; nothing here needs them.
            "endpoint-reconciler-type": "none",
            "cert-dir": pki,
            "tls-cert-file": pki / "apiserver.crt",
            "tls-private-key-file": pki / "apiserver.key",
            "client-ca-file": pki / "ca.crt",
            # No aggregated API servers here; without these the controllers log an error every ten seconds.
            "requestheader-client-ca-file": pki / "ca.crt",
            "requestheader-allowed-names": "front-proxy",
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "token-auth-file": folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": pki / "serviceaccounts.pub",
            "service-account-signing-key-file": pki / "serviceaccounts.key",
            "service-cluster-ip-range": SERVICE_RANGE,
            "kubelet-client-certificate": pki / "kubelet-client.crt",
            "kubelet-client-key": pki / "kubelet-client.key",
            "kubelet-preferred-address-types": "InternalIP",
            "allow-privileged": "true",
        },
        "kube-controller-manager": {
            **fast,
            **own_access,
            "secure-port": ports.controllers,
            "cert-dir": pki,
            "root-ca-file": pki / "ca.crt",
            "service-account-private-key-file": pki / "serviceaccounts.key",
            "use-service-account-credentials": "false",
        },
        "kube-scheduler": {**fast, **own_access, "secure-port": ports.scheduler, "cert-dir": pki},
    }
    return {name: [f"--{flag}={value}" for flag, value in flags.items()] for name, flags in by_program.items()}
