"""bundler measured beside its peers."""
