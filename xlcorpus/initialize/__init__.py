"""Where training starts: a random model, a checkpoint, or one whose vocabulary was extended."""
