"""Whether an object is ready. Layer: health, pure."""
