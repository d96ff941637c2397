"""Plan and carry out a change of a cluster. Layer: actions."""
