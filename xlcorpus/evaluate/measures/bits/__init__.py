"""`--bits`: bits per byte of held-out packs, by language, and how another evaluation's differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import ALL, BLUE, Found, Measure, Rows, Say, by_language, table
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.bits.costs import Bits
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.loader.rows import TokenRows

_MANY_UNKNOWN = 0.001  # of the tokens of a language
_COMPARED = "difference, ± error=error, documents"
_AGAINST = f"language=of, here=bits_per_byte, here=pseudo_bits_per_byte, there=other, {_COMPARED}"
_RELATED = f"language=of, group, before=other, after=bits_per_byte, after=pseudo_bits_per_byte, {_COMPARED}, change"


class BitsPerByte(Measure):
    """What a byte of text costs."""

    name, needs = "bits", ("AutoModelForCausalLM", "AutoModelForMaskedLM")
    help = "packs to measure bits per byte on"
    caption = "bits per byte"
    columns = "language=of, bits per byte=bits_per_byte, pseudo bits per byte=pseudo_bits_per_byte, ± error=error, loss"
    columns += ", tokens, bytes, documents"
    panels = (
        ("bits per byte", "bits_per_byte", "error", BLUE),
        ("pseudo bits per byte", "pseudo_bits_per_byte", "error", BLUE),
    )

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

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """By language, and all."""
        return [{**one, "bytes": round(one["bytes"])} for one in by_language(facts)]

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """By language; and beside another evaluation's."""
        found = super().tables(given, facts)
        if "against" in facts:
            other = facts["against"]
            caption = f"{given} here, and {other['dataset']} of {other['evaluation']} there"
            found[caption] = table(_AGAINST, by_language(other))
            if "related" in other:
                languages = [{"of": lang, **one} for lang, one in other["related"]["languages"].items()]
                groups = [
                    {"of": ALL, "group": name, **one} for name, one in other["related"].items() if name != "languages"
                ]
                found[f"related languages that were not trained: {given}"] = table(_RELATED, languages + groups)
        return found


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
