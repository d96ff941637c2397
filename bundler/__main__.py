"""``python -m bundler`` and the console script. Layer: cli."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; ``--version`` alone answers without loading it."""
    if sys.argv[1:] == ["--version"]:
        from bundler._version import __version__  # noqa: PLC0415 - the version is asked for often, by scripts

        sys.stdout.write(f"bundler {__version__}\n")
        return
    from bundler.cli.main import run  # noqa: PLC0415 - loading click costs more than the answer above

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
