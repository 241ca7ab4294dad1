"""What the languages of a dataset are like: sizes, scripts, typology, how near they are, and languages chosen by it."""
