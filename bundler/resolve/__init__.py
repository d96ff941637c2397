"""Versions and ranges. Layer: resolve, pure."""
