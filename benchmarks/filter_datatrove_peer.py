"""Run by datatrove's own Python: its filters, as FineWeb-2's pipeline sets them, on documents of many languages.

Needs nothing of this project. `python filter_datatrove_peer.py DOCUMENTS.jsonl CONFIGS RESULTS.jsonl`: of each document
(`id`, `text`, `label`, the name of its file in CONFIGS) the first filter that removes it, and its words.
"""

import json
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.text import split_into_words


def filters_of(label: str, settings: dict[str, Any]) -> list[Any]:
    """The three filters of step 5 of fineweb-2-pipeline.py."""
    return [
        GopherRepetitionFilter(
            language=label,
            dup_para_frac=0,
            dup_line_char_frac=0,
            dup_para_char_frac=0,
            dup_line_frac=settings["dup_line_frac"],
            top_n_grams=settings["top_n_grams"],
            dup_n_grams=settings["dup_n_grams"],
        ),
        FineWebQualityFilter(
            language=label,
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=settings["line_punct_thr"],
            new_line_ratio=settings["new_line_ratio"],
        ),
        GopherQualityFilter(
            language=label,
            max_avg_word_length=settings["max_avg_word_length"],
            min_avg_word_length=settings["min_avg_word_length"],
            stop_words=settings["stopwords"],
            max_non_alpha_words_ratio=settings["max_non_alpha_words_ratio"],
            min_stop_words=2,
        ),
    ]


def decide(document: Document, filters: list[Any]) -> str | None:
    """Why a document goes; None where it stays."""
    for one in filters:
        verdict = one.filter(document)
        if isinstance(verdict, tuple):
            return verdict[1]
        if verdict is False:
            return type(one).__name__
    return None


def main(source: str, configs: str, target: str) -> None:
    """Decide on all documents, language by language; a language whose tokenizer cannot be had has an error."""
    rows = [json.loads(line) for line in Path(source).read_text(encoding="utf-8").splitlines()]
    with open(target, "w", encoding="utf-8") as out:
        for label, group in groupby(sorted(rows, key=lambda row: row["label"]), key=lambda row: row["label"]):
            settings = yaml.safe_load(Path(configs, f"{label}.yml").read_text(encoding="utf-8"))
            filters, began = filters_of(label, settings), time.process_time()
            for row in group:
                result: dict[str, Any] = {"id": row["id"]}
                try:
                    result["words"] = len(split_into_words(row["text"], label))
                    result["reason"] = decide(Document(text=row["text"], id=str(row["id"])), filters)
                except Exception as error:
                    result["error"] = f"{type(error).__name__}: {error}"[:200]
                out.write(json.dumps(result) + "\n")
                if "error" in result and "ZeroDivision" not in result["error"]:
                    break  # no tokenizer for this language
            print(label, round(time.process_time() - began, 1), file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
