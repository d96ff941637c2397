"""What people and programs see. Layer: cli; the only place that imports rich, and only when it draws."""
