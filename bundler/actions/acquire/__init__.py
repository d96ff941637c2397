"""Take bundles and deliveries from where they are: folders, archives, registries. Layer: actions."""
