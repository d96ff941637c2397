"""bundler: package applications as versioned bundles and install them on Kubernetes."""

from bundler._version import __version__

__all__ = ["__version__"]
