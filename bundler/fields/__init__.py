"""Server-side apply as data: field sets, merge rules, quantities, built-in kinds. Layer: fields, pure."""
