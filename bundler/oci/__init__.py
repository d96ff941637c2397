"""OCI registries: the Registry port over HTTP, credentials, layouts on disk. Layer: adapter.

``client.OciClient.open(settings, around)`` makes the client; ``settings.load_settings(...)`` reads what is known of each
host (authority, plain HTTP, mirror) and ``credentials`` who we are there. ``layout.LayoutReader`` reads OCI image layouts.
The command line makes it by ``cli.registries.open_registry(app, flags)``.
"""
