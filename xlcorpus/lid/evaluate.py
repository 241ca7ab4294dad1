"""Measure a language identification model on texts whose language is known."""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import LanguageModel
from xlcorpus.text.hashes import hash_text
from xlcorpus.text.labels import language_of, normalize_label

_BATCH = 4_096
ALL_LANGUAGES = "all"  # the row of the table with micro accuracy and the means over the known languages


def is_held_out(line: str, one_in: int) -> bool:
    """Whether a line is kept from training: by the xxh3-64 of its NFC text, so that every file agrees on it."""
    return one_in > 0 and int(hash_text(unicodedata.normalize("NFC", line).strip())) % one_in == 0


def text_lines(path: Location) -> list[str]:
    """The lines of a text (gzipped where its name ends in .gz), split at line feeds only, without blank ones."""
    content = storage.read_bytes(path)
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return [line for line in text.split("\n") if line.strip()]


def read_labelled(path: Location) -> Iterator[tuple[str, str]]:
    """(label, text) of a file: JSON lines with `lang` and `text`, or `xxx_Yyyy.txt[.gz]` with one text a line.

    Records without a language are passed over. Raises UserError where the file is neither, or a record is broken.
    """
    if ".jsonl" in path.suffixes:
        for number, line in enumerate(text_lines(path), start=1):
            try:
                record = json.loads(line)
                label, text = record["lang"], record["text"]
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{path}, line {number}: no record with `lang` and `text` ({error!r})",
                    remedy='give JSON lines such as {"lang": "swh_Latn", "text": "..."}',
                ) from error
            if label:
                yield normalize_label(label), text
    elif ".txt" in path.suffixes:
        label = normalize_label(path.name.split(".")[0])
        for line in text_lines(path):
            yield label, line
    else:
        raise UserError(f"{path} is neither JSON lines nor text", remedy="name it *.jsonl[.gz] or xxx_Yyyy.txt[.gz]")


def gather(files: Iterable[Location], *, held_out: int = 0, min_chars: int = 1) -> dict[str, list[str]]:
    """Texts by label of several files; with `held_out`, only those that `train` with the same number never saw."""
    texts: dict[str, list[str]] = {}
    for path in files:
        for label, text in read_labelled(path):
            if len(text) >= min_chars and (not held_out or is_held_out(text, held_out)):
                texts.setdefault(label, []).append(text)
    return texts


def model_languages(model: LanguageModel) -> frozenset[str]:
    """The languages a model knows, normalised; a label without a script counts for every script."""
    known = {model.label(label) for label in model.labels}
    return frozenset(known if model.has_scripts else {language_of(label) for label in known})


def _knows(languages: frozenset[str], label: str) -> bool:
    return label in languages or language_of(label) in languages


def _identified(model: LanguageModel, texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    labels: list[str] = []
    scores = []
    for start in range(0, len(texts), _BATCH):
        batch = pa.record_batch({"text": pa.array(texts[start : start + _BATCH], type=pa.string())})
        found = identify_batch(batch, model, top_k=1)
        labels += found.column("lang").to_pylist()
        scores.append(found.column("lang_score").to_numpy())
    return labels, np.concatenate(scores)


def _figures(model: LanguageModel, texts: Mapping[str, Sequence[str]]) -> pa.Table:
    """The table of `evaluate`. texts: some for each label."""
    names = sorted(texts)
    gold = np.repeat(np.arange(len(names)), [len(texts[name]) for name in names])
    labels, scores = _identified(model, [text for name in names for text in texts[name]])
    number = {name: position for position, name in enumerate(names)}
    strange = sorted(set(labels) - set(names))
    number |= {name: len(names) + position for position, name in enumerate(strange)}
    said = np.array([number[label] for label in labels], dtype=np.int64)
    every = [*names, *strange]
    languages = model_languages(model)
    rows: list[dict[str, Any]] = []
    for position, name in enumerate(names):
        mine, answered = gold == position, said == position
        right = int((mine & answered).sum())
        counts = np.bincount(said[mine & ~answered], minlength=len(every))
        wrong = [every[other] for other in np.argsort(-counts, kind="stable")[:3] if counts[other]]
        n, predicted = int(mine.sum()), int(answered.sum())
        rows.append(
            {
                "lang": name,
                "known": _knows(languages, name),
                "n": n,
                "recall": right / n,
                "precision": right / predicted if predicted else 0.0,
                "f1": 2 * right / (n + predicted),
                "score": float(scores[mine].mean()),
                "confused_with": " ".join(wrong),
            }
        )
    known = [row for row in rows if row["known"]]
    total = sum(row["n"] for row in known)
    mean = {key: float(np.mean([row[key] for row in known])) if known else 0.0 for key in ("precision", "f1", "score")}
    recall = sum(row["recall"] * row["n"] for row in known) / total if total else 0.0
    rows.append({"lang": ALL_LANGUAGES, "known": True, "n": total, "recall": recall, **mean, "confused_with": ""})
    return pa.Table.from_pylist(rows)


def evaluate(model: LanguageModel, files: Iterable[Location], *, held_out: int = 0, min_chars: int = 1) -> pa.Table:
    """How often the model, through `identify_batch`, names the language of the texts of these files.

    A table with one row a language: lang (string), known (bool: the model has a label for it), n (int64), recall,
    precision, f1, score (float64: mean lang_score), confused_with (string: the three most frequent wrong answers); the
    last row, `all`, counts the known languages: their recall over all texts (accuracy) and the plain means of the rest.
    files: see `read_labelled`. held_out: see `gather`. Raises UserError where the files hold no labelled text.
    """
    texts = gather(files, held_out=held_out, min_chars=min_chars)
    if not texts:
        raise UserError("the files hold no labelled text to evaluate on", remedy="name files with `lang` and `text`")
    return _figures(model, texts)
