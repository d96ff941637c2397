"""Unit tests of bundler.fields."""
