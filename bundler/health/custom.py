"""Readiness of custom resources without a rule of their author. Layer: rules, pure."""

from __future__ import annotations

from typing import Final

from bundler.health.generic import current, current_conditions, in_progress
from bundler.model.health import Health, Status
from bundler.model.json import Body, list_at, mapping_at
from bundler.model.refs import ObjectRef

STATUS_GRACE_S: Final = 10.0

_WITHOUT_STATUS: Final = {
    "monitoring.coreos.com": "ServiceMonitor PodMonitor PrometheusRule Probe ScrapeConfig AlertmanagerConfig",
    "traefik.io": "IngressRoute IngressRouteTCP IngressRouteUDP Middleware MiddlewareTCP ServersTransport"
    " ServersTransportTCP TLSOption TLSStore TraefikService",
    "networking.istio.io": "VirtualService DestinationRule Gateway Sidecar EnvoyFilter ServiceEntry ProxyConfig",
    "security.istio.io": "PeerAuthentication RequestAuthentication AuthorizationPolicy",
    "telemetry.istio.io": "Telemetry",
    "crd.projectcalico.org": "NetworkPolicy GlobalNetworkPolicy NetworkSet GlobalNetworkSet FelixConfiguration"
    " BGPConfiguration BGPPeer HostEndpoint",
    "projectcalico.org": "NetworkPolicy GlobalNetworkPolicy NetworkSet GlobalNetworkSet FelixConfiguration"
    " BGPConfiguration HostEndpoint",
    "metallb.io": "L2Advertisement BGPAdvertisement BFDProfile",
    "argoproj.io": "WorkflowTemplate ClusterWorkflowTemplate AnalysisTemplate ClusterAnalysisTemplate",
    "gateway.networking.k8s.io": "ReferenceGrant",
    "k8s.cni.cncf.io": "NetworkAttachmentDefinition",
    "linkerd.io": "ServiceProfile",
    "split.smi-spec.io": "TrafficSplit",
    "snapshot.storage.k8s.io": "VolumeSnapshotClass",
}
"""Widely used kinds, by group, that their controllers read and never write back to, as they are set up by default.

Where another version or setting writes conditions all the same, those decide.
"""


def has_no_status(group: str, kind: str) -> bool:
    """Return whether a kind is one whose controllers write no status, so that there is nothing to wait for."""
    return kind in _WITHOUT_STATUS.get(group, "").split()


def custom_resource_health(ref: ObjectRef, body: Body, age_s: float) -> Health:
    """Judge a custom resource that says neither Ready nor that it is in trouble: by whether a controller has acted.

    Conditions that are all Unknown may be no more than defaults of its schema.

    Args:
        ref: the object.
        body: the object as the API returns it.
        age_s: seconds since its last change.
    """
    status = mapping_at(body, "status")
    conditions = current_conditions(body)
    if list_at(status, "conditions") and not conditions:
        return in_progress("its conditions are about an older generation")
    has_acted = any(found.get("status") != "Unknown" for found in conditions)
    if has_acted or (not conditions and "observedGeneration" in status):
        return current("seen by its controller")
    what = _unsaid(status, has_conditions=bool(conditions))
    return in_progress(what) if age_s < STATUS_GRACE_S else Health(Status.UNKNOWN, f"{what}; {_advice(ref)}")


def _unsaid(status: Body, *, has_conditions: bool) -> str:
    if has_conditions:
        return "no controller has acted on it: all its conditions are Unknown"
    return "its status follows no convention" if status else "it has no status yet"


def _advice(ref: ObjectRef) -> str:
    rule = f'{{match: {{group: {ref.group}, kind: {ref.kind}}}, ready: "true"}}'
    return f"add a rule to spec.readiness in bundle.yaml; {rule} counts it as ready once it exists"
