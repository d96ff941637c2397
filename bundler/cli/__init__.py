"""The command line: parse options, build adapters, print. Layer: cli."""
