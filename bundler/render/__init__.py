"""Templates into manifests. Layer: render, pure."""
