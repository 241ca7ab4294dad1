"""`--bits`: bits per byte of held-out packs, by language, and how another evaluation's differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import BLUE, Found, Measure, Rows, Say, cell, last_name
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.bits.costs import Bits
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.loader.rows import TokenRows

_MANY_UNKNOWN = 0.001  # of the tokens of a language
_ALL = "all"


class BitsPerByte(Measure):
    """What a byte of text costs."""

    name, needs = "bits", ("AutoModelForCausalLM", "AutoModelForMaskedLM")
    help = "packs to measure bits per byte on"

    def open(self, given: str, options: EvaluateOptions) -> TokenRows:
        """Packs."""
        from xlcorpus.evaluate.batches import open_packs
        from xlcorpus.evaluate.measures.bits.per_byte import COLUMNS

        return open_packs(given, COLUMNS, "--bits")

    def check(self, trained: TrainedModel, data: Any, options: EvaluateOptions) -> None:
        """A head that was trained, and rows that fit."""
        super().check(trained, data, options)
        if trained.length is not None and data.length > trained.length:
            raise UserError(
                f"{data.folder} has rows of {data.length:,} tokens, and {trained.path} reads {trained.length:,}",
                remedy=f"pack them again with --length {trained.length}",
            )

    def run(self, trained: TrainedModel, data: TokenRows, options: EvaluateOptions, say: Say) -> Found:
        """Languages, all of them together, and which of the dataset's were not measured."""
        from xlcorpus.evaluate.measures.bits.per_byte import bits_per_byte, summary
        from xlcorpus.initialize.architecture import CAUSAL
        from xlcorpus.loader.source import objective_for
        from xlcorpus.objectives.objective import OBJECTIVES

        kind = OBJECTIVES.find("clm" if trained.architecture == CAUSAL else "mlm")
        objective = objective_for(data, kind, kind.options())
        objective.prepare(trained.model)
        count = min(data.count, options.rows or data.count)
        say(f"{data.folder}: {count:,} of {data.count:,} rows of {data.length:,} tokens")
        pieces = trained.tokenizer.piece_bytes
        found = bits_per_byte(
            trained.model, objective, data, batch=options.batch, piece_bytes=pieces, limit=options.rows
        )
        if not found:
            raise UserError(
                f"no byte of text in {data.folder} could be measured", remedy="name packs with texts, or raise --rows"
            )
        if not all(math.isfinite(one.total["nats"]) for one in found.values()):
            raise UserError(
                f"the losses of {trained.path} are no numbers",
                remedy="its weights are damaged: use an earlier checkpoint",
            )
        return Found(_told(summary(found), found, data, say), found)

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """By language; and beside another evaluation's."""
        rows = [["language", measure(facts), "± error", "loss", "tokens", "bytes", "documents"]]
        for lang, one in [*facts["languages"].items(), (_ALL, facts[_ALL])]:
            rows.append(
                [lang, cell(one[measure(facts)]), cell(one["error"]), cell(one["loss"])]
                + [f"{round(one[key]):,}" for key in ("tokens", "bytes", "documents")]
            )
        found = {f"{measure(facts).replace('_', ' ')}: {given}": rows}
        if "against" in facts:
            other = facts["against"]
            titles = ["language", "here", "there", "difference", "± error", "documents"]
            shown = (measure(facts), "other", "difference", "error")
            found[f"{given} here, and {other['dataset']} of {other['evaluation']} there"] = [titles] + [
                [lang, *(cell(one[key]) for key in shown), f"{one['documents']:,}"]
                for lang, one in [*other["languages"].items(), (_ALL, other[_ALL])]
            ]
            if "related" in other:
                found[f"related languages that were not trained: {given}"] = _watched(other["related"])
        return found

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """A panel a dataset."""
        langs = [*sorted({lang for one in found.values() for lang in one["languages"]}), _ALL]
        panels = []
        for name, one in found.items():
            rows = [one["languages"].get(lang) if lang != _ALL else one[_ALL] for lang in langs]
            values, errors = ([row[key] if row else None for row in rows] for key in (measure(one), "error"))
            panels.append(Panel(f"{measure(one).replace('_', ' ')}: {last_name(name)}", values, BLUE, errors))
        return bars(title, langs, panels)


def measure(facts: Mapping[str, Any]) -> str:
    """`bits_per_byte`, or of masked tokens `pseudo_bits_per_byte`."""
    return _measured(facts[_ALL])


def _watched(facts: Mapping[str, Any]) -> Rows:
    titles = ["language", "group", "before", "after", "difference", "± error", "documents", "change"]
    lines = [(lang, one["group"], one) for lang, one in facts["languages"].items()]
    lines += [(_ALL, group, facts[group]) for group in ("related", "trained") if group in facts]
    rows = [titles]
    for lang, group, one in lines:
        cells = [cell(one[key]) for key in ("other", _measured(one), "difference", "error")]
        rows.append([lang, group, *cells, f"{one['documents']:,}", str(one["change"])])
    return rows


def _measured(facts: Mapping[str, Any]) -> str:
    return next(key for key in facts if key.endswith("bits_per_byte"))


def _told(facts: dict[str, Any], found: Mapping[str, Bits], rows: TokenRows, say: Say) -> dict[str, Any]:
    from xlcorpus.evaluate.batches import packed_languages

    without = sorted({*packed_languages(rows)} - {*found})
    if without:
        say(f"{rows.folder}: nothing was measured of {', '.join(without)}")
    unknown = {lang: one["unknown"] for lang, one in facts["languages"].items() if one["unknown"] > _MANY_UNKNOWN}
    if unknown:
        shares = ", ".join(f"{lang} {share:.1%}" for lang, share in unknown.items())
        say(f"{rows.folder}: tokens that say no more than that a character is unknown make figures too good: {shares}")
    return {"fingerprint": rows.manifest.content_fingerprint, **facts, "without": without}


MEASURE = BitsPerByte()
