"""Pairs as JSON Lines that trl, LLaMA-Factory and others read: prompts and what is to be said to them.

trl (SFTTrainer, "dataset formats") reads `prompt` and `completion`, or `messages`; LLaMA-Factory (data/README.md) reads
Alpaca's `instruction`, `input`, `output`, or `messages`, as the dataset_info.json says that is written beside its file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.columns import column_or_null, require_column, text_or_empty
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location, write_json, write_parts
from xlcorpus.errors import UserError
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.pool import NAMES
from xlcorpus.mine.translate import TEMPLATE, prompts_of
from xlcorpus.text.language_names import english_name

FORMATS = ("trl", "trl-messages", "llama-factory", "llama-factory-messages")
INFO = "dataset_info.json"
_INSTRUCTION = "Translate from {given} into {wanted}."


def lines_of(
    batch: pa.RecordBatch, format: str, *, into: str, shots: int = 0, template: str = TEMPLATE
) -> Iterator[dict[str, Any]]:
    """What each pair of a batch (schema pair-1, in one direction) is for one of FORMATS.

    into: `src` or `tgt`, the side that is to be said; the other one is asked. shots: most of the examples in column
    shots, the last ones, that the prompt shows. Formats with messages and Alpaca's say the languages in a sentence and
    have the examples before it as turns, or in the instruction.
    """
    asked = "tgt" if into == "src" else "src"
    texts, answers = text_or_empty(batch, asked), text_or_empty(batch, into)
    langs = [(text_or_empty(batch, f"{side}_lang")).to_pylist() for side in (into, asked)]
    given = column_or_null(batch, "shots", pa.null()).to_pylist() if shots else [None] * len(batch)
    for row, (text, answer) in enumerate(zip(texts.to_pylist(), answers.to_pylist(), strict=True)):
        examples = [(one[asked], one[into]) for one in (given[row] or [])[-shots:]] if shots else []
        pair = LanguagePair(langs[0][row], langs[1][row])
        if format == "trl":
            names = dict(zip(NAMES, pair.names, strict=True))
            shown = [{"src": said, "tgt": heard, **names} for heard, said in reversed(examples)]
            (prompt,) = prompts_of(pa.array([text]), [shown], pair, template)
            yield {"prompt": prompt, "completion": f" {answer}"}
            continue
        wanted, heard = (english_name(label) for label in (pair.src, pair.tgt))
        instruction = _INSTRUCTION.format(given=heard, wanted=wanted)
        if format == "llama-factory":
            turns = [f"{one}\n{other}" for one, other in examples]
            yield {"instruction": "\n\n".join([instruction, *turns]), "input": text, "output": answer}
            continue
        turns_ = [*examples, (text, answer)]
        yield {
            "messages": [
                {"role": role, "content": content}
                for number, turn in enumerate(turns_)
                for role, content in (
                    ("user", f"{instruction}\n{turn[0]}" if not number else turn[0]),
                    ("assistant", turn[1]),
                )
            ]
        }


def write_prompts(
    datasets: Sequence[Dataset], output: Location, format: str, *, into: str, shots: int = 0, template: str = TEMPLATE
) -> int:
    """Write pairs, those that pass the filter where it is noted; how many. For LLaMA-Factory its `dataset_info.json`
    lies beside the file. Raises UserError for datasets of other rows, and for another suffix than .jsonl.
    """
    if output.suffix != ".jsonl":
        raise UserError(f"--output {output}: these are JSON Lines", remedy="give it a name that ends in .jsonl")
    for dataset in datasets:
        for name in ("src", "tgt", "src_lang", "tgt_lang"):
            require_column(dataset.manifest.arrow_schema, name, str(dataset.folder))
        if shots:
            remedy = "run xlcorpus mine-select, which chooses them, or leave out --shots"
            require_column(dataset.manifest.arrow_schema, "shots", str(dataset.folder), remedy=remedy)
    count = 0

    def parts() -> Iterator[bytes]:
        nonlocal count
        for dataset in datasets:
            for batch in dataset.batches():
                kept = batch.filter(column_or_null(batch, "filter_pass", pa.bool_()).fill_null(True))
                for line in lines_of(kept, format, into=into, shots=shots, template=template):
                    count += 1
                    yield (json.dumps(line, ensure_ascii=False) + "\n").encode()

    write_parts(output, parts())
    if format.startswith("llama-factory"):
        write_json(output.with_name(INFO), {output.stem: {"file_name": output.name, **_information(format)}})
    return count


def _information(format: str) -> dict[str, Any]:
    if format == "llama-factory":
        return {"columns": {"prompt": "instruction", "query": "input", "response": "output"}}
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    return {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": tags}
