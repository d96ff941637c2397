"""Streams, colours, tables and progress. Layer: cli."""
