"""Checks before an installation. Layer: actions."""
