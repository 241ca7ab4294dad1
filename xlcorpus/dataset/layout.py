"""The names inside a dataset's folder."""

from __future__ import annotations

MANIFEST = "manifest.json"
DATA = "data"
DECISIONS = "decisions"
REJECTS = "rejects"
BESIDE = ("languages.json", "scripts.json")  # numbers of the languages of token shards
WORK = "_work"  # sidecars, spill files and the state of an unfinished run; gone when the manifest is written
