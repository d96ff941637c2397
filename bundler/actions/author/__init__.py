"""What an author of bundles does. Layer: actions."""
