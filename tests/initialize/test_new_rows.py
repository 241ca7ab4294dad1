"""Ways to make new rows: CLP-Transfer beside slow code, a toy of one file, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.initialize.asked import asked_for
from tests.initialize.slow_rows import flat, old_rows
from tests.initialize.starts import CAUSAL, begin, save_model
from tests.rows import documents, write_dataset
from xlcorpus.errors import UserError
from xlcorpus.initialize.initialization import INITIALIZATIONS, Asked, Initialization, Made, NewRows, NoOptions
from xlcorpus.initialize.kinds.clp import ClpOptions, clp
from xlcorpus.initialize.options import StartOptions
from xlcorpus.tokenizer.open import open_tokenizer


def test_clp_is_that_of_a_loop_and_no_weight_is_negative(qwen: Path, extended: Path, tmp_path: Path) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(extended)
    helper = save_model(extended, CAUSAL, tmp_path / "helper", shape="llama", seed=9)
    table = begin(extended, CAUSAL, model=str(helper)).model.get_input_embeddings().weight.detach().double().numpy()
    matrices = old_rows(old)
    same = np.array([*range(old.vocab_size), *[-1] * (new.vocab_size - old.vocab_size)])
    same[5] = -1  # as of another tokenizer
    made = clp(asked_for(matrices, same.tolist(), old, new), ClpOptions(helper=str(helper)))
    kept = [number for number in range(len(same)) if same[number] >= 0]
    for place, number in enumerate(np.flatnonzero(same < 0)[:5]):
        products = [
            (table[number] @ table[at], np.sqrt((table[number] ** 2).sum() * (table[at] ** 2).sum())) for at in kept
        ]
        cosines = [max(0.0, product / length) if length else 0.0 for product, length in products]  # that of pad is 0
        for name, matrix in matrices.items():
            old = flat(matrix)
            wanted = sum(w * old[same[other]] for w, other in zip(cosines, kept, strict=True)) / sum(cosines)
            np.testing.assert_allclose(made.matrices[name].values[place], wanted, rtol=1e-6, atol=1e-9)
    assert made.matrices["output bias"].mixed == int((same < 0).sum())


def ones(asked: Asked, options: NoOptions) -> NewRows:
    """A way of somebody else's: one function and one line are all there is to it."""
    count = len(asked.wanted)
    return NewRows({name: Made(torch.ones(count, rows.shape[1]), drawn=count) for name, rows in asked.flat.items()})


TOY = Initialization("ones", NoOptions, ones)


def test_a_toy_of_one_file_is_found_by_its_name(
    qwen: Path, extended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = {"xlcorpus.initializations": [EntryPoint("ones", f"{__name__}:TOY", "xlcorpus.initializations")]}
    monkeypatch.setattr("xlcorpus.registry.entry_points", lambda group: points.get(group, []))
    monkeypatch.delitem(INITIALIZATIONS.__dict__, "all", raising=False)
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama")
    model = begin(extended, CAUSAL, model=str(folder), new_rows="ones").model
    old, new = open_tokenizer(qwen).vocab_size, open_tokenizer(extended).vocab_size
    assert (model.get_input_embeddings().weight[old:new] == 1).all()
    monkeypatch.undo()
    INITIALIZATIONS.__dict__.pop("all", None)


@pytest.fixture
def fails(qwen: Path, extended: Path, tmp_path: Path) -> Callable[..., None]:
    """That a way is refused with these words; the model lies in tmp_path / "old"."""
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama")

    def check(match: str, way: Any, tokenizer: Path = extended, **more: Any) -> None:
        with pytest.raises(UserError, match=match):
            begin(tokenizer, CAUSAL, model=str(folder), new_rows=way, **more)

    return check


def test_what_is_asked_wrongly_is_named(
    fails: Callable[..., None], ways: dict[str, Any], xlmr: Path, tmp_path: Path
) -> None:
    fails("no way to make new rows 'offa'", "offa")
    fails("has no method", {"dim": 3})
    with pytest.raises(UserError, match=r"dictionary: gone\.tsv is not there"):
        StartOptions(model="x", new_rows=ways["wechsel"] | {"dictionary": "gone.tsv"}).paths()
    assert StartOptions(model="x", old_tokenizer="bytes").paths() == ("x",)
    fails("no option 'neighbors'", ways["ofa"] | {"neighbors": 3})
    fails("rank: 33", ways["ofa"] | {"rank": 33})
    fails("belong together", {"method": "ofa", "texts": ways["ofa"]["texts"]})
    fails("is named twice", ways["cw2v"] | {"texts": ways["cw2v"]["texts"] * 2})
    fails("source and target are both eng_Latn", ways["wechsel"] | {"target": "eng_Latn"})
    fails("rows of old pieces stay where a tokenizer goes on", ways["wechsel"] | {"copy_equal": False})
    (tmp_path / "old" / "tokenizer.json").unlink()
    fails("needs the model's own tokenizer", ways["ofa"])
    fails("needs the model's own tokenizer", "normal", xlmr, vocabulary="replaced")


def test_texts_and_helpers_that_know_nothing_of_the_pieces_are_named(
    fails: Callable[..., None], ways: dict[str, Any], tmp_path: Path
) -> None:
    fails("helper: .* has the tokenizer", {"method": "clp", "helper": str(tmp_path / "old")})
    fails("no text is in 'yor_Latn'", ways["wechsel"] | {"target": "yor_Latn"})
    fails("swh_Latn: no word occurs 99 times", ways["ofa"] | {"languages": ["swh_Latn"], "min_count": 99})
    strange, turned = tmp_path / "strange.tsv", tmp_path / "turned.tsv"
    strange.write_text("comet\tkimondo\n", "utf-8")
    turned.write_text("mto\triver\nnyumba\thouse\n", "utf-8")
    for way, dictionary in (("wechsel", turned), ("ofa", turned), ("ofa", strange)):
        fails("none has words of both(.|\n)*those of eng_Latn first", ways[way] | {"dictionary": str(dictionary)})
    english = tmp_path / "english"
    write_dataset(english, [documents(["12 34"] * 3, "eng_Latn")])
    fails("none of the .* new pieces occurs", ways["cw2v"] | {"texts": [str(english)]})


@pytest.mark.parametrize(
    ("files", "match"),
    [
        (("1 3\nmto 1 2 3\n", "1 4\nriver 1 2 3 4\n"), "4 dimensions and .* 3"),
        (("2 3\nmto 1 2 3\nriver 1 2\n",), "line 3 has 2 numbers and not 3"),
        (("mto 1 2\n",), "holds no word vectors"),
        (("1 0\nmto\n",), "vectors of 0 dimensions"),
        (("",), "holds no word vectors"),
        (("2 2\nmto 1 2\n",), "1 words are there, and its first line says 2"),
        (("2 2\nmto 1 2\nriver 1 x\n",), "line 3: could not convert"),
        (("2 2\nmto 1 2\nriver nan 1\n",), "line 3 holds what is no number"),
        (("2 2\nmto 1 2\nriver 1 -inf\n",), "line 3 holds what is no number"),
        (("2 2\nmto 1 2\nriver 1 1e39\n",), "line 3 holds what is no number"),
        (("1 2\nҩҩ 1 2\n",), "none of the .* new pieces is near to an old one"),
        (("1 2\nmto 0 0\n",), "none of the .* new pieces is near to an old one"),
    ],
)
def test_vectors_that_cannot_be_used_are_named(
    fails: Callable[..., None], tmp_path: Path, files: tuple[str, ...], match: str
) -> None:
    paths = [tmp_path / f"{number}.vec" for number in range(len(files))]
    for path, text in zip(paths, files, strict=True):
        path.write_text(text, "utf-8")
    fails(match, {"method": "ofa", "vectors": [str(path) for path in paths]})
