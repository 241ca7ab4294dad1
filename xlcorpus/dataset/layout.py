"""The names inside a dataset's folder."""

from __future__ import annotations

import re

MANIFEST = "manifest.json"
DATA = "data"
DECISIONS = "decisions"
REJECTS = "rejects"
SHARD_FOLDERS = (DATA, DECISIONS, REJECTS)
SHARD_NAME = re.compile(rf"(?:{'|'.join(SHARD_FOLDERS)})/(?:[^/]+=[^/]*/)?part-\d{{5,}}-\d{{3,}}\.parquet")
HOLDOUT = "holdout"  # a dataset in the folder of another: its rows that are held out of training
HELD_OUT = f"{HOLDOUT}/{MANIFEST}"  # a file of the dataset that has it, so that hashes tell of a change there too
CARD = "README.md"  # the dataset card, which `datasets.load_dataset` reads
LANGUAGES_FILE, SCRIPTS_FILE, LABELS_FILE = "languages.json", "scripts.json", "labels.json"
BESIDE = (LANGUAGES_FILE, SCRIPTS_FILE, LABELS_FILE)  # numbers of languages and of tags of token shards
CALLS_FILE = "calls.parquet"  # what a language model was asked for the rows, and its answers
PLAIN = (CARD, *BESIDE, CALLS_FILE)  # files of a dataset that are no shards
WORK = "_work"  # sidecars, spill files and the state of an unfinished run; gone when the manifest is written
RUN = "run.json"  # in it: what the run makes
