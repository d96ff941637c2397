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
    errors.InterruptedRunError: (
        "carrying out the plan",
        ["stopped by SIGINT after 3 of 12 changes"],
        "run the same command again to continue",
    ),
    errors.BugError: (
        "bundler stopped with an unexpected error",
        ["ZeroDivisionError: division by zero", "at bundler/planning/quota.py:12 in share", "bundler 1.0.0"],
        "report this bug of bundler with these lines; -v adds the full traceback",
    ),
    change.ClosedWindowError: (
        "checking the deployment windows of site acme",
        [
            "it is Thu 2026-12-03 23:30 (Europe/Vienna), and changes are made Mon Tue Wed Thu 20:00-23:30",
            "the next window opens Mon 2026-12-07 20:00 (Europe/Vienna), in 3 d 20 h",
        ],
        "wait until then, or pass --outside-window REASON, which is recorded; nothing was written",
    ),
    change.ProtectedReleaseError: (
        "checking the protection of release shop",
        ["it would be uninstalled", "release shop is protected since 2026-11-30 12:00:00Z by ada: production"],
        "take the protection off first: `bundler protect shop --off -m REASON`; nothing was written",
    ),
    change.KeptReleaseError: (
        "checking whether an order keeps release shop",
        ["release shop is kept by Release/shop (generation 4)"],
        (
            "change the order with `bundler order shop -n prod --set …`; or pass --suspend to suspend it and do this "
            "now, as after `bundler suspend shop -n prod`; nothing was written"
        ),
    ),
    change.OrdersHeldError: (
        "uninstalling release controller, which holds the controller",
        [
            "no one would let these orders go when they, or their namespaces, are deleted:",
            "Release/shop in namespace prod",
        ],
        (
            "delete them first (`kubectl delete rls NAME -n NAMESPACE` uninstalls the release; with `deletion: Orphan` "
            "it stays), or pass --orphan-orders: the orders are let go, and all of their releases stay; nothing was "
            "written"
        ),
    ),
    change.OrderChangedError: (
        "checking the order of release shop",
        ["Release/shop says something else now (generation 5; this change carries out 4)"],
        "read the order again; nothing was written",
    ),
    change.OrderNotFoundError: (
        "reading Release/shop in namespace prod",
        ["there is no such order"],
        "make one with `bundler order shop --create SOURCE`, or check the name and the namespace (-n)",
    ),
    change.OrderInvalidError: (
        "reading Release/shop in namespace prod",
        [".spec.bundle.digest: 'latest' is not sha256: and 64 hexadecimal digits"],
        "change the fields above",
    ),
    change.OrderSourceError: (
        "reading what Release/shop refers to",
        ["Secret/shop-values is not in namespace prod"],
        "create what is missing, or change the order",
    ),
    change.OrderStalledError: (
        "waiting for Release/shop",
        ["AwaitingApproval: 1 object that holds data would be recreated: StatefulSet/shop-db"],
        "read the plan and approve it with `bundler approve shop -n prod`, or change the order",
    ),
    change.RolloutOpenError: (
        "planning a change of release shop",
        [
            "revision 8 (shop 1.5.0) is rolled out in steps: step 1 of 2, paused since 2026-11-30 09:00:07Z by ada: Friday"
        ],
        (
            "finish it with `bundler continue shop -n prod`, or go back with `bundler abort shop -n prod`; "
            "nothing was written"
        ),
    ),
    change.DefinitionRiskError: (
        "comparing definitions with the live ones",
        [
            "CustomResourceDefinition/guests.party.example: v1 .spec.seats maximum 10 is new",
            "CustomResourceDefinition/guests.party.example: Guest/ada in prod: .spec.seats is above the maximum 10",
        ],
        "change these objects first, or pass --accept-crd-risk to write the definition all the same",
    ),
    change.StepsRefusedError: (
        "planning the steps of release shop",
        [
            "db/templates/set.yaml:3: StatefulSet/db .spec.updateStrategy.type: OnDelete does not replace pods",
            "templates/a.yaml:1: ConfigMap/shop: LEVEL changes, and old and new pods of Deployment/shop read it",
        ],
        "make the strategy RollingUpdate first; give settings a name that carries their content",
    ),
    bundle.BundlePatchError: (
        "rendering shop 1.4.0 for release shop",
        ["bundle.yaml:31: Deployment/shop-web: volumes has data already; give what is injected another name"],
        "correct the patch in bundle.yaml; `bundler template` shows the objects",
    ),
    bundle.BundleAmbiguousError: (
        "looking for bundle pay",
        [
            "oci://registry.site/team/catalogue#pay: 1.1.0, sha256:" + "a" * 64,
            "oci://registry.example/open/catalogue#pay: 9.0.0, sha256:" + "b" * 64,
        ],
        "write the one that you mean with its catalogue: oci://HOST/CATALOGUE#pay",
    ),
    bundle.CatalogueInvalidError: (
        "reading catalogue oci://registry.site/team/catalogue",
        ["its format is 2, and this bundler reads 1"],
        "ask its owner to build it with `bundler catalogue build` and to push it again",
    ),
    bundle.ArchiveError: ("writing archive shop-1.4.0.tgz", ["No space left on device"], "name another folder"),
    bundle.VersionRangeError: ("reading version range ^x", ["x is not a version"], "write ^1.2"),
    bundle.ValuesError: (
        "reading the values given on the command line",
        ["--set web.replicas=two: not a number"],
        "correct the value",
    ),
    bundle.ExpressionError: (
        "computing whether Widget/a is ready",
        ["bundle.yaml:3: object.status is not set"],
        "write `object.status | default({})`",
    ),
    bundle.WorkLimitError: (
        "rendering shop 1.4.0",
        ["it took more than 600 s"],
        "reduce what the templates compute, or raise --timeout",
    ),
    change.ProbationFailedError: (
        "watching 4 objects after they became ready (--watch-for)",
        [
            "Deployment/shop-web in prod (from templates/web.yaml:8): 0/1 ready InProgress: 0 of 1 replicas are ready",
            "  pod shop-web-5d9f-x2x4z: CrashLoopBackOff (exit 137, 1 restarts): OOMKilled",
        ],
        "fix what is named above and run the same command again, or go back with `bundler rollback shop 3 -n prod`",
    ),
    change.StepFailedError: (
        "carrying out step 1 of 3 of the upgrade of shop",
        [
            "Deployment/shop-web in prod (from templates/web.yaml:8): 0/1 ready InProgress: 1 of 10 pods are new",
            "  pod shop-web-5d9f-x2x4z: ErrImageNeverPull: the image is not on the node",
        ],
        "fix what is named above; `bundler abort shop -n prod` goes back",
    ),
    change.ChecksFailedError: (
        "running 2 checks",
        [
            "check Job/shop-front-8968a983 (checks/front.yaml:2) failed: container ask exit code 1 after 3 attempts",
            "  log | the shop has no products",
        ],
        "fix what is named above and run the same command again, or go back with `bundler rollback shop 3 -n prod`",
    ),
    change.PlanError: (
        "planning release shop",
        ["components need each other: cache → db → cache"],
        "remove one of these needs from bundle.yaml",
    ),
    change.QuotaExceededError: (
        "comparing the plan with the quotas of namespace shop",
        ["pods: 12 are needed, 10 are allowed"],
        "lower the replicas in the values, or ask for a larger quota",
    ),
    change.StalePlanError: (
        "checking that nothing moved since the plan was saved (2026-11-29 12:00:00 UTC)",
        ["Deployment/web was changed by kubectl-edit at 2026-11-29T12:05:00Z (.spec.replicas)"],
        "make a new plan with `bundler plan`, and have it reviewed; nothing was written",
    ),
    change.PlanFileError: (
        "reading plan shop.plan",
        ["shop.plan: it is damaged"],
        "make the plan again with `bundler plan`, or copy it again from where it was made",
    ),
    change.PlanValueError: (
        "reading the sensitive values that the plan was made with",
        ["db.password: it is in no file of the plan, and was not given"],
        "give each as the plan was given it: --set-file db.password=FILE, say",
    ),
    cluster.ClusterError: (
        "applying Deployment/web",
        ["500 InternalError: etcdserver: request timed out"],
        "run the command again; if it fails again, read the log of the API server",
    ),
    cluster.UnauthorizedError: (
        "listing Secrets in namespace shop",
        ["Unauthorized"],
        "log in again, or check the credentials of this user in the kubeconfig",
    ),
    cluster.ForbiddenError: (
        "listing Secrets in namespace shop",
        ["cannot list secrets in namespace shop as bob"],
        "ask for a Role in namespace shop with verb list on secrets",
    ),
    cluster.UnknownKindError: (
        "listing Gizmo",
        ["the server does not serve this kind"],
        "install its CustomResourceDefinition first",
    ),
    cluster.ApiUnavailableError: (
        "asking for PodMetrics in metrics.k8s.io/v1beta1",
        ["APIService/v1beta1.metrics.k8s.io does not answer"],
        "repair the server behind it",
    ),
    cluster.AlreadyExistsError: (
        "creating ConfigMap/a",
        ["it exists already"],
        "choose another name, or delete the object",
    ),
    cluster.ConflictError: (
        "replacing ConfigMap/a",
        ["it changed in the meantime (resourceVersion 7, now 9)"],
        "run the command again",
    ),
    cluster.RejectedError: (
        "creating Secret/a",
        ['admission webhook "policy.example.org" denied the request: no owner label'],
        "correct the object, or ask the owner of the webhook",
    ),
    cluster.ExpiredError: (
        "watching Pods in namespace shop",
        ["resourceVersion 1 is too old"],
        "run the command again",
    ),
    change.WaitError: (
        "waiting for release shop",
        ["Deployment/web: 1 of 3 ready"],
        "run `bundler status shop` to see the state of every object",
    ),
    change.ReleaseError: (
        "reading release shop",
        ["two revisions are recorded as deployed: 3 and 4"],
        "run `bundler history shop` and check both",
    ),
    change.RecordDamagedError: (
        "reading revision 3 of shop",
        ["Secret/bundler.pack.shop.1a2b: its content is cut short"],
        "restore it from a backup, or roll back to another revision",
    ),
    change.RecordTooNewError: (
        "reading revision 3 of shop",
        ["formatVersion 2; this bundler reads 1"],
        "upgrade bundler",
    ),
    change.RevisionExistsError: (
        "recording revision 3 of shop",
        ["another run recorded it first"],
        "run the command again",
    ),
    change.RecordTooLargeError: (
        "recording revision 3 of shop",
        ["one object has 2.1 MiB, 0.5 MiB are allowed"],
        "move large files out of ConfigMaps, or split the bundle",
    ),
    change.LockLostError: (
        "writing Deployment/web",
        ["the lock was taken over by bob@ci-7"],
        "check what that run did, then run the command again",
    ),
    change.UnfinishedChangeError: (
        "putting back what drifted of release shop",
        ["revision 8 is failed, so that live objects may be its own"],
        "run that change again, or `bundler rollback shop -n prod`; then correct drift",
    ),
    change.RolloutContestedError: (
        "carrying out step 1 of 3 of the upgrade of shop",
        [
            "Deployment/shop-web in prod: someone else wrote its pod template",
            '  .spec.template.spec.containers[name="web"].image is "web:3" instead of "web:2", set by kubectl-set',
        ],
        "find out who changed it and why, then run `bundler abort shop -n prod` to go back",
    ),
    change.RolledBackError: (
        "waiting for objects",
        ["Deployment/web failed: ImagePullBackOff", "rolled back to revision 2"],
        "fix the cause, then run the command again",
    ),
    change.RollbackFailedError: (
        "waiting for objects",
        ["Deployment/web failed: ImagePullBackOff", "the rollback to revision 2 failed too: time ran out"],
        "fix the cause, then run `bundler rollback shop 2`",
    ),
    delivery.RegistryError: (
        "pulling registry.example/shop:1.4.0",
        ["the registry answered 500: internal error"],
        "run the command again, or ask the administrator of the registry",
    ),
    delivery.SignatureError: (
        "verifying shop-1.4.0.bundle",
        ["its signature cannot be read"],
        "get the file again from the sender",
    ),
    delivery.RegistryUnavailableError: (
        "pulling registry.example/shop:1.4.0",
        ["registry.example:443 does not answer (3 tries)"],
        "check the network and the proxy",
    ),
    delivery.RegistryLoginError: (
        "pulling registry.example/shop:1.4.0",
        ["401 Unauthorized"],
        "log in with `bundler login registry.example`",
    ),
    delivery.RegistryForbiddenError: (
        "pushing registry.example/shop:1.4.0",
        ["403: denied"],
        "ask the owner of the repository for permission to push",
    ),
    delivery.RegistryNotFoundError: (
        "pulling registry.example/shop:9.9.0",
        ["404: manifest unknown"],
        "check the name and the version",
    ),
    delivery.RegistryRejectedError: (
        "pushing registry.example/shop:1.4.0",
        ["413: a blob of 12 GiB is too large"],
        "ask the administrator of the registry to raise the limit",
    ),
    delivery.ContentMismatchError: (
        "reading layer 2 of registry.example/shop:1.4.0",
        ["its digest is sha256:9f1c…, not sha256:1a2b…"],
        "pull again; if it happens again, a proxy changes the content",
    ),
    delivery.VersionPublishedError: (
        "pushing registry.example/shop:1.4.0",
        ["it is published already, with different content"],
        "raise the version in bundle.yaml",
    ),
    delivery.OfflineError: ("connecting to registry.example", ["--offline is set"], "leave --offline out"),
    bundle.LockDriftError: ("checking bundle.lock", ["db: 16.2.1 is locked, 16.3.0 is there"], "run `bundler lock`"),
    delivery.DeliveryIncompleteError: (
        "comparing the images of shop 1.4.0 with shop-1.4.0.bundle",
        ["Deployment/web web (templates/web.yaml:14): docker.io/library/nginx:1 is not in it"],
        "ask the sender to export it again",
    ),
    delivery.ImageReferenceError: (
        "looking for the images of the bundle",
        ["Deployment/web web (templates/web.yaml:3): 'a b' is not an image reference"],
        "write images as registry/repository:tag",
    ),
    delivery.ImageMissingError: (
        "looking up the images of the release in the delivery",
        ["Deployment/web web (templates/web.yaml:3): docker.io/library/nginx:1 is not in it"],
        "export the bundle again",
    ),
    change.PreflightError: (
        "checking the cluster before shop is installed: 1 of 9 checks failed",
        [
            "storage class: PersistentVolumeClaim/data asks for gold, which does not exist",
            "  hint: Set storage.class to one of: standard",
        ],
        "fix what is named above, then run `bundler preflight shop`",
    ),
    change.SitePatchError: (
        "patching the objects of shop for site acme",
        ["acme.yaml:9: the patch matches no object"],
        "correct its target",
    ),
    change.WrongClusterError: (
        "checking the cluster of site acme",
        ["the site file names cluster 1f0c, the current context is cluster 77ab"],
        "select the cluster with --context",
    ),
    delivery.DeliveryError: (
        "reading shop-1.4.0.bundle",
        ["it is not a delivery file"],
        "ask the sender for the file again",
    ),
    delivery.DeliveryDamagedError: (
        "verifying shop-1.4.0.bundle",
        ["block 7 of 120 does not match its checksum"],
        "copy the file again",
    ),
    delivery.PartMissingError: (
        "reading shop-1.4.0.bundle",
        ["part 2 of 3 is missing"],
        "put it into the folder of the others",
    ),
    delivery.ForeignPartError: (
        "reading shop-1.4.0.bundle",
        ["part 2 belongs to another build"],
        "use the parts of one export",
    ),
    delivery.BaseMissingError: (
        "reading shop-1.5.0.bundle",
        ["its base shop 1.4.0 is neither at the site nor beside the file"],
        "import shop 1.4.0 first, or put it beside the delta",
    ),
    delivery.ExportError: (
        "exporting shop 1.4.0",
        ["docker.io/library/nginx:1.27 has no linux/arm64"],
        "choose another platform with --platform",
    ),
    delivery.ImageBuildError: (
        "comparing what is added with the base",
        ["linux/amd64: /bin is a link to usr/bin in the base, and something is added below it"],
        "add it at another path: the one that the link leads to, where it is a link",
    ),
    delivery.ImageTagTakenError: (
        "storing the image registry.example/app:1.0",
        ["the tag names sha256:1111", "this image is sha256:2222"],
        "choose a new tag, so that what runs stays what it is, or pass --force to move this one",
    ),
    delivery.NoSpaceError: (
        "writing shop-1.4.0.bundle",
        ["3 GiB are needed, 1 GiB is free"],
        "free space, or choose another folder with --out",
    ),
    delivery.UnsignedError: ("verifying shop-1.4.0.bundle", ["there is no signature"], "ask the sender to sign it"),
    delivery.WrongSignatureError: (
        "verifying shop-1.4.0.bundle",
        ["it changed after it was signed"],
        "get the file again from the sender",
    ),
    delivery.UntrustedKeyError: (
        "verifying shop-1.4.0.bundle",
        ["it is signed with key 1a2b, which is not trusted"],
        "check the key with its owner, then add it to the site file",
    ),
    delivery.DeliveryPolicyError: (
        "verifying shop-1.4.0.bundle",
        ["site acme requires 2 signatures, it has 1"],
        "ask the sender for a second signature",
    ),
    delivery.KeyFileError: ("reading key acme.key", ["other users can read it"], "run `chmod 600 acme.key`"),
}
"""(message, context, hint) of each class; add a line for a new class, then `pytest --update-golden tests/cli`."""
