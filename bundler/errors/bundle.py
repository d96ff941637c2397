"""Errors of bundles, of the values given to them, and of rendering. Layer: errors."""

from __future__ import annotations

from bundler.errors import BundlerError


class BundleError(BundlerError):
    """A bundle cannot be used."""

    code = "bundle"


class BundleNotFoundError(BundleError):
    """No bundle of that name or at that path."""

    code = "bundle-not-found"


class BundleInvalidError(BundleError):
    """Files of a bundle break the format; every problem is in the context."""

    code = "bundle-invalid"


class WorkLimitError(BundleError):
    """Work on a bundle took more time or memory than it may; its process was ended."""

    code = "work-limit"


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


class LockDriftError(BundleError):
    """bundle.lock and the components it stands for differ."""

    code = "lock-drift"
    exit_code = 3
