"""One file per verb. Layer: cli."""
