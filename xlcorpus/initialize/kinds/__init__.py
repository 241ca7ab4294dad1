"""Initializations, one a file; found by name, nothing lists them."""
