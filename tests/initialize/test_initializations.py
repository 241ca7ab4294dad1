"""New rows by OFA, WECHSEL, CW2V and CLP-Transfer, held against slow code of another hand, and a toy of one file."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.optimize import nnls

from tests.initialize.asked import asked_for
from tests.initialize.starts import CAUSAL, MASKED, begin, save_model
from tests.rows import documents, write_dataset
from tests.tokenizer.tokenizer_helpers import WORDS, rows
from xlcorpus.errors import UserError
from xlcorpus.initialize.initialization import INITIALIZATIONS, Asked, Initialization, Made, NewRows, NoOptions
from xlcorpus.initialize.kinds.clp import ClpOptions, clp
from xlcorpus.initialize.kinds.cw2v import Cw2vOptions, Hull, batches, train
from xlcorpus.initialize.kinds.cw2v import begin as begin_factors
from xlcorpus.initialize.kinds.ofa import OfaOptions, ofa
from xlcorpus.initialize.kinds.wechsel import WechselOptions, wechsel
from xlcorpus.initialize.neighbours import nearest_rows, piece_vectors
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.overlap import equal_pieces, folded_pieces
from xlcorpus.initialize.vocabulary import token_matrices
from xlcorpus.lexicon.embed import EmbedOptions, read_vectors, train_with_parts, word_lines, write_vectors
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import CONTROL

QUICK = {"dim": 4, "epochs": 1}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in English and Swahili."""
    found = rows(("eng_Latn", "swh_Latn"), 12)
    batch = documents([text for _, _, text in found], [lang for _, lang, _ in found])
    folder = tmp_path_factory.mktemp("texts") / "data"
    write_dataset(folder, [batch])
    return folder


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dictionary") / "eng-swh.tsv"
    pairs = ("river mto", "small ndogo", "house nyumba", "morning asubuhi", "children watoto", "birds ndege")
    path.write_text("\n".join(pair.replace(" ", "\t") for pair in pairs), "utf-8")
    return path


def softmax_of_nearest(wanted: np.ndarray, old: np.ndarray, count: int, temperature: float) -> tuple[np.ndarray, Any]:
    """Weights [wanted, old], row by row; rows without a vector are zeros."""
    weights = np.zeros((len(wanted), len(old)))
    lengths = np.sqrt((old**2).sum(axis=1))
    for row, vector in enumerate(wanted):
        if vector.any():
            cosines = [vector @ other / length if length else -9.0 for other, length in zip(old, lengths, strict=True)]
            cosines = [round(cosine / np.sqrt(vector @ vector), 9) for cosine in cosines]
            near = sorted((place for place in range(len(old)) if lengths[place]), key=lambda at: (-cosines[at], at))
            powers = [np.exp(cosines[place] / temperature) for place in near[:count]]
            weights[row, near[:count]] = np.array(powers) / sum(powers)
    return weights, weights.any(axis=1)


def slow_piece_vectors(tokenizer: Any, words: list[str], vectors: np.ndarray, counts: Any = None) -> np.ndarray:
    """Word by word and form by form."""
    found, total = np.zeros((tokenizer.vocab_size, vectors.shape[1])), np.zeros(tokenizer.vocab_size)
    for at, word in enumerate(words):
        capital, ids = word[0].upper() + word[1:], set()
        for form in (word, " " + word, capital, " " + capital):
            ids |= set(tokenizer.encode_batch(pa.array([form]))[0].tolist())
        for number in ids:
            found[number] += (1.0 if counts is None else float(counts[at])) * vectors[at]
            total[number] += 1.0 if counts is None else float(counts[at])
    return found / np.maximum(total, 1e-300)[:, None]


def test_nearest_rows_are_those_of_a_loop() -> None:
    draw = np.random.default_rng(3)
    wanted, old = draw.normal(size=(300, 5)), draw.normal(size=(40, 5))
    wanted[7], old[[0, 9]] = 0, 0
    weights, has = softmax_of_nearest(wanted, old, 10, 0.1)
    made, seen = np.zeros_like(weights), np.zeros(len(wanted), dtype=bool)
    for places, ids, some in nearest_rows(wanted, old, 10, 0.1):
        made[np.ix_(places, ids)] = some.toarray()
        seen[places] = True
    np.testing.assert_allclose(made, weights, atol=1e-12)
    assert (seen == has).all()
    assert list(nearest_rows(wanted, np.zeros((4, 5)), 10, 0.1)) == []


@pytest.mark.parametrize("weighted", [True, False])
def test_vectors_of_pieces_are_means_over_the_words_that_hold_them(qwen: Path, weighted: bool) -> None:
    tokenizer = open_tokenizer(qwen)
    words = [*WORDS["eng_Latn"].split()[:6], "mto", "дом"]
    vectors = np.random.default_rng(1).normal(size=(len(words), 3))
    counts = np.arange(1, len(words) + 1) if weighted else None
    found = piece_vectors(tokenizer, words, vectors, counts)
    np.testing.assert_allclose(found, slow_piece_vectors(tokenizer, words, vectors, counts), atol=1e-12)


def test_equal_pieces_have_one_text_and_folded_ones_differ_in_case_or_space(qwen: Path, xlmr: Path) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(xlmr)
    same = equal_pieces(old, new)
    folded = folded_pieces(old, new, same)
    ours, theirs = old.piece_texts(), new.piece_texts()
    assert 0 < (same >= 0).sum() < (folded >= 0).sum()
    for number, text in enumerate(theirs):
        if text is None:
            continue
        if text in ours:
            assert ours[same[number]] == text
            assert folded[number] == same[number]
        elif folded[number] >= 0:
            assert str(ours[folded[number]]).strip().lower() == text.strip().lower()
        else:
            assert text.lower() not in [one.lower() for one in ours if one is not None]
    assert same[new.eos_id] == old.eos_id  # by their role


def old_rows(old: Any, width: int = 6) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(5)
    return {
        "input tokens": torch.randn(old.vocab_size, width, generator=draw),
        "output tokens": torch.randn(old.vocab_size, width, generator=draw),
        "output bias": torch.randn(old.vocab_size, generator=draw),
    }


def vector_files(folder: Path) -> tuple[list[str], np.ndarray, list[str]]:
    draw = np.random.default_rng(2)
    words, files, found = [], [], []
    for lang in ("eng_Latn", "swh_Latn"):
        own = sorted(set(WORDS[lang].split()))
        matrix = draw.normal(size=(len(own), 4)).round(6)
        files.append(str(folder / f"{lang}.mapped.vec"))
        write_vectors(folder / f"{lang}.mapped.vec", own, matrix)
        words += own
        found.append(matrix)
    return files, np.concatenate(found).astype(np.float32).astype(np.float64), words


@pytest.mark.parametrize("rank", [None, 3])
def test_ofa_is_that_of_a_loop(qwen: Path, xlmr: Path, tmp_path: Path, rank: int | None) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(xlmr)
    files, vectors, words = vector_files(tmp_path)
    matrices, same = old_rows(old), equal_pieces(old, new)
    asked = asked_for(matrices, same.tolist(), old, new)
    made = ofa(asked, OfaOptions(vectors=tuple(files), rank=rank))
    folded = folded_pieces(old, new, same)[asked.wanted]
    weights, has = softmax_of_nearest(
        slow_piece_vectors(new, words, vectors)[asked.wanted], slow_piece_vectors(old, words, vectors), 10, 0.1
    )
    mixed = has & (folded < 0)
    assert mixed.any()
    assert (~mixed & (folded < 0)).any()
    for name, matrix in matrices.items():
        flat = matrix.numpy().reshape(len(matrix), -1).astype(np.float64)
        coordinates, primitives = flat, np.eye(flat.shape[1])
        if rank is not None and flat.shape[1] > 1:
            left, values, right = np.linalg.svd(flat, full_matrices=False)
            coordinates, primitives = left[:, :rank], np.diag(values[:rank]) @ right[:rank]
        got = made.matrices[name]
        np.testing.assert_allclose(
            got.values[torch.from_numpy(mixed)], (weights @ coordinates @ primitives)[mixed], rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(
            got.values[torch.from_numpy(folded >= 0)], (coordinates @ primitives)[folded[folded >= 0]], atol=1e-9
        )
        assert (got.copied, got.mixed, got.drawn) == (
            int((folded >= 0).sum()),
            int(mixed.sum()),
            int((~mixed & (folded < 0)).sum()),
        )
        assert (got.factors is None) == (rank is None or flat.shape[1] == 1)
        if got.factors is not None:
            assert [tuple(one.shape) for one in got.factors] == [(new.vocab_size, 3), (3, 6)]
            known = same >= 0
            # Signs of singular vectors are free, so it is the products that must be equal.
            np.testing.assert_allclose(
                (got.factors[0] @ got.factors[1])[torch.from_numpy(known)],
                (coordinates @ primitives)[same[known]],
                atol=1e-9,
            )


@pytest.mark.parametrize("pieces", ["n-grams", pytest.param("words", marks=pytest.mark.slow)])
def test_wechsel_is_that_of_a_loop(qwen: Path, extended: Path, texts: Path, dictionary: Path, pieces: str) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(extended)
    matrices = old_rows(old)
    asked = asked_for(matrices, [*range(old.vocab_size), *[-1] * (new.vocab_size - old.vocab_size)], old, new)
    how = WechselOptions(
        texts=(str(texts),), source="eng_Latn", target="swh_Latn", dictionary=str(dictionary), min_count=2,
        pieces=pieces, **QUICK,
    )  # fmt: skip
    made = wechsel(asked, how)
    sides = []
    for lang, tokenizer in (("eng_Latn", old), ("swh_Latn", new)):
        own = pa.array(sorted(text for _, one, text in rows(("eng_Latn", "swh_Latn"), 12) if one == lang))
        embed = EmbedOptions(model="cbow", dim=4, epoch=1, min_count=2, minn=5, maxn=5, seed=2)
        parts = [
            "" if text is None or tokenizer.piece_kinds[number] == CONTROL else text.strip().lower()
            for number, text in enumerate(tokenizer.piece_texts())
        ]
        vectors, by_parts = train_with_parts(own, embed, parts=parts)
        by_words = slow_piece_vectors(tokenizer, vectors.words, vectors.matrix.astype(float), vectors.counts)
        sides.append((vectors, by_parts if pieces == "n-grams" else by_words))
    (one, of_old), (other, of_new) = sides
    pairs = [line.split("\t") for line in dictionary.read_text("utf-8").splitlines()]
    hits = [(one.words.index(a), other.words.index(b)) for a, b in pairs if a in one.words and b in other.words]
    assert len(hits) == 5  # no text has birds
    left, right = (side.matrix[[hit[at] for hit in hits]].astype(float) for at, side in enumerate((one, other)))
    u, _, v = np.linalg.svd(left.T @ right)
    weights, has = softmax_of_nearest(of_new[asked.wanted].astype(float), of_old.astype(float) @ u @ v, 10, 0.1)
    assert has.any()
    for name, matrix in matrices.items():
        flat = matrix.numpy().reshape(len(matrix), -1).astype(np.float64)
        got = made.matrices[name]
        np.testing.assert_allclose(got.values[torch.from_numpy(has)], (weights @ flat)[has], rtol=1e-5, atol=1e-7)
        assert (got.mixed, got.drawn) == (int(has.sum()), int((~has).sum()))
        assert torch.isfinite(got.values).all()


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
            flat = matrix.numpy().reshape(len(matrix), -1).astype(np.float64)
            wanted = sum(w * flat[same[other]] for w, other in zip(cosines, kept, strict=True)) / sum(cosines)
            np.testing.assert_allclose(made.matrices[name].values[place], wanted, rtol=1e-6, atol=1e-9)
    assert made.matrices["output bias"].mixed == int((same < 0).sum())


def slow_adam(lr: float, before: list[np.ndarray]) -> Any:
    first, second, step = [0 * one for one in before], [0 * one for one in before], 0

    def update(weights: list[np.ndarray], gradients: list[np.ndarray]) -> None:
        nonlocal step
        step += 1
        for at, gradient in enumerate(gradients):
            first[at] = 0.9 * first[at] + 0.1 * gradient
            second[at] = 0.999 * second[at] + 0.001 * gradient**2
            up = first[at] / (1 - 0.9**step)
            weights[at] -= lr * up / (np.sqrt(second[at] / (1 - 0.999**step)) + 1e-8)

    return update


@pytest.mark.parametrize("untied", [True, False])
def test_cw2v_is_that_of_a_loop_and_its_rows_are_in_the_convex_hull(untied: bool) -> None:
    draw = np.random.default_rng(4)
    same = np.array([0, 1, 2, 3, 4, 5, -1, -1, -1])
    tables = [torch.from_numpy(draw.normal(size=(6, 3))) for _ in range(1 + untied)]
    hulls = [
        Hull(*(one.double() for one in begin_factors(3, 6, 2, torch.Generator().manual_seed(at))))
        for at in range(1 + untied)
    ]
    weights = [one.numpy().copy() for hull in hulls for one in hull]
    ids, offsets = draw.integers(0, 9, 120).astype(np.int32), np.array([0, 50, 120])
    how = Cw2vOptions(texts=("x",), rank=2, window=2, negatives=2, batch=64, epochs=2, subsample=100.0)
    steps = list(batches(ids, offsets, 9, how, 1))
    neighbours = {
        (int(ids[i]), int(ids[j]))
        for a, b in ((0, 50), (50, 120))
        for i in range(a, b)
        for j in range(max(a, i - 2), min(b, i + 3))
        if i != j
    }
    assert {(int(a), int(b)) for step in steps for a, b in zip(step.centres, step.contexts, strict=True)} <= neighbours
    assert len(steps) > 5
    cost = train(hulls, tables, same, steps, 0.05)
    update = slow_adam(0.05, weights)
    plain = [one.numpy() for one in tables]

    def rows_of_all(side: int) -> tuple[np.ndarray, np.ndarray]:
        logits = weights[2 * side] @ weights[2 * side + 1]
        soft = np.exp(logits - logits.max(axis=1, keepdims=True))
        soft /= soft.sum(axis=1, keepdims=True)
        return np.concatenate([plain[side], soft @ plain[side]]), soft

    for step in steps:
        loss, gradients = 0.0, [0 * one for one in weights]
        (inputs, soft_in), (outputs, soft_out) = rows_of_all(0), rows_of_all(len(tables) - 1)
        of_in, of_out = np.zeros_like(inputs), np.zeros_like(outputs)
        for centre, context, negatives in zip(*(one.numpy() for one in step), strict=True):
            for other, sign in [(context, 1), *((one, -1) for one in negatives)]:
                sigma = 1 / (1 + np.exp(-sign * inputs[centre] @ outputs[other]))
                loss -= np.log(sigma) / len(step.centres)
                slope = -sign * (1 - sigma) / len(step.centres)
                of_in[centre] += slope * outputs[other]
                of_out[other] += slope * inputs[centre]
        for side, gradient, soft in ((0, of_in, soft_in), (len(tables) - 1, of_out, soft_out)):
            d_soft = gradient[6:] @ plain[side].T
            d_logits = soft * (d_soft - (d_soft * soft).sum(axis=1, keepdims=True))
            gradients[2 * side] += d_logits @ weights[2 * side + 1].T
            gradients[2 * side + 1] += weights[2 * side].T @ d_logits
        update(weights, gradients)
    assert cost == pytest.approx(loss, rel=1e-6)
    for got, wanted in zip([one for hull in hulls for one in hull], weights, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)
    for hull, table in zip(hulls, tables, strict=True):
        ((_, found),) = hull.weights()
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(dim=1), 1, rtol=1e-12)
        assert_in_hull((found @ table).numpy(), table.numpy())


def assert_in_hull(wanted: np.ndarray, corners: np.ndarray, tolerance: float = 1e-6) -> None:
    """Weights that are no less than 0 and whose sum is 1 make each row out of the corners."""
    system = np.vstack([corners.T, np.ones(len(corners))])
    for row in wanted:
        _, off = nnls(system, np.append(row, 1.0))
        assert off < tolerance


def test_rows_of_cw2v_in_a_model_lie_in_the_hull(qwen: Path, extended: Path, texts: Path, tmp_path: Path) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="gpt2", tied=False, width=8, heads=2)
    how = {"method": "cw2v", "texts": [str(texts)], "rank": 4, "epochs": 1, "subsample": 50.0}
    first, second = (begin(extended, CAUSAL, model=str(folder), new_rows=how) for _ in range(2))
    old, new = open_tokenizer(qwen).vocab_size, open_tokenizer(extended).vocab_size
    for name, matrix in token_matrices(first.model).items():
        values = matrix.detach().double().numpy()
        assert_in_hull(values[old:new:9], values[:old])
        assert torch.equal(matrix, token_matrices(second.model)[name])
        assert first.counted.matrices[name].mixed == new - old
    assert "new pieces occur" in "\n".join(first.counted.lines())
    assert first.counted.facts()["new_rows"]["rank"] == 4


def ways(texts: Path, dictionary: Path, helper: Path) -> dict[str, Any]:
    return {
        "ofa": {"texts": [str(texts)], "languages": ["eng_Latn", "swh_Latn"], "dictionary": str(dictionary), **QUICK},
        "wechsel": {
            "texts": [str(texts)], "source": "eng_Latn", "target": "swh_Latn", "dictionary": str(dictionary), **QUICK,
        },
        "cw2v": {"texts": [str(texts)], "rank": 4, "epochs": 1},
        "clp": {"helper": str(helper)},
        "mean-of-pieces": {},
        "normal": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    "way",
    [
        "ofa",
        "mean-of-pieces",
        *(pytest.param(way, marks=pytest.mark.slow) for way in ("wechsel", "cw2v", "clp", "normal")),
    ],
)
def test_another_tokenizer_keeps_the_rows_of_equal_pieces(
    qwen: Path, xlmr: Path, texts: Path, dictionary: Path, tmp_path: Path, way: str
) -> None:
    folder = save_model(qwen, MASKED, tmp_path / "old", shape="bert", tied=False)
    helper = save_model(xlmr, MASKED, tmp_path / "helper", shape="bert") if way == "clp" else tmp_path
    before = token_matrices(begin(qwen, MASKED, model=str(folder)).model)
    how = {"method": way, **ways(texts, dictionary, helper)[way]}
    model, _, counted = begin(xlmr, MASKED, model=str(folder), new_rows=how, vocabulary="replaced")
    old, new = open_tokenizer(qwen), open_tokenizer(xlmr)
    same = equal_pieces(old, new)
    for name, matrix in token_matrices(model).items():
        assert len(matrix) == new.vocab_size == model.config.vocab_size
        assert torch.equal(matrix[same >= 0], before[name][same[same >= 0]])
        assert torch.isfinite(matrix).all()
        rows = counted.matrices[name]
        assert rows.copied + rows.mixed + rows.drawn == new.vocab_size
        assert rows.copied >= (same >= 0).sum() > 0
    if way == "ofa":
        folded = folded_pieces(old, new, same)
        for name, matrix in token_matrices(model).items():
            assert torch.equal(matrix[folded >= 0], before[name][folded[folded >= 0]])
    assert model.config.eos_token_id == new.eos_id
    assert model.config.pad_token_id == new.pad_id == model.get_input_embeddings().padding_idx
    assert "another tokenizer" in "\n".join(counted.lines())
    model.save_pretrained(tmp_path / "new")
    (tmp_path / "new" / "tokenizer.json").write_bytes((xlmr / "tokenizer.json").read_bytes())
    again = begin(xlmr, MASKED, model=str(tmp_path / "new")).model
    assert all(torch.equal(one, token_matrices(again)[name]) for name, one in token_matrices(model).items())


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


def test_what_does_not_go_together_is_named(
    qwen: Path, extended: Path, xlmr: Path, texts: Path, dictionary: Path, tmp_path: Path
) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama")
    found = ways(texts, dictionary, folder)

    def fails(match: str, way: Any, tokenizer: Path = extended, **more: Any) -> None:
        with pytest.raises(UserError, match=match):
            begin(tokenizer, CAUSAL, model=str(folder), new_rows=way, **more)

    fails("no way to make new rows 'offa'", "offa")
    fails("has no method", {"dim": 3})
    with pytest.raises(UserError, match=r"dictionary: gone\.tsv is not there"):
        StartOptions(model="x", new_rows={"method": "wechsel", **found["wechsel"], "dictionary": "gone.tsv"}).paths()
    fails("no option 'neighbors'", {"method": "ofa", **found["ofa"], "neighbors": 3})
    assert StartOptions(model="x", old_tokenizer="bytes").paths() == ("x",)
    fails("helper: .* has the tokenizer", {"method": "clp", **found["clp"]})
    fails("rank: 33", {"method": "ofa", **found["ofa"], "rank": 33})
    fails("belong together", {"method": "ofa", "texts": [str(texts)]})
    fails("no text is in 'yor_Latn'", {"method": "wechsel", **found["wechsel"], "target": "yor_Latn"})
    without = tmp_path / "without.tsv"
    without.write_text("comet\tkimondo\n", "utf-8")
    for way in ("wechsel", "ofa"):
        fails("none has words of both texts", {"method": way, **found[way], "dictionary": str(without)})
    write_vectors(tmp_path / "a.vec", ["mto"], np.ones((1, 3)))
    write_vectors(tmp_path / "b.vec", ["river"], np.ones((1, 4)))
    fails("4 dimensions and .* 3", {"method": "ofa", "vectors": [str(tmp_path / "a.vec"), str(tmp_path / "b.vec")]})
    (tmp_path / "c.vec").write_text("2 3\nmto 1 2\n", "utf-8")
    fails("line 2 has 2 numbers and not 3", {"method": "ofa", "vectors": [str(tmp_path / "c.vec")]})
    (tmp_path / "d.vec").write_text("mto 1 2\n", "utf-8")
    fails("holds no word vectors", {"method": "ofa", "vectors": [str(tmp_path / "d.vec")]})
    english = tmp_path / "english"
    write_dataset(english, [documents(["12 34"] * 3, "eng_Latn")])
    fails("none of the .* new pieces occurs", {"method": "cw2v", "texts": [str(english)]})
    (folder / "tokenizer.json").unlink()
    fails("needs the model's own tokenizer", {"method": "ofa", **found["ofa"]})
    fails("needs the model's own tokenizer", "normal", xlmr, vocabulary="replaced")


def test_vocabularies_without_overlap_are_refused(qwen: Path) -> None:
    class Other:
        path, vocab_size = "other", 2
        piece_kinds = np.zeros(2, dtype=np.uint8)

        def piece_texts(self) -> list[str]:
            return ["ꙮꙮ", "ꙮ"]

        piece_names = piece_texts

    with pytest.raises(UserError, match="no piece of text in common"):
        equal_pieces(open_tokenizer(qwen), Other())


def test_vectors_come_back_from_their_file(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(3, 5)).round(6)
    write_vectors(tmp_path / "x.vec", ["mto", "река", "แม่น้ำ"], matrix)
    again = read_vectors(tmp_path / "x.vec")
    assert again.words == ["mto", "река", "แม่น้ำ"]
    np.testing.assert_allclose(again.matrix, matrix, atol=1e-6)
    assert list(word_lines(pa.array(["mto"]))) == ["mto"]
