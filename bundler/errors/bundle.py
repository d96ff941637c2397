"""Errors of bundles, of the values given to them, and of rendering. Layer: errors."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.errors import BundlerError


class BundleError(BundlerError):
    """A bundle cannot be used.

    Remedy: Fix the bundle where the error says; `bundler lint` checks it.
    """

    code = "bundle"


class BundleNotFoundError(BundleError):
    """There is no bundle at this path or with this name.

    Remedy: Check the path; a name without a slash is looked up among the shipped bundles and in
    `BUNDLER_BUNDLE_PATH`.
    """

    code = "bundle-not-found"


class BundleAmbiguousError(BundleError):
    """Several catalogues have a bundle of this name, and not the same one.

    Remedy: Name the catalogue: `oci://HOST/CATALOGUE#NAME`.
    """

    code = "bundle-ambiguous"


class CatalogueInvalidError(BundleError):
    """What was read as a catalogue is not one, or breaks its format.

    Remedy: Check the address; ask the owner of the catalogue to build and push it again.
    """

    code = "catalogue-invalid"


class BundleInvalidError(BundleError):
    """Files of a bundle break the format; the error lists every problem.

    Remedy: Correct the fields that the error lists, then run `bundler lint`.
    """

    code = "bundle-invalid"


class WorkLimitError(BundleError):
    """Work on a bundle took more time or memory than allowed; its process was ended.

    Remedy: Reduce what the templates compute; raise `--timeout` where the work is legitimate.
    """

    code = "work-limit"


class KubeVersionError(BundleError):
    """The cluster's Kubernetes version is outside the range that the bundle declares.

    Remedy: Use a version of the bundle made for this Kubernetes, or upgrade the cluster.
    """

    code = "kube-version"


class ArchiveError(BundleError):
    """An archive cannot be read or written.

    Remedy: Check the path, its permissions and the space on the disk.
    """

    code = "archive"


class ArchiveDamagedError(ArchiveError):
    """An archive is damaged, or the file is not an archive.

    Remedy: Download or copy the archive again, or build it again with `bundler package`.
    """

    code = "archive-damaged"
    exit_code = 20


class UnsafeArchiveError(ArchiveError):
    """An archive has entries that leave its folder, links, or content larger than its limits.

    Remedy: Do not use the archive; ask its author for one built with `bundler package`.
    """

    code = "archive-unsafe"
    exit_code = 26


class VersionRangeError(BundleError):
    """A version or a version range cannot be parsed, or no version satisfies it.

    Remedy: Write a range such as `^1.2` or `>=1.2 <2`, and check which versions exist.
    """

    code = "version-range"


class ValuesError(BundlerError):
    """Values cannot be used.

    Remedy: Correct the values that the error names.
    """

    code = "values"


class ValuesFileError(ValuesError):
    """A values file cannot be read or parsed.

    Remedy: Check the path and its permissions, and the YAML at the line that the error names.
    """

    code = "values-file"


class ValuesPathError(ValuesError):
    """A path given with `--set` or `--unset` cannot be parsed or does not fit the values.

    Remedy: Correct the path; `bundler values` lists the paths of a bundle.
    """

    code = "values-path"
    misses_item: bool
    """It names an item that its list does not have, or a place where no list is."""

    def __init__(self, message: str, *, context: Sequence[str], hint: str, misses_item: bool = False) -> None:
        super().__init__(message, context=context, hint=hint)
        self._keep(misses_item=misses_item)


class ValuesInvalidError(ValuesError):
    """The merged values break the bundle's schema; the error lists every problem and the layer that set the value.

    Remedy: Correct the values in the layers that the error names; `bundler values --explain` shows where each comes
    from.
    """

    code = "values-invalid"


class DeriveError(ValuesError):
    """A derived value cannot be computed.

    Remedy: Correct the expression under `spec.derive` of bundle.yaml.
    """

    code = "values-derive"


class RenderError(BundlerError):
    """Templates cannot be rendered; the error lists every place.

    Remedy: Fix the templates at the lines that the error names.
    """

    code = "render"


class BundlePatchError(RenderError):
    """A patch or an injection in bundle.yaml cannot be carried out, or changes what an object is.

    Remedy: Correct the patch at the line that the error names.
    """

    code = "bundle-patch"


class TemplateSyntaxError(RenderError):
    """A template is not valid Jinja.

    Remedy: Correct the template at the line that the error names; [Templates](../templates.md) describes the
    language.
    """

    code = "template-syntax"


class TemplateError(RenderError):
    """A template failed while it was rendered.

    Remedy: Check what the filter or function at the named line receives.
    """

    code = "template"


class UndefinedValueError(TemplateError):
    """A template or expression used a value that is not set.

    Remedy: Set the value, give it a default in values.yaml, or write `| default(…)`.
    """

    code = "template-undefined"


class TemplateLimitError(TemplateError):
    """A template exceeded its limits on steps, text or output.

    Remedy: Loop over less; steps are loop rounds, calls, items that filters go through, and long texts.
    """

    code = "template-limit"


class ExpressionError(RenderError):
    """An expression (`derive`, `when`, `ready`, `failed`) cannot be parsed or computed.

    Remedy: Correct the expression at the line that the error names.
    """

    code = "expression"


class RenderedYamlError(RenderError):
    """The output of a template is not valid YAML, or not a Kubernetes object.

    Remedy: Quote texts with `| quote` and write structures with `| to_yaml`; `bundler template --show-invalid` prints
    the whole output.
    """

    code = "rendered-yaml"


class ManifestError(RenderError):
    """Rendered objects cannot be used together, or an object has a form that cannot be sent.

    Remedy: Fix the templates that the error names; `bundler template` shows what they render.
    """

    code = "manifest"


class LockDriftError(BundleError):
    """bundle.lock and the components that it pins differ.

    Remedy: Run `bundler lock`, and commit bundle.lock.
    """

    code = "lock-drift"
    exit_code = 3
