"""Upgrades in steps: carry out their steps, pause, continue and go back. Layer: actions."""

from __future__ import annotations
