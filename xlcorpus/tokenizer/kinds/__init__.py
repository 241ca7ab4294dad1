"""Kinds of tokenizers, one module each, found by what a path is: `KIND` is a `TokenizerKind`."""
