"""Measures, a file each (see `xlcorpus.evaluate.measure`)."""
