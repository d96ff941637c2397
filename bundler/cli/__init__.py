"""The command line. Layer: cli."""
