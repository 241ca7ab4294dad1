"""Word alignment of sentence pairs: IBM model 2 with a diagonal, both directions joined into one."""
