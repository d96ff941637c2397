"""Bundles on disk into the model. Layer: loader; reads local files only.

``locate.find_bundle`` finds what a user names, ``load.load_bundle`` loads it, ``shipped.shipped_dir`` finds the data
files that come with bundler.
"""
