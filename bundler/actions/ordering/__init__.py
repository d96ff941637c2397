"""Orders, and those who change their releases: found, suspended, edited. Layer: actions."""
