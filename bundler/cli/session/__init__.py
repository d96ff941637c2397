"""One call of the program: settings, signals, clock. Layer: cli."""
