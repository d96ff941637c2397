"""The verbs that change a release, and its history. Layer: actions."""
