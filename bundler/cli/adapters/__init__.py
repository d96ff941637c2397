"""Build what actions need from what was typed. Layer: cli."""
