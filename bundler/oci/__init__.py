"""OCI registries: the Registry port over HTTP, credentials. Layer: adapter.

``client.OciClient.open(settings, around)`` makes the client; ``settings.load_settings(...)`` reads what is known of
each host (authority, plain HTTP), ``credentials`` who we are there.
The command line makes it by ``cli.registries.open_registry(app)``.
"""
