"""Options, arguments and completions. Layer: cli."""
