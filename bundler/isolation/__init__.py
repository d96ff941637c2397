"""Work on what others wrote, in a process that has limits and may be ended. Layer: isolation."""
