"""Signals as datatrove counts them: what the thresholds of FineWeb-2 were made for."""
