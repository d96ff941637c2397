"""What a new CustomResourceDefinition means for the objects of its kind. Layer: planning, pure."""
