"""A real Kubernetes API behind the ClusterClient port. Layer: adapter."""
