"""Ed25519 signatures and key files. Layer: signing, an adapter; reads and writes key files."""
