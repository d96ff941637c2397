"""Software bills of materials, made from layers as they pass by. Layer: sbom; databases go to temporary files."""
