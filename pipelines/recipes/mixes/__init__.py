"""Mixes of published systems, as rules over whatever data there is."""
