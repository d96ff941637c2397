"""From a bundle and what its user gives to manifests. Layer: actions."""
