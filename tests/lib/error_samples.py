"""How errors look that no situation of tests/cli/test_errors.py leads to: families, and those of other suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import errors

if TYPE_CHECKING:
    from bundler.errors import BundlerError

SAMPLES: dict[type[BundlerError], tuple[str, list[str], str]] = {
    errors.BundlerError: ("doing something", ["it went wrong"], "do it differently"),
    errors.UsageError: ("reading the options", ["--a and --b exclude each other"], "give one of them"),
    errors.OutputError: ("writing to stdout", ["No space left on device"], "make room there"),
    errors.InterruptedRunError: ("carrying out the plan", ["the run was asked to stop"], "run the same command again"),
    errors.ArchiveError: ("writing archive shop-1.4.0.tgz", ["No space left on device"], "name another folder"),
    errors.VersionRangeError: ("reading version range ^x", ["x is no version"], "write ^1.2"),
    errors.ValuesError: ("reading values", ["they cannot be used"], "correct them"),
    errors.ExpressionError: ("computing ready", ["bundle.yaml:3: object.status is not set"], "use default()"),
    errors.PlanError: ("planning release shop", ["components need each other: a, b"], "take one need away"),
    errors.QuotaExceededError: ("holding the plan against quotas", ["pods: 12 of 10"], "ask for a larger quota"),
    errors.PlanChangedError: ("carrying out a saved plan", ["Deployment/web moved"], "make the plan again"),
    errors.ClusterError: ("asking the API server", ["it said 418"], "look at its log"),
    errors.UnauthorizedError: ("listing secrets", ["Unauthorized"], "log in again"),
    errors.ForbiddenError: ("listing secrets", ["cannot list secrets in namespace a as bob"], "ask for a Role"),
    errors.UnknownKindError: ("listing Gizmo", ["the server serves no such kind"], "install its CRD first"),
    errors.AlreadyExistsError: ("creating ConfigMap/a", ["it is there"], "choose another name"),
    errors.ConflictError: ("replacing ConfigMap/a", ["it moved"], "read it again"),
    errors.RejectedError: ("creating Secret/a", ["admission webhook said no"], "ask who runs the webhook"),
    errors.ExpiredError: ("watching pods", ["resourceVersion 1 is too old"], "list again"),
    errors.WaitError: ("waiting", ["nothing came"], "wait longer"),
    errors.ReleaseError: ("reading release shop", ["its record is odd"], "look at it"),
    errors.RecordDamagedError: ("reading revision 3 of shop", ["its pack is cut short"], "roll back to another"),
    errors.RecordTooNewError: (
        "reading revision 3 of shop",
        ["formatVersion 2; this bundler reads 1"],
        "upgrade bundler",
    ),
    errors.RevisionExistsError: ("recording revision 3", ["somebody else recorded it"], "run it again"),
    errors.RecordTooLargeError: ("recording revision 3", ["a pack of 2 MiB"], "make the bundle smaller"),
    errors.LockLostError: ("writing Deployment/web", ["the lock was taken over"], "see who holds it"),
    errors.RolledBackError: ("waiting for objects", ["Deployment/web failed", "rolled back to 2"], "mend and repeat"),
    errors.RollbackFailedError: ("waiting for objects", ["the rollback failed too"], "mend and repeat"),
    errors.RegistryError: ("pulling shop", ["the registry said 404"], "check the name"),
    errors.SignatureError: ("verifying shop", ["no signature"], "sign it"),
    errors.RegistryUnavailableError: ("pulling shop", ["nobody answers at registry.example:443"], "check the network"),
    errors.RegistryLoginError: ("pulling shop", ["registry.example: 401"], "log in with `bundler login`"),
    errors.RegistryForbiddenError: ("pushing shop", ["registry.example: 403"], "ask for the right to push"),
    errors.RegistryNotFoundError: ("pulling shop", ["registry.example: no tag 9.9"], "check name and version"),
    errors.RegistryRejectedError: ("pushing shop", ["registry.example: 413"], "ask who runs the registry"),
    errors.ContentMismatchError: ("reading layer 2", ["its digest is another one"], "pull it again"),
    errors.VersionPublishedError: ("pushing shop 1.4.0", ["it is published with other content"], "raise the version"),
    errors.OfflineError: ("connecting to registry.example", ["--offline is set"], "leave --offline out"),
    errors.LockDriftError: ("checking bundle.lock", ["db: 16.2.1 is locked, 16.3.0 is there"], "run `bundler lock`"),
    errors.DeliveryIncompleteError: (
        "holding the images of shop 1.4.0 against shop-1.4.0.bundle",
        ["Deployment/web web (templates/web.yaml:14): docker.io/library/nginx:1 is not in it"],
        "export it again",
    ),
    errors.ImageReferenceError: (
        "looking for the images of the bundle",
        ["Deployment/web web (templates/web.yaml:3): 'a b' is no image reference"],
        "write images as registry/repository:tag",
    ),
    errors.ImageMissingError: (
        "looking up the images of the release in the delivery",
        ["Deployment/web web (templates/web.yaml:3): docker.io/library/nginx:1 is not in it"],
        "export the bundle again",
    ),
    errors.PreflightError: (
        "looking ahead before shop is installed: 1 of 9 checks failed",
        ["storage class: PersistentVolumeClaim/data asks for gold, and there is no such class", "  try: name one"],
        "mend what is named",
    ),
    errors.SitePatchError: ("patching Deployment/web", ["acme.yaml:9: it fits no object"], "correct its target"),
    errors.WrongClusterError: (
        "checking the cluster",
        ["site acme is cluster 1, this is cluster 2"],
        "change --context",
    ),
    errors.DeliveryError: ("reading shop-1.4.0.bundle", ["it is no delivery file"], "ask for the file again"),
    errors.DeliveryDamagedError: ("verifying shop-1.4.0.bundle", ["block 7 is not what it was"], "copy the file again"),
    errors.PartMissingError: ("reading shop-1.4.0.bundle", ["part 2 of 3 is not there"], "put it beside the others"),
    errors.ForeignPartError: (
        "reading shop-1.4.0.bundle",
        ["part 2 is of another build"],
        "take the parts of one build",
    ),
    errors.BaseMissingError: ("reading shop-1.5.0.bundle", ["its base 1.4.0 is not there"], "put it beside the delta"),
    errors.ExportError: ("exporting shop", ["nginx:1.27 has no linux/arm64"], "choose another platform"),
    errors.NoSpaceError: ("writing shop-1.4.0.bundle", ["3 GiB are needed, 1 GiB is free"], "make room"),
    errors.UnsignedError: (
        "verifying shop-1.4.0.bundle",
        ["there is no signature"],
        "sign it, or leave the policy out",
    ),
    errors.WrongSignatureError: ("verifying shop-1.4.0.bundle", ["it changed after it was signed"], "fetch it again"),
    errors.UntrustedKeyError: ("verifying shop-1.4.0.bundle", ["key 1a2b is not trusted"], "add it to the site file"),
    errors.DeliveryPolicyError: ("verifying shop-1.4.0.bundle", ["two signatures are asked for"], "get another one"),
    errors.KeyFileError: ("reading key acme.key", ["others may read it"], "chmod 600 it"),
}
"""(message, context, hint) of each class; add a line for a new class, then `pytest --update-golden tests/cli`."""
