"""The formats, found by name: each module has one as FORMAT."""
