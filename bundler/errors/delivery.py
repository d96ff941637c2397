"""Errors of registries, signatures and deliveries. Layer: errors."""

from __future__ import annotations

from bundler.errors import BundlerError
from bundler.errors.bundle import BundleError


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
