"""The delivery file: index, placement, writing, reading, checking. Layer: delivery; local files only."""
