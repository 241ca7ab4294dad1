"""Models of language identification that are called by a name: one file each, whose MODEL says all about it."""
