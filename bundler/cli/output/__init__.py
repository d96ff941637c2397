"""How results look: text, JSON, diffs, progress. Layer: cli; rich is imported only here."""
