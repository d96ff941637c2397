"""Release records and locks in a cluster. Layer: adapter."""
