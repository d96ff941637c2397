"""What Pod Security's baseline refuses of a pod and its containers. Layer: planning, pure.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards, "Baseline". What it allows is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import Body, items_at, list_at, mapping_at, text_at, value_at

_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
_SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
})  # fmt: skip
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_PROFILES = frozenset({"", "RuntimeDefault", "Localhost"})
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_PROBES = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_KIND = "privileged"


def pod_privileges(pod: Body, annotations: Body) -> Iterator[tuple[str, str]]:
    """Yield what the baseline refuses of a pod itself; ``annotations`` are the pod's own."""
    for shared in ("hostNetwork", "hostPID", "hostIPC"):
        if value_at(pod, shared) is True:
            yield _KIND, f"uses {shared}"
    for key, value in annotations.items():
        if key.startswith(_APPARMOR) and value != "runtime/default" and not str(value).startswith("localhost/"):
            yield _KIND, f"runs {key.removeprefix(_APPARMOR)} with the AppArmor profile {value}"
    yield from _context_privileges(mapping_at(pod, "securityContext"), "the pod")


def container_privileges(container: Body) -> Iterator[tuple[str, str]]:
    """Yield what the baseline refuses of one container."""
    name = f"container {text_at(container, 'name')}"
    yield from _context_privileges(mapping_at(container, "securityContext"), name)
    for port in items_at(container, "ports"):
        if value_at(port, "hostPort"):
            yield _KIND, f"{name} takes port {value_at(port, 'hostPort')} of its node"
    for probe in _PROBES:
        for action in ("httpGet", "tcpSocket"):
            if host := text_at(container, *probe, action, "host"):
                yield _KIND, f"{name} has its {probe[-1]} sent to {host}"


def _context_privileges(context: Body, whose: str) -> Iterator[tuple[str, str]]:
    """Judge a security context: one of a pod and one of a container differ in which of these they may hold."""
    if value_at(context, "privileged") is True:
        yield _KIND, f"{whose} is privileged"
    for capability in list_at(context, "capabilities", "add"):
        if capability not in _CAPABILITIES:
            yield _KIND, f"{whose} has the capability {capability}"
    if (mount := text_at(context, "procMount")) not in {"", "Default"}:
        yield _KIND, f"{whose} has procMount {mount}"
    for field, words in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        if (profile := text_at(context, field, "type")) not in _PROFILES:
            yield _KIND, f"{whose} has the {words} profile {profile}"
    yield from _selinux(mapping_at(context, "seLinuxOptions"), whose)
    for sysctl in items_at(context, "sysctls"):
        if (name := text_at(sysctl, "name")) not in _SYSCTLS:
            yield _KIND, f"{whose} sets the sysctl {name}"
    if value_at(context, "windowsOptions", "hostProcess") is True:
        yield _KIND, f"{whose} runs as a process of its host"


def _selinux(options: Body, whose: str) -> Iterator[tuple[str, str]]:
    if (kind := text_at(options, "type")) not in _SELINUX_TYPES:
        yield _KIND, f"{whose} has the SELinux type {kind}"
    for part in ("user", "role"):
        if text := text_at(options, part):
            yield _KIND, f"{whose} has the SELinux {part} {text}"
