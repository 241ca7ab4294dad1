"""Real text: PUD, NTREX and Tatoeba against Wiktionary. Thresholds lie a little under what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import alignment, induction
from benchmarks.align_samples import pairs_batch
from benchmarks.parallel import parallel_text
from tests.codeswitch.switch_helpers import parts_of
from xlcorpus.align.aligner import align_and_score, align_pairs, train_aligner
from xlcorpus.align.language_pairs import symmetrization_of
from xlcorpus.align.options import AlignOptions
from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.options import CodeswitchOptions

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("language", "found", "right"), [("deu", 0.75, 0.81), ("hin", 0.74, 0.79), ("zho", 0.60, 0.66)]
)
def test_links_agree_with_the_dictionary(shared_data: Path, language: str, found: float, right: float) -> None:
    rows = list(alignment.measure(shared_data, language, ["default"]).values())
    ours, random, diagonal = rows
    assert ours.found > found
    assert ours.right > right
    assert ours.found > 2 * diagonal.found > 2 * random.found
    assert ours.agree > 2 * diagonal.agree > 2 * random.agree


@pytest.mark.parametrize(
    ("label", "share", "ratio"),
    [("deu_Latn", 0.99, 0.44), ("hin_Deva", 0.99, 0.41), ("zho_Hant", 0.6, 0.16)],
)
def test_most_pairs_are_switched_and_keep_their_numbers(
    shared_data: Path, label: str, share: float, ratio: float
) -> None:
    source, target, measured = parallel_text(shared_data, label[:3])
    method = symmetrization_of(AlignOptions(), ("eng_Latn", label))  # as the step does, characters by intersection
    model = train_aligner(pa.array(source), pa.array(target))
    source, target = source[:measured], target[:measured]
    batch = pairs_batch(
        source, target, "eng_Latn", label, align_pairs(model, pa.array(source), pa.array(target), method)
    )
    pairs, decisions = parts_of(switch_spans(batch, CodeswitchOptions(operator="align-span")))
    assert len(pairs) + len(decisions) == measured
    assert len(pairs) > share * measured
    for row in pairs.to_pylist():
        assert sorted(re.findall(r"\d+", row["cs_source"])) == sorted(re.findall(r"\d+", row["cs_target"]))
    assert sum(pairs.column("cs_ratio").to_pylist()) / len(pairs) > ratio


@pytest.mark.parametrize(("language", "worse"), [("deu", 0.75), ("hin", 0.70), ("zho", 0.85)])
def test_true_pairs_score_above_shuffled_ones(shared_data: Path, language: str, worse: float) -> None:
    """Half of the pairs that it is trained on are shuffled: how often one of them scores below a true one."""
    source, target, _ = parallel_text(shared_data, language)
    half = len(target) // 2
    order = np.random.default_rng(7).permutation(half)
    mixed = [target[at] for at in order] + target[half:]
    model = train_aligner(pa.array(source), pa.array(mixed))
    scores = np.array(align_and_score(model, pa.array(source), pa.array(mixed))[1], dtype=np.float64)
    wrong, right = scores[:half][order != np.arange(half)], scores[half:]
    assert (wrong[:, None] < right[None]).mean() > worse


def test_seed_pairs_beat_numerals(shared_data: Path) -> None:
    material = induction.prepare(shared_data, "eng-deu", induction.VECTORS["words"])
    figures = {
        name: induction.precision(material, seed, induction.SETTINGS["default"])[0]
        for name, seed in material.seeds.items()
    }
    assert figures["numerals and 500 pairs"] > 1.3 * figures["numerals"]
    assert figures["numerals and 500 pairs"] > 0.15
