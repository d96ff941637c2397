"""Server-side apply as data: field sets, merge rules, quantities, kinds. Layer: fields, pure."""
