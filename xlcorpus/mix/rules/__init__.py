"""The rules of mixing, found by name: each module has one as RULE."""
