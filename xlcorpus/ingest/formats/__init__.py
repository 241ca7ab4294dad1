"""The formats of raw files: one module each, with a constant FORMAT. To add one is to add a file here."""
