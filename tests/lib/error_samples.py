"""How errors look that no situation of tests/cli/test_errors.py leads to: families, and those of other suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import errors
from bundler.errors import bundle, change, cluster, delivery

if TYPE_CHECKING:
    from bundler.errors import BundlerError

SAMPLES: dict[type[BundlerError], tuple[str, list[str], str]] = {
    errors.BundlerError: ("doing something", ["it went wrong"], "do it differently"),
    errors.UsageError: ("reading the options", ["--a and --b exclude each other"], "give one of them"),
    errors.OutputError: ("writing to stdout", ["No space left on device"], "make room there"),
    errors.InterruptedRunError: ("carrying out the plan", ["the run was asked to stop"], "run the same command again"),
    bundle.ArchiveError: ("writing archive shop-1.4.0.tgz", ["No space left on device"], "name another folder"),
    bundle.VersionRangeError: ("reading version range ^x", ["x is no version"], "write ^1.2"),
    bundle.ValuesError: ("reading values", ["they cannot be used"], "correct them"),
    bundle.ExpressionError: ("computing ready", ["bundle.yaml:3: object.status is not set"], "use default()"),
    bundle.WorkLimitError: ("rendering shop 1.4.0", ["it takes more than 600 s"], "check the bundle"),
    change.PlanError: ("planning release shop", ["components need each other: a, b"], "take one need away"),
    change.QuotaExceededError: ("holding the plan against quotas", ["pods: 12 of 10"], "ask for a larger quota"),
    change.PlanChangedError: ("carrying out a saved plan", ["Deployment/web moved"], "make the plan again"),
    cluster.ClusterError: ("asking the API server", ["it said 418"], "look at its log"),
    cluster.UnauthorizedError: ("listing secrets", ["Unauthorized"], "log in again"),
    cluster.ForbiddenError: ("listing secrets", ["cannot list secrets in namespace a as bob"], "ask for a Role"),
    cluster.UnknownKindError: ("listing Gizmo", ["the server serves no such kind"], "install its CRD first"),
    cluster.ApiUnavailableError: (
        "asking for PodMetrics in metrics.k8s.io/v1beta1",
        ["APIService/v1beta1.metrics.k8s.io does not answer"],
        "repair the server behind it",
    ),
    cluster.AlreadyExistsError: ("creating ConfigMap/a", ["it is there"], "choose another name"),
    cluster.ConflictError: ("replacing ConfigMap/a", ["it moved"], "read it again"),
    cluster.RejectedError: ("creating Secret/a", ["admission webhook said no"], "ask who runs the webhook"),
    cluster.ExpiredError: ("watching pods", ["resourceVersion 1 is too old"], "list again"),
    change.WaitError: ("waiting", ["nothing came"], "wait longer"),
    change.ReleaseError: ("reading release shop", ["its record is odd"], "look at it"),
    change.RecordDamagedError: ("reading revision 3 of shop", ["its pack is cut short"], "roll back to another"),
    change.RecordTooNewError: (
        "reading revision 3 of shop",
        ["formatVersion 2; this bundler reads 1"],
        "upgrade bundler",
    ),
    change.RevisionExistsError: ("recording revision 3", ["somebody else recorded it"], "run it again"),
    change.RecordTooLargeError: ("recording revision 3", ["a pack of 2 MiB"], "make the bundle smaller"),
    change.LockLostError: ("writing Deployment/web", ["the lock was taken over"], "see who holds it"),
    change.RolledBackError: ("waiting for objects", ["Deployment/web failed", "rolled back to 2"], "mend and repeat"),
    change.RollbackFailedError: ("waiting for objects", ["the rollback failed too"], "mend and repeat"),
    delivery.RegistryError: ("pulling shop", ["the registry said 404"], "check the name"),
    delivery.SignatureError: ("verifying shop", ["no signature"], "sign it"),
    delivery.RegistryUnavailableError: (
        "pulling shop",
        ["nobody answers at registry.example:443"],
        "check the network",
    ),
    delivery.RegistryLoginError: ("pulling shop", ["registry.example: 401"], "log in with `bundler login`"),
    delivery.RegistryForbiddenError: ("pushing shop", ["registry.example: 403"], "ask for the right to push"),
    delivery.RegistryNotFoundError: ("pulling shop", ["registry.example: no tag 9.9"], "check name and version"),
    delivery.RegistryRejectedError: ("pushing shop", ["registry.example: 413"], "ask who runs the registry"),
    delivery.ContentMismatchError: ("reading layer 2", ["its digest is another one"], "pull it again"),
    delivery.VersionPublishedError: ("pushing shop 1.4.0", ["it is published with other content"], "raise the version"),
    delivery.OfflineError: ("connecting to registry.example", ["--offline is set"], "leave --offline out"),
    bundle.LockDriftError: ("checking bundle.lock", ["db: 16.2.1 is locked, 16.3.0 is there"], "run `bundler lock`"),
    delivery.DeliveryIncompleteError: (
        "holding the images of shop 1.4.0 against shop-1.4.0.bundle",
        ["Deployment/web web (templates/web.yaml:14): docker.io/library/nginx:1 is not in it"],
        "export it again",
    ),
    delivery.ImageReferenceError: (
        "looking for the images of the bundle",
        ["Deployment/web web (templates/web.yaml:3): 'a b' is no image reference"],
        "write images as registry/repository:tag",
    ),
    delivery.ImageMissingError: (
        "looking up the images of the release in the delivery",
        ["Deployment/web web (templates/web.yaml:3): docker.io/library/nginx:1 is not in it"],
        "export the bundle again",
    ),
    change.PreflightError: (
        "looking ahead before shop is installed: 1 of 9 checks failed",
        ["storage class: PersistentVolumeClaim/data asks for gold, and there is no such class", "  try: name one"],
        "mend what is named",
    ),
    change.SitePatchError: ("patching Deployment/web", ["acme.yaml:9: it fits no object"], "correct its target"),
    change.WrongClusterError: (
        "checking the cluster",
        ["site acme is cluster 1, this is cluster 2"],
        "change --context",
    ),
    delivery.DeliveryError: ("reading shop-1.4.0.bundle", ["it is no delivery file"], "ask for the file again"),
    delivery.DeliveryDamagedError: (
        "verifying shop-1.4.0.bundle",
        ["block 7 is not what it was"],
        "copy the file again",
    ),
    delivery.PartMissingError: ("reading shop-1.4.0.bundle", ["part 2 of 3 is not there"], "put it beside the others"),
    delivery.ForeignPartError: (
        "reading shop-1.4.0.bundle",
        ["part 2 is of another build"],
        "take the parts of one build",
    ),
    delivery.BaseMissingError: (
        "reading shop-1.5.0.bundle",
        ["its base 1.4.0 is not there"],
        "put it beside the delta",
    ),
    delivery.ExportError: ("exporting shop", ["nginx:1.27 has no linux/arm64"], "choose another platform"),
    delivery.NoSpaceError: ("writing shop-1.4.0.bundle", ["3 GiB are needed, 1 GiB is free"], "make room"),
    delivery.UnsignedError: (
        "verifying shop-1.4.0.bundle",
        ["there is no signature"],
        "sign it, or leave the policy out",
    ),
    delivery.WrongSignatureError: ("verifying shop-1.4.0.bundle", ["it changed after it was signed"], "fetch it again"),
    delivery.UntrustedKeyError: ("verifying shop-1.4.0.bundle", ["key 1a2b is not trusted"], "add it to the site file"),
    delivery.DeliveryPolicyError: ("verifying shop-1.4.0.bundle", ["two signatures are asked for"], "get another one"),
    delivery.KeyFileError: ("reading key acme.key", ["others may read it"], "chmod 600 it"),
}
"""(message, context, hint) of each class; add a line for a new class, then `pytest --update-golden tests/cli`."""
