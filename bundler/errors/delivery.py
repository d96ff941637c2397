"""Errors of registries, signatures and deliveries. Layer: errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from bundler.errors import BundlerError
from bundler.errors.bundle import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RegistryError(BundlerError):
    """An OCI registry could not do what was asked.

    Remedy: Read the registry's message in the error; check the name and the version.
    """

    code = "registry"


class RegistryUnavailableError(RegistryError):
    """The registry cannot be reached, its certificate is not trusted, or it kept failing.

    Remedy: Check the name, the network, the proxy and the certificate authority, then run the command again.
    """

    code = "registry-unavailable"
    is_mirrored: bool
    """A mirror of it was asked, too, answered, and has nothing of this."""

    def __init__(self, message: str, *, context: Sequence[str], hint: str, is_mirrored: bool = False) -> None:
        super().__init__(message, context=context, hint=hint)
        self._keep(is_mirrored=is_mirrored)

    def mirrored(self) -> Self:
        """Return a copy for what a mirror answered, and does not have."""
        return self._copy(is_mirrored=True)


class RegistryLoginError(RegistryError):
    """401: the registry does not accept the credentials, or they cannot be read.

    Remedy: Log in with `bundler login`.
    """

    code = "registry-login"


class RegistryForbiddenError(RegistryError):
    """403: the user lacks a permission in the registry.

    Remedy: Ask the owner of the repository for permission to pull or push.
    """

    code = "registry-forbidden"


class RegistryNotFoundError(RegistryError):
    """404: the registry has no such repository, manifest or blob.

    Remedy: Check the name and the version.
    """

    code = "registry-not-found"


class RegistryRejectedError(RegistryError):
    """The registry refuses what was sent: 400, 405, 413 and similar.

    Remedy: Read the registry's message; ask its administrator about limits on size or media types.
    """

    code = "registry-rejected"


class ContentMismatchError(RegistryError):
    """The content received does not match its digest or size.

    Remedy: Pull again; if it happens again, the registry or a proxy changes the content.
    """

    code = "content-mismatch"
    exit_code = 20


class VersionPublishedError(RegistryError):
    """This version is published already, with different content.

    Remedy: Raise the version in bundle.yaml.
    """

    code = "version-published"


class OfflineError(BundlerError):
    """`--offline` does not allow this connection.

    Remedy: Leave `--offline` out, or provide the file locally.
    """

    code = "offline"


class SignatureError(BundlerError):
    """A signature is missing, wrong or not trusted.

    Remedy: Get a copy that is signed with a trusted key.
    """

    code = "signature"


class UnsignedError(SignatureError):
    """A signature is required, and there is none.

    Remedy: Ask the sender to sign it with `bundler sign`.
    """

    code = "unsigned"
    exit_code = 23


class WrongSignatureError(SignatureError):
    """The content changed after it was signed with a trusted key.

    Remedy: Do not use it; get it again from its source.
    """

    code = "signature-wrong"
    exit_code = 20


class UntrustedKeyError(SignatureError):
    """No signature is made with a key that is trusted here.

    Remedy: Check the key with its owner, then add it to the site file or pass it with `--key`.
    """

    code = "untrusted-key"
    exit_code = 24


class DeliveryPolicyError(SignatureError):
    """The site requires more signatures, or a newer version.

    Remedy: Get a delivery that meets the policy of the site file.
    """

    code = "delivery-policy"
    exit_code = 25


class KeyFileError(SignatureError):
    """A key file cannot be used: its format, its permissions or its passphrase is wrong.

    Remedy: Check the file; a private key must be readable by its owner only (`chmod 600`).
    """

    code = "key-file"


class DeliveryError(BundleError):
    """A delivery file cannot be read or written.

    Remedy: Check the path; ask the sender for the file again if it is not a delivery.
    """

    code = "delivery"


class DeliveryDamagedError(DeliveryError):
    """Part of a delivery file does not match its index.

    Remedy: Copy the file again, and compare its size and checksum with the sender's.
    """

    code = "delivery-damaged"
    exit_code = 20


class DeliveryIncompleteError(DeliveryDamagedError):
    """The delivery is undamaged but lacks an image that its bundle needs; another copy would lack it too.

    Remedy: Ask the sender to export it again.
    """

    code = "delivery-incomplete"


class PartMissingError(DeliveryError):
    """A part of a split delivery is missing.

    Remedy: Put every part into the same folder.
    """

    code = "part-missing"
    exit_code = 21


class ForeignPartError(DeliveryError):
    """A part belongs to another build, or to another split of this one.

    Remedy: Use the parts of one export.
    """

    code = "part-foreign"
    exit_code = 22


class BaseMissingError(DeliveryError):
    """The base of a delta is neither at the site nor beside the file.

    Remedy: Import the base first, put it beside the delta, or ask for a full delivery.
    """

    code = "base-missing"
    exit_code = 27


class ExportError(DeliveryError):
    """An image cannot be exported as requested.

    Remedy: Choose another platform, or correct the image that the error names.
    """

    code = "export"


class ImageBuildError(DeliveryError):
    """An image cannot be built: its base, what is added, or the folder that it goes into cannot be used.

    Remedy: Correct what the error names; choose another base, path or folder.
    """

    code = "image-build"


class ImageTagTakenError(DeliveryError):
    """The tag of an image that was built names another image in the registry.

    Remedy: Choose a new tag, or pass `--force` to move this one.
    """

    code = "image-tag-taken"


class NoSpaceError(DeliveryError):
    """The disk is too small for what would be written.

    Remedy: Free space, or choose another folder.
    """

    code = "no-space"


class ImageReferenceError(DeliveryError):
    """A text used as an image is not an image reference.

    Remedy: Write images as `registry/repository:tag`.
    """

    code = "image-reference"


class ImageMissingError(DeliveryError):
    """A release needs an image that its delivery, or the site's registry, does not have.

    Remedy: Export the bundle again, and import the delivery.
    """

    code = "image-missing"
