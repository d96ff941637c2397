"""Programs that make files of this repository out of other sources."""
