"""``python -m bundler`` and the console script. Layer: cli."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line; ``--version`` alone answers without loading it.

    Looking for cycles took a fifth of a short run, most of it while modules load and at the end, and a run makes hardly
    any: the collector comes rarely, and leaves what is alive at the end to the operating system.
    """
    if sys.argv[1:] == ["--version"]:
        from bundler._version import __version__  # noqa: PLC0415 - the version is asked for often, by scripts

        sys.stdout.write(f"bundler {__version__}\n")
        return
    gc.set_threshold(100_000, 50, 100)
    from bundler.cli.main import run  # noqa: PLC0415 - loading click costs more than the answer above

    exit_code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
