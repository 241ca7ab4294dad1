"""The experiments, found by name: each module has one or several in EXPERIMENTS."""
