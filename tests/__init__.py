"""The tests of bundler."""
