"""Source trees: which files are code worth keeping, in which language, under which licence."""
