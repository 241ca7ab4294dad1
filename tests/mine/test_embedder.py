"""Vectors of sentences: n-grams beside scikit-learn's, models beside their own library, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.evaluate.models import folder, opened, tiny
from tests.mine.lines import lines_of
from tests.packed import TEXTS
from xlcorpus.errors import UserError
from xlcorpus.evaluate.vectors import encode, vectors
from xlcorpus.mine.embedder import EMBEDDERS, EmbedderOptions, embed_all, embedder_identity, embedder_of
from xlcorpus.mine.embedders.tfidf import COLUMNS
from xlcorpus.pairs.cosines import similarities
from xlcorpus.romanize.engine import Engine

WORDS = {
    "The cat sat on the mat.": "eng_Latn",
    "Кошка сидела на коврике.": "rus_Cyrl",
    "बिल्ली चटाई पर बैठी।": "hin_Deva",
    "the CAT  sat\n": "eng_Latn",
    "แมว": "tha_Thai",
    "": "und",
    "a": "nosuch",
}
TEXTS_HERE, LANGS = (pa.array(column, pa.string()) for column in (list(WORDS), list(WORDS.values())))


def test_ngrams_are_weighed_as_scikit_learn_does() -> None:
    """Its dictionary of n-grams in the place of our hashes, on texts that uroman reads."""
    text = pytest.importorskip("sklearn.feature_extraction.text")
    options = EmbedderOptions(embedder_ngrams="2-3")
    (ours,) = embed_all(embedder_of(options), (TEXTS_HERE, LANGS))
    engine = Engine()
    codes = [None if lang in ("und", "nosuch") else lang[:3] for lang in WORDS.values()]
    latin = [engine.romanize(one, code).lower().split() for one, code in zip(WORDS, codes, strict=True)]
    padded = [f" {' '.join(words)} " if words else "" for words in latin]
    theirs = text.TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True).fit_transform(padded)
    assert ours.shape == (len(WORDS), COLUMNS)
    np.testing.assert_allclose(similarities(ours, ours), (theirs @ theirs.T).toarray(), atol=0.01)
    assert ours[WORDS and list(WORDS).index("")].nnz == 0


def test_parts_and_order_of_texts_change_nothing() -> None:
    embedder = embedder_of(EmbedderOptions())
    (whole,) = embed_all(embedder, (TEXTS_HERE, LANGS))
    turned = pa.array(range(len(WORDS)))[::-1]
    counts = sum(embedder.count(TEXTS_HERE.slice(at, 1), LANGS.slice(at, 1)) for at in range(len(WORDS)))
    parts = [embedder.embed(TEXTS_HERE.take(turned), LANGS.take(turned), counts)]
    assert (parts[0][::-1] != whole).nnz == 0
    assert embedder.count(TEXTS_HERE[:0], LANGS[:0]).sum() == 0
    assert embedder.embed(TEXTS_HERE[:0], LANGS[:0], counts).shape == (0, COLUMNS)


@pytest.mark.parametrize(("code", "least"), [("de", 0.65), ("ru", 0.45), ("hi", 0.3)])
def test_translations_are_near(shared_data: Path, code: str, least: float) -> None:
    """The first 300 sentences of PUD, top 1 of 300: 0.3 % by chance."""
    sides = [lines_of(shared_data / "pud" / f"{one}.jsonl.gz", 300) for one in ("en", code)]
    one, other = embed_all(embedder_of(EmbedderOptions()), *((side["text"], side["lang"]) for side in sides))
    found = similarities(one, other).argmax(axis=1) == np.arange(300)
    assert found.mean() >= least


def test_a_model_that_was_trained_here(tmp_path: Path) -> None:
    """Its rows are those of `evaluate`, of length one; a text of nothing has zeros; the folder's place is nothing."""
    kind, texts = "XLMRobertaForMaskedLM", pa.array([*TEXTS.values(), "", None])
    options = EmbedderOptions(embedder=f"encoder:{folder(kind)}", embedder_layer=-1, embedder_device="cpu")
    (made,) = embed_all(embedder_of(options), (texts, pa.array(["eng_Latn"] * len(texts))))
    plain = vectors(opened(kind), encode(opened(kind), pa.array([*TEXTS.values()])), [3])[3]
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(made[:-2], plain / lengths, atol=1e-5)
    assert not made[-2:].any()
    identity = embedder_identity(options)
    moved = tmp_path / "moved"
    shutil.copytree(folder(kind), moved)
    assert embedder_identity(options.model_copy(update={"embedder": f"encoder:{moved}"})) == identity
    weights = moved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert embedder_identity(options.model_copy(update={"embedder": f"encoder:{moved}"})) != identity
    assert str(folder(kind)) not in identity


def test_a_model_of_sentence_transformers(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    tokenized = tmp_path / "plain"
    tiny("XLMRobertaForMaskedLM").base_model.save_pretrained(tokenized)
    _word_tokenizer(tokenized)
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    parts = modules.Transformer(str(tokenized)), modules.Pooling(16)
    library.SentenceTransformer(modules=list(parts), device="cpu").save(str(tmp_path / "model"))
    options = EmbedderOptions(embedder=f"sentence-transformers:{tmp_path / 'model'}", embedder_device="cpu")
    embedder = embedder_of(options)
    texts = pa.array(["habari ya asubuhi", "good morning", "नमस्ते"])
    (made,) = embed_all(embedder, (texts, pa.array(["und"] * 3)))
    own = library.SentenceTransformer(str(tmp_path / "model"), device="cpu")
    with torch.no_grad():
        theirs = own.encode(texts.to_pylist(), normalize_embeddings=True)
    np.testing.assert_allclose(made, theirs, atol=1e-6)
    assert embedder.identity == embedder_identity(options)
    assert str(tmp_path) not in embedder.identity


def test_by_a_dictionary_one_side_is_translated_word_by_word(tmp_path: Path) -> None:
    words = tmp_path / "words.tsv"
    words.write_text("eng_Latn\trus_Cyrl\ncat\tкошка\nmat\tковрик\nsat\tсидела\n", encoding="utf-8")
    options = EmbedderOptions(embedder=f"dictionary:{words}")
    embedder, plain = embedder_of(options), EmbedderOptions()
    (ours,) = embed_all(embedder, (TEXTS_HERE, LANGS))
    texts, langs = TEXTS_HERE.to_pylist(), LANGS.to_pylist()
    texts[0], texts[3] = "The кошка сидела on the коврик.", "the КОШКА  сидела\n"
    langs[0] = langs[3] = "rus_Cyrl"
    (wanted,) = embed_all(embedder_of(plain), (pa.array(texts), pa.array(langs)))
    assert (ours != wanted).nnz == 0
    turned = pa.array(range(len(WORDS)))[::-1]
    counts = embedder.count(TEXTS_HERE, LANGS)
    assert (embedder.embed(TEXTS_HERE.take(turned), LANGS.take(turned), counts)[::-1] != ours).nnz == 0
    nothing = pa.array([None, "cat"], pa.string())
    assert embedder.embed(nothing, pa.array([None, None], pa.string()), counts)[0].nnz == 0
    identity = embedder_identity(options)
    assert embedder_of(options).identity == identity
    words.write_text(words.read_text("utf-8") + "on\tна\n", encoding="utf-8")
    assert embedder_identity(options) != identity
    many = tmp_path / "many.tsv"
    many.write_text("src\ttgt\tsrc_lang\ttgt_lang\na\tb\teng_Latn\tdeu_Latn\na\tc\teng_Latn\tfra_Latn\n", "utf-8")
    with pytest.raises(UserError, match="words of 2 pairs of languages: eng_Latn:deu_Latn, eng_Latn:fra_Latn"):
        embedder_of(EmbedderOptions(embedder=f"dictionary:{many}"))


def test_more_is_found_by_a_dictionary(shared_data: Path) -> None:
    """The first 200 lines of PUD in English and Hindi."""
    sides = [lines_of(shared_data / "pud" / f"{code}.jsonl.gz", 200) for code in ("en", "hi")]
    right = {}
    for name in ("tfidf", f"dictionary:{shared_data / 'dict' / 'wiktionary' / 'en-hi.tsv.gz'}"):
        made = embed_all(embedder_of(EmbedderOptions(embedder=name)), *((one["text"], one["lang"]) for one in sides))
        right[name] = (similarities(*made).argmax(axis=1) == np.arange(200)).mean()
    plain, by_words = right.values()
    assert by_words > plain + 0.15


def _word_tokenizer(place: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {name: number for number, name in enumerate(["<pad>", "<unk>", "habari", "ya", "good", "morning"])}
    inner = Tokenizer(models.WordLevel(words, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>").save_pretrained(place)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("tf-idf", r"no embedder 'tf-idf'; did you mean 'tfidf'"),
        ("tfidf:x", r"not tfidf\n"),
        ("encoder", r"not encoder:FOLDER"),
        ("dictionary", r"not dictionary:FILE"),
        ("dictionary:/nowhere", r"/nowhere: cannot be read"),
        ("encoder:/nowhere", r"/nowhere does not exist"),
    ],
)
def test_what_is_no_embedder(given: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        embedder_identity(EmbedderOptions(embedder=given))


def test_a_folder_that_sentence_transformers_cannot_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = EmbedderOptions(embedder=f"sentence-transformers:{tmp_path}")
    pytest.importorskip("sentence_transformers")
    with pytest.raises(UserError, match=r"cannot open (.|\n)*nothing is downloaded"):
        embedder_of(options)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UserError, match=r"needs the library(.|\n)*pip install 'xlcorpus\[mine\]'"):
        embedder_of(options)


def test_what_embedders_there_are_needs_no_torch() -> None:
    code = (
        "import json, sys; from xlcorpus.mine.embedder import EMBEDDERS; "
        "print(json.dumps([list(EMBEDDERS.names), 'torch' in sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert json.loads(said) == [["dictionary", "encoder", "sentence-transformers", "tfidf"], False]
    assert all(one.summary for one in EMBEDDERS.all.values())
