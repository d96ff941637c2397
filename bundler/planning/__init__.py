"""What is wanted against what is there. Layer: planning, pure."""
