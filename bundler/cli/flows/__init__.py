"""Verbs whose command line does more than call one action. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.cli.flows import (
        chart as chart,
        controller as controller,
        export as export,
        graph_picture as graph_picture,
        image as image,
        preflight as preflight,
    )

__getattr__ = late_modules(__name__)
