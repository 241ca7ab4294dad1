"""The dataset card, README.md: what a dataset holds, and which files are what, for people and `load_dataset`."""

from __future__ import annotations

import json
import re

from xlcorpus.dataset.kinds import KINDS, is_mix
from xlcorpus.dataset.layout import DATA, DECISIONS, HELD_OUT, HOLDOUT, REJECTS
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.schema import load_schema

_CONFIG = re.compile(r"[A-Za-z0-9_.\-]+")
_MOST = 20  # languages that are shown


def card_of(manifest: Manifest) -> str:
    """The card; equal datasets have equal cards.

    Without its configurations `load_dataset` takes decisions and rejects for rows. Of partitions each is one as well:
    its loader does not read columns from paths.
    """
    counts = sorted(manifest.languages.items(), key=lambda item: (-item[1], item[0]))
    languages = ", ".join(f"{lang or '(none)'} {count:,}" for lang, count in counts[:_MOST])
    more = f" and {len(counts) - _MOST:,} more" if len(counts) > _MOST else ""
    own = load_schema(manifest.schema_name, int(manifest.schema.rpartition("-")[2]))
    schemas = [own, *(map(load_schema, KINDS) if is_mix(manifest.arrow_schema.names) else ())]
    meanings: dict[str, str] = {}
    for field in (field for schema in schemas for field in (*schema.fields, *schema.also)):
        meanings.setdefault(field.name, (field.metadata or {}).get(b"description", b"").decode())
    columns = [
        f"| {_cell(f.name)} | {_cell(str(f.type))} | {_cell(meanings.get(f.name, ''))} |" for f in manifest.arrow_schema
    ]
    models = [f"{name} {_cell(found)}" for step in manifest.steps for name, found in step.models.items()]
    lines = [
        "---",
        "configs:",
        *(line for name, files in configurations(manifest).items() for line in _entry(name, files)),
        "---",
        "",
        f"# {manifest.rows:,} rows of the schema {manifest.schema}",
        "",
        f"Made by xlcorpus {manifest.code_version}: {', '.join(step.step for step in manifest.steps)}. "
        "`manifest.json` says how, from what, and has the SHA-256 of every file.",
        "",
        *([f"Models and libraries: {', '.join(models)}.", ""] if models else []),
        *([f"Languages: {languages}{more}.", ""] if counts else []),
        "| Column | Type | What it is |",
        "| --- | --- | --- |",
        *columns,
    ]
    return "\n".join(lines) + "\n"


def configurations(manifest: Manifest) -> dict[str, str]:
    """Patterns of files by the name of a configuration: rows, decisions, rejects, holdout, rows of each partition."""
    folders = sorted({shard.name.rpartition("/")[0] for shard in manifest.shards})
    parted = folders != [DATA]
    found = {"default": f"{DATA}/*/*.parquet" if parted else f"{DATA}/*.parquet"}
    found |= {name: f"{name}/*.parquet" for name in (DECISIONS, REJECTS) if getattr(manifest, name)}
    if any(file.name == HELD_OUT for file in manifest.plain_files):
        found[HOLDOUT] = f"{HOLDOUT}/{found['default']}"
    for folder in folders if parted else ():
        value = folder.partition("=")[2]
        if _CONFIG.fullmatch(value) and value not in found:
            found[value] = f"{folder}/*.parquet"
    return found


def _entry(name: str, files: str) -> list[str]:
    return [f"- config_name: {json.dumps(name)}", f"  data_files: {json.dumps(files)}"]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
