"""Recipes of `xlcorpus pretrain`."""
