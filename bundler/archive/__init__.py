"""Bundles as deterministic archives. Layer: archive; local files only."""
