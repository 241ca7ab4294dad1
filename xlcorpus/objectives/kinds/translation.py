"""Translation (ML50, Tang et al. 2020; SixT+, Chen et al. 2022): from the text of a pair to the other.

Languages stand in the sides themselves, as `pack --side-templates` writes them. Label smoothing as fairseq's recipe of
ML50 has it (SixT+: 0.1).
"""

from __future__ import annotations

from xlcorpus.objectives.objective import ObjectiveKind
from xlcorpus.objectives.seq2seq import ARCHITECTURE, Seq2Seq, Seq2SeqOptions
from xlcorpus.options import option


class TranslationOptions(Seq2SeqOptions):
    """Options of translation."""

    label_smoothing: float = option(0.2, ge=0, lt=1, description="share of a label that all ids have alike")


class Translation(Seq2Seq):
    """The cost of the target, given the source."""

    view, sides, name = "bitext", ("src_ids", "tgt_ids"), "translation"


OBJECTIVE = ObjectiveKind("translation", "bitext", ARCHITECTURE, TranslationOptions, ("pad", "eos"), Translation)
