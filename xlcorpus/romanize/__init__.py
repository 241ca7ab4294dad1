"""Romanisation: text of any script in Latin letters, and the views of a corpus that need it."""
