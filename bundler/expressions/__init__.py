"""The one expression language: sandboxed Jinja2. Layer: expressions, pure."""
