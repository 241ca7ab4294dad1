"""Code-switching restore (CSR4mBART, methods A2.3): from a switched sentence to the sentence as it was.

The loss is over all of it, not over what was switched alone. The second stage is `translation`, in a stage of its own.
"""

from __future__ import annotations

from xlcorpus.objectives.objective import ObjectiveKind
from xlcorpus.objectives.seq2seq import ARCHITECTURE, Seq2Seq, Seq2SeqOptions
from xlcorpus.options import option


class RestoreOptions(Seq2SeqOptions):
    """Options of restoring."""

    label_smoothing: float = option(0.2, ge=0, lt=1, description="share of a label that all ids have alike")


class Restore(Seq2Seq):
    """The cost of the original, given the switched sentence."""

    view, sides, name = "restore", ("inputs_ids", "targets_ids"), "restore"


OBJECTIVE = ObjectiveKind("restore", "restore", ARCHITECTURE, RestoreOptions, ("pad", "eos"), Restore)
