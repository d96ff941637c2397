"""Layers of values into one, with origins. Layer: values, pure."""
