"""The embedded cluster behind the ClusterClient port. Layer: adapter."""
