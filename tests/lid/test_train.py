from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from xlcorpus.errors import UserError
from xlcorpus.lid.evaluate import evaluate, gather, is_held_out, model_languages
from xlcorpus.lid.model import LanguageModel, load_model
from xlcorpus.lid.train import TrainOptions, resample, sampling_weights, train, wanted_lines

WORDS = {
    "aaa_Latn": ["mono", "bina", "tero", "lasu", "peki", "doru"],
    "bbb_Latn": ["schtrun", "grovk", "blimst", "zwekt", "frahl", "knurst"],
    "ccc_Cyrl": ["мона", "рубе", "тиво", "шака", "лено", "гусо"],
}
SMALL = TrainOptions(
    weights={},
    unlisted_weight=1.0,
    min_chars=100,
    max_lines=400,
    hold_out=10,
    dim=4,
    bucket=2_000,
    min_count=1,
    epoch=8,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    generator = np.random.default_rng(7)
    for label, words in WORDS.items():
        lines = [" ".join(generator.choice(words, size=6)) + f" {number}." for number in range(300)]
        with gzip.open(data / f"{label}.txt.gz", "wt", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
    (data / "sources.tsv").write_text(
        "lang\tsource\tlines\naaa_Latn\tudhr\t200\naaa_Latn\tebible\t100\nbbb_Latn\tudhr\t300\nzzz_Latn\tud\t9\n"
    )
    return data


def test_train_writes_a_small_working_model_and_its_card(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "small.ftz"
    table = train(folder, output, size_limit_bytes=60_000, options=SMALL, evaluate_on={"all": folder.glob("*.txt.gz")})
    assert output.stat().st_size <= 60_000
    model = load_model(str(output))
    assert model.folded
    assert model_languages(model) == set(WORDS)
    last = table.to_pylist()[-1]
    assert last["lang"] == "all"
    assert last["recall"] == 1.0
    assert 40 <= last["n"] <= 140  # about one line in ten of 900
    card = (output.parent / "README.md").read_text("utf-8")
    assert model.fingerprint in card
    assert "| Universal Declaration of Human Rights (`udhr`) | 500 | public domain |" in card
    assert re.search(r"`ebible`\) \| 100 \| .*\(unverified\)", card)
    assert "(`ud`)" not in card


def test_same_input_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(folder, tmp_path / name / "m.ftz", size_limit_bytes=60_000, options=SMALL)
    assert (tmp_path / "one" / "m.ftz").read_bytes() == (tmp_path / "two" / "m.ftz").read_bytes()


def test_train_errors(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not fit"):
        train(folder, tmp_path / "m.ftz", size_limit_bytes=5_000, options=SMALL)
    with pytest.raises(UserError, match="enough text"):
        train(folder, tmp_path / "m.ftz", options=TrainOptions(min_chars=10**9))
    with pytest.raises(UserError, match="no training text"):
        train(tmp_path, tmp_path / "m.ftz")


def test_resampling_takes_lines_equally_and_by_seed() -> None:
    rows = resample(10, 25, seed=3)
    counts = np.bincount(rows, minlength=10)
    assert counts.sum() == 25
    assert set(counts.tolist()) == {2, 3}
    assert resample(10, 25, seed=3).tolist() == rows.tolist()
    assert resample(10, 25, seed=4).tolist() != rows.tolist()
    assert len(set(resample(10, 4, seed=1).tolist())) == 4


def test_wanted_lines_follow_the_exponent_weights_and_limit_of_repeats() -> None:
    options = TrainOptions(max_lines=10_000, max_repeats=12, weights={"down": 0.5}, unlisted_weight=1.0)
    wanted = wanted_lines({"most": 10_000, "some": 1_000, "down": 1_000, "few": 10}, options)
    some = 10_000 * 0.1**0.3
    assert wanted == {"most": 10_000, "some": round(some), "down": round(some / 2), "few": 120}


def test_sampling_weights_of_the_embedded_model() -> None:
    weights = sampling_weights()
    assert len(weights) > 200
    assert weights["swh_Latn"] == 1.0
    assert weights["prs_Arab"] == 0.0


def test_held_out_lines_do_not_depend_on_normal_form_or_margins() -> None:
    assert is_held_out("é b", 1)
    assert not is_held_out("é b", 0)
    for text in ("été", "mañana", "über uns"):
        assert is_held_out(text, 2) == is_held_out(f" {text} ", 2)
    share = np.mean([is_held_out(f"line {number}", 50) for number in range(20_000)])
    assert 0.017 < share < 0.023


def test_evaluate_counts_by_language(embedded: LanguageModel, tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    rows = [
        {"lang": "swh_Latn", "text": "Watoto walitembea polepole kando ya mto wakizungumza."},
        {"lang": "swh_Latn", "text": "Дети медленно шли вдоль реки и разговаривали."},
        {"lang": "qqq_Latn", "text": "Watoto walitembea polepole kando ya mto."},
        {"lang": "", "text": "passed over"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    table = {row["lang"]: row for row in evaluate(embedded, [path]).to_pylist()}
    assert table["swh_Latn"]["n"] == 2
    assert table["swh_Latn"]["recall"] == 0.5
    assert table["swh_Latn"]["precision"] == 0.5
    assert table["swh_Latn"]["confused_with"] == "rus_Cyrl"
    assert not table["qqq_Latn"]["known"]
    assert table["all"]["n"] == 2
    assert table["all"]["recall"] == 0.5
    assert list(gather([path], min_chars=48)) == ["swh_Latn"]


def test_evaluate_errors(embedded: LanguageModel, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"lang": "swh_Latn", "text": "a"}\n{"lang": "swh_Latn"}\n')
    with pytest.raises(UserError, match=r"broken\.jsonl, line 2"):
        evaluate(embedded, [broken])
    with pytest.raises(UserError, match="neither JSON lines nor text"):
        evaluate(embedded, [tmp_path / "table.csv"])
    with pytest.raises(UserError, match="no labelled text"):
        evaluate(embedded, [])
