"""Bundles on disk into the model. Layer: loader; reads local files only."""
