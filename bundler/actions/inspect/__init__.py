"""Read what releases are and how they are doing. Layer: actions."""
