"""The shares that a mix plans are those of the packs: special ids count as tokens in both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.pack.pack_helpers import TEXTS
from tests.pack.pack_runs import SAMPLE, document_rows, packing, save
from tests.rows import rows_of
from tests.running import run_nodes
from tests.tokenizer.families import save_family
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.pack.input_check import remarks
from xlcorpus.pack.options import PackOptions
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.objectives import special_ids_around

# Of each language another length: words a document. The shortest have more special ids than text.
WORDS = {"eng_Latn": 1, "hin_Deva": 2, "amh_Ethi": 5, "tha_Thai": 1, "srp_Cyrl": 30, "zho_Hans": 1}
SHARES = {"eng_Latn": 0.3, "hin_Deva": 0.1, "amh_Ethi": 0.2, "tha_Thai": 0.1, "srp_Cyrl": 0.25, "zho_Hans": 0.05}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short and long documents of six scripts, some without text."""
    texts, langs = [], []
    for lang, words in WORDS.items():
        known = TEXTS[lang].split()
        for number in range(600 // words):
            texts.append(" ".join(known[(number + at) % len(known)] for at in range(words)) if number % 50 else "")
            langs.append(lang)
    return save(tmp_path_factory.mktemp("data") / "docs", [document_rows(texts, langs)])


def mix(given: Path, output: Path, **options: Any) -> Dataset:
    step = find_step("mix")
    node = Node(output.name, step, make_options(step, options, "test"), (given,))
    run_nodes([node], output.parent)
    return Dataset.open(output)


def largest(mixed: Dataset) -> Counter[str]:
    """Units of the largest document of each language."""
    found: Counter[str] = Counter()
    for row in rows_of(mixed):
        found[row["lang"]] = max(found[row["lang"]], row["mix_units"])
    return found


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("bert", {"objective": "mlm"}),
        pytest.param("xlm-r", {}, marks=pytest.mark.slow),
        ("llama", {}),
        ("glm", {"eos": False}),
        ("sentencepiece", {"objective": "mlm"}),
        pytest.param("sentencepiece", {"bos": True}, marks=pytest.mark.slow),
        ("bytes", {"objective": "plain"}),
        pytest.param("gpt-2", {"objective": "span"}, marks=pytest.mark.slow),
    ],
)
def test_shares_in_the_packs_are_those_of_the_plan(
    data: Path, tmp_path: Path, kind: str, asked: dict[str, Any]
) -> None:
    library = pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")
    own = {"sentencepiece": SAMPLE, "bytes": "bytes"}
    path = own.get(kind) or str(save_family(library, kind, tmp_path / kind))
    given: dict[str, Any] = {"tokenizer": path, **asked}
    mixed = mix(data, tmp_path / "mix", ratios=SHARES, budget=3000, max_epochs=4, **given)
    run_nodes([packing(tmp_path / "mix", "packs", length=64, **given)], tmp_path)
    counts = Dataset.open(tmp_path / "packs").manifest.notes["counts"]
    specials = special_ids_around(open_tokenizer(path), **{"objective": "clm", **asked})
    assert counts["languages"] == mixed.manifest.notes["languages"]
    for lang, size in largest(mixed).items():
        assert abs(counts["languages"][lang] - SHARES[lang] * 3000) <= size
    taken = sum(row["mix_units"] > 0 for row in rows_of(mixed))
    assert counts["documents"] == taken
    assert mixed.manifest.notes["specials"] == sum(map(len, specials))


def test_a_tokenizer_that_cannot_end_a_text_adds_nothing(data: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")
    bare = library.Tokenizer(library.models.WordLevel({"?": 0, "mto": 1}, unk_token="?"))
    bare.pre_tokenizer = library.pre_tokenizers.Whitespace()
    bare.save(str(tmp_path / "bare.json"))
    mixed = mix(data, tmp_path / "mix", rule="uniform", budget=300, tokenizer=str(tmp_path / "bare.json"))
    assert "each text with" not in mixed.manifest.notes["unit_means"]
    with pytest.raises(UserError, match="no eos id, which objective clm needs"):
        mix(data, tmp_path / "clm", rule="uniform", budget=300, tokenizer=str(tmp_path / "bare.json"), objective="clm")


def test_objectives_count_with_a_tokenizer_alone(data: Path, tmp_path: Path) -> None:
    for asked in ({"objective": "mlm"}, {"bos": True}, {"eos": False}):
        (name,) = asked
        with pytest.raises(UserError, match=f"--{name} is an option of --tokenizer; there is no --tokenizer"):
            mix(data, tmp_path / "mix", rule="uniform", **asked)


def test_packs_of_another_objective_than_the_mix_are_remarked(data: Path, tmp_path: Path) -> None:
    mixed = mix(data, tmp_path / "mix", rule="uniform", budget=3000, tokenizer=SAMPLE)

    def said(dataset: Dataset, **options: str) -> list[str]:
        return remarks(PackOptions(**options), open_tokenizer(options["tokenizer"]), dataset)

    assert not said(mixed, tokenizer=SAMPLE)
    (remark,) = said(mixed, tokenizer=SAMPLE, objective="mlm")
    assert "planned for 1 special ids a document, these packs have 2: " in remark
    assert not said(mixed, tokenizer="bytes", objective="plain")  # another unit: nothing is the same
    assert not said(Dataset.open(data), tokenizer=SAMPLE, objective="mlm")
