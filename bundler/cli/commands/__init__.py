"""One file per verb; loaded only when that verb is called. Layer: cli."""
