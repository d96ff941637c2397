"""YAML 1.2 in and out, with marks. Layer: syntax, pure."""
