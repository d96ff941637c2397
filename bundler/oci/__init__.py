"""OCI registries: the Registry port over HTTP, credentials, layouts on disk. Layer: adapter.

``client.OciClient.open(settings, around)`` makes the client; ``settings.load_settings(...)`` reads what is known of
each host (authority, plain HTTP, mirror), ``credentials`` who we are there, ``layout`` OCI image layouts on disk.
The command line makes it by ``cli.registries.open_registry(app, flags)``.
"""
