"""The whole exception tree. Layer: errors, the lowest; imports nothing of ours.

    BundlerError
    ├── UsageError                 the command line itself is wrong (exit 2)
    ├── BundleError                a bundle on disk or in an archive
    ├── ValuesError                what the user or an author gave as values
    ├── RenderError                templates, expressions, rendered YAML
    ├── PlanError                  the change as a whole cannot be made
    ├── ClusterError               the API server, or the way to it
    ├── WaitError                  objects did not become ready, or go away
    ├── ReleaseError               records, revisions, locks
    ├── RegistryError              OCI registries
    └── SignatureError             signatures and trust

Each error says three things: what was being done (``message``), what was found (``context``: object, file, line,
value), and what to do (``hint``). ``code`` is stable and documented; ``exit_code`` is product.md section 4's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class BundlerError(Exception):
    """Base of every failure we expect. Subclasses set ``code``; it is stable and documented."""

    code: ClassVar[str] = "bundler-error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, context: Sequence[str], hint: str) -> None:
        super().__init__(message)
        self.context = tuple(context)
        self.hint = hint


class UsageError(BundlerError):
    """The command line asks for something that cannot be meant."""

    code = "usage"
    exit_code = 2


class ConfirmationRequiredError(UsageError):
    """A change that deletes needs an answer, and nobody is there to ask."""

    code = "confirmation-required"


class InterruptedRunError(BundlerError):
    """The user or the system asked this run to stop."""

    code = "interrupted"
    exit_code = 130


class OutputError(BundlerError):
    """What was asked for cannot be written to where it should go."""

    code = "output"


# --- bundles -----------------------------------------------------------------------------------------------------


class BundleError(BundlerError):
    """A bundle cannot be used."""

    code = "bundle"


class BundleNotFoundError(BundleError):
    """No bundle of that name or at that path."""

    code = "bundle-not-found"


class BundleInvalidError(BundleError):
    """Files of a bundle break the format; every problem is in the context."""

    code = "bundle-invalid"


class KubeVersionError(BundleError):
    """The cluster's version is outside the range that the bundle declares."""

    code = "kube-version"


class ArchiveError(BundleError):
    """An archive cannot be read or written."""

    code = "archive"


class ArchiveDamagedError(ArchiveError):
    """An archive is damaged or not an archive."""

    code = "archive-damaged"
    exit_code = 20


class UnsafeArchiveError(ArchiveError):
    """An archive tries to leave its folder, to link, or to be larger than its limits."""

    code = "archive-unsafe"
    exit_code = 26


class VersionRangeError(BundleError):
    """A version or a range of versions cannot be read, or is not met."""

    code = "version-range"


# --- values ------------------------------------------------------------------------------------------------------


class ValuesError(BundlerError):
    """Values cannot be used."""

    code = "values"


class ValuesFileError(ValuesError):
    """A values file cannot be read or parsed."""

    code = "values-file"


class ValuesPathError(ValuesError):
    """A path given by --set or --unset cannot be read or does not fit the values."""

    code = "values-path"


class ValuesInvalidError(ValuesError):
    """Merged values break the bundle's schema; every problem is in the context."""

    code = "values-invalid"


class DeriveError(ValuesError):
    """A derived value cannot be computed."""

    code = "values-derive"


# --- rendering ---------------------------------------------------------------------------------------------------


class RenderError(BundlerError):
    """Templates cannot be rendered."""

    code = "render"


class TemplateSyntaxError(RenderError):
    """A template is not valid Jinja."""

    code = "template-syntax"


class TemplateError(RenderError):
    """A template failed while it was rendered."""

    code = "template"


class UndefinedValueError(TemplateError):
    """A template or expression used a value that is not set."""

    code = "template-undefined"


class TemplateLimitError(TemplateError):
    """A template went over its step, size or output bounds."""

    code = "template-limit"


class ExpressionError(RenderError):
    """A bare expression (derive, when, ready, failed) cannot be read or computed."""

    code = "expression"


class RenderedYamlError(RenderError):
    """What a template rendered is not valid YAML, or not a Kubernetes object."""

    code = "rendered-yaml"


class ManifestError(RenderError):
    """Rendered objects cannot be used together or break the rules of the normal form."""

    code = "manifest"


# --- plans -------------------------------------------------------------------------------------------------------


class PlanError(BundlerError):
    """The change as a whole cannot be made; nothing was written."""

    code = "plan"


class RejectedObjectsError(PlanError):
    """The API server refused objects in dry-run; all of them are in the context."""

    code = "plan-rejected"


class ForeignObjectError(PlanError):
    """An object in the way belongs to somebody else."""

    code = "plan-foreign"


class FieldConflictError(PlanError):
    """Another field manager owns a field that the bundle wants to set differently."""

    code = "plan-conflict"


class UndeclaredReachError(PlanError):
    """The bundle writes or grants more than its ``reach`` declares."""

    code = "plan-reach"


class QuotaExceededError(PlanError):
    """The plan as a whole needs more than a ResourceQuota leaves."""

    code = "plan-quota"


class ImmutableFieldError(PlanError):
    """A field that cannot change on a living object would change."""

    code = "plan-immutable"


class DowngradeError(PlanError):
    """The bundle is older than the deployed one, or another bundle altogether."""

    code = "plan-downgrade"


class UpgradePathError(PlanError):
    """The bundle does not upgrade from the deployed version, or may not be rolled back to it."""

    code = "plan-upgrade-path"


class SitePolicyError(PlanError):
    """The site file forbids what the plan does."""

    code = "site-policy"
    exit_code = 25


class PlanChangedError(PlanError):
    """The cluster moved between showing the plan and carrying it out, and nobody is there to ask again."""

    code = "plan-changed"


# --- clusters ----------------------------------------------------------------------------------------------------


class ClusterError(BundlerError):
    """The API server could not do what was asked."""

    code = "cluster"


class KubeconfigError(ClusterError):
    """No usable kubeconfig, or a broken one."""

    code = "kubeconfig"


class AmbiguousContextError(UsageError):
    """A context name means two things."""

    code = "context-ambiguous"


class CredentialsError(ClusterError):
    """Credentials could not be obtained from a file or a plugin."""

    code = "credentials"


class UnavailableError(ClusterError):
    """The API server cannot be reached, or answered with a passing failure until the time ran out."""

    code = "cluster-unavailable"


class UnauthorizedError(ClusterError):
    """401: the API server does not know who we are."""

    code = "unauthorized"


class ForbiddenError(ClusterError):
    """403: the API server knows us and says no."""

    code = "forbidden"


class ObjectNotFoundError(ClusterError):
    """404 where an object had to be there."""

    code = "object-not-found"


class UnknownKindError(ClusterError):
    """The API server serves no such kind."""

    code = "unknown-kind"


class AlreadyExistsError(ClusterError):
    """409 AlreadyExists from a create."""

    code = "already-exists"


class ConflictError(ClusterError):
    """409: a precondition (uid, resourceVersion) or field ownership does not hold.

    ``conflicts`` holds (path, manager) pairs where it is about ownership; it is empty for a precondition.
    """

    code = "conflict"

    def __init__(
        self, message: str, *, context: Sequence[str], hint: str, conflicts: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, context=context, hint=hint)
        self.conflicts = tuple(conflicts)


class RejectedError(ClusterError):
    """400 or 422: the API server or an admission webhook refuses the object."""

    code = "rejected"


class ExpiredError(ClusterError):
    """410: a resourceVersion or a continue token is too old."""

    code = "expired"


class SandboxStoreError(ClusterError):
    """The sandbox's file cannot be read or written."""

    code = "sandbox-store"


# --- waiting -----------------------------------------------------------------------------------------------------


class WaitError(BundlerError):
    """Objects did not reach the state that was waited for."""

    code = "wait"


class ObjectFailedError(WaitError):
    """An object failed for good; waiting longer would not help."""

    code = "object-failed"


class WaitTimeoutError(WaitError):
    """Time ran out while objects were on their way."""

    code = "wait-timeout"
    exit_code = 4


# --- releases ----------------------------------------------------------------------------------------------------


class ReleaseError(BundlerError):
    """Release records cannot be read or do not allow what was asked."""

    code = "release"


class ReleaseNotFoundError(ReleaseError):
    """No release, or no revision, of that name."""

    code = "release-not-found"


class RecordDamagedError(ReleaseError):
    """A record cannot be decoded or breaks its bounds."""

    code = "record-damaged"
    revision: int = 0
    """Which one it is of, where a list of revisions met it."""


class RecordTooNewError(ReleaseError):
    """A record was written by a newer bundler."""

    code = "record-too-new"


class RevisionExistsError(ReleaseError):
    """Somebody else recorded this revision first."""

    code = "revision-exists"


class RecordTooLargeError(ReleaseError):
    """A record breaks the size the API server stores."""

    code = "record-too-large"


class ReleaseLockedError(ReleaseError):
    """Somebody alive holds the release's lock."""

    code = "release-locked"
    exit_code = 75


class LockLostError(ReleaseError):
    """Our own lock was taken over or could not be renewed; no write begins after that."""

    code = "lock-lost"


class RolledBackError(ReleaseError):
    """The change failed and the release was rolled back."""

    code = "rolled-back"
    exit_code = 5


class RollbackFailedError(ReleaseError):
    """The change failed and the rollback failed too."""

    code = "rollback-failed"
    exit_code = 6


# --- delivery ----------------------------------------------------------------------------------------------------


class RegistryError(BundlerError):
    """An OCI registry could not do what was asked."""

    code = "registry"


class RegistryUnavailableError(RegistryError):
    """No registry answers, its certificate is not trusted, or it went on failing."""

    code = "registry-unavailable"


class RegistryLoginError(RegistryError):
    """The registry does not know us: 401, or the credentials cannot be read."""

    code = "registry-login"


class RegistryForbiddenError(RegistryError):
    """The registry knows us and refuses: 403."""

    code = "registry-forbidden"


class RegistryNotFoundError(RegistryError):
    """The registry has no such repository, manifest or blob: 404."""

    code = "registry-not-found"


class RegistryRejectedError(RegistryError):
    """The registry does not take what was sent: 400, 405, 413 and the like."""

    code = "registry-rejected"


class ContentMismatchError(RegistryError):
    """What came is not what its digest or size says."""

    code = "content-mismatch"
    exit_code = 20


class VersionPublishedError(RegistryError):
    """A version is published already, with other content."""

    code = "version-published"


class OfflineError(BundlerError):
    """A connection that ``--offline`` does not allow."""

    code = "offline"


class LockDriftError(BundleError):
    """bundle.lock and the components it stands for differ."""

    code = "lock-drift"
    exit_code = 3


class SignatureError(BundlerError):
    """A signature is missing, wrong or not trusted."""

    code = "signature"


class UnsignedError(SignatureError):
    """There is no signature where one is asked for."""

    code = "unsigned"
    exit_code = 23


class WrongSignatureError(SignatureError):
    """A signature of a trusted key does not fit what was signed: it changed afterwards."""

    code = "signature-wrong"
    exit_code = 20


class UntrustedKeyError(SignatureError):
    """No signature is by a key that is trusted here and now."""

    code = "untrusted-key"
    exit_code = 24


class DeliveryPolicyError(SignatureError):
    """The site asks for more signatures, or for a newer version."""

    code = "delivery-policy"
    exit_code = 25


class KeyFileError(SignatureError):
    """A key file cannot be used: its format, its permissions or its passphrase."""

    code = "key-file"


class DeliveryError(BundleError):
    """A delivery file cannot be used or written."""

    code = "delivery"


class DeliveryDamagedError(DeliveryError):
    """Bytes of a delivery file are not what its index says."""

    code = "delivery-damaged"
    exit_code = 20


class DeliveryIncompleteError(DeliveryDamagedError):
    """A delivery is whole to its last byte, and lacks an image that its bundle needs: no copy of it will do."""

    code = "delivery-incomplete"


class PartMissingError(DeliveryError):
    """A part of a split delivery is not there."""

    code = "part-missing"
    exit_code = 21


class ForeignPartError(DeliveryError):
    """A part belongs to another build, or another split of this one."""

    code = "part-foreign"
    exit_code = 22


class BaseMissingError(DeliveryError):
    """A delta's base is not there: neither at the site nor beside the file."""

    code = "base-missing"
    exit_code = 27


class ExportError(DeliveryError):
    """An image cannot be taken along as it was asked for."""

    code = "export"


class NoSpaceError(DeliveryError):
    """The disk has not enough room for what would be written."""

    code = "no-space"


class ImageReferenceError(DeliveryError):
    """A text that stands for an image is none."""

    code = "image-reference"


class ImageMissingError(DeliveryError):
    """A release needs an image that its delivery, or the site's registry, does not hold."""

    code = "image-missing"


class PreflightError(PlanError):
    """The place is not ready for what is to be installed: everything that was found, before the first write."""

    code = "preflight"


class SitePatchError(PlanError):
    """A patch of the site file fits nothing, or cannot be made."""

    code = "site-patch"


class WrongClusterError(PlanError):
    """The cluster is not the one that the site file names."""

    code = "wrong-cluster"
    exit_code = 25
