"""Fixtures for every test."""

pytest_plugins = ["tests.lib.fixtures_controlplane"]
