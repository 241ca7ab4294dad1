"""What an extended tokenizer keeps of its base's folder, and what it says of its new rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tokenizer.tokenizer_helpers import read_candidates, train_model
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.cuts import cuts
from xlcorpus.tokenizer.extend import extend
from xlcorpus.tokenizer.extended_rows import ExtendedRows
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate
from xlcorpus.tokenizer.write_extended import WrittenTokenizer, write_extended

TEMPLATE = "{% for message in messages %}{{ '<s>' + message['content'] + '</s>' }}{% endfor %}"
KEPT = {
    "chat_template.jinja": TEMPLATE,
    "generation_config.json": '{"temperature": 0.6}',
    "config.json": '{"model_type": "llama", "vocab_size": 430}',
    "special_tokens_map.json": '{"eos_token": "</s>"}',
    "LICENSE": "Apache-2.0",
    "additional_chat_templates/tools.jinja": "tools",
}
LEFT = {"vocab.json": "{}", "merges.txt": "", "model.safetensors": "weights", ".gitattributes": "x", "card.json": "{}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    train_model(folder, "new", ("swh_Latn", "kat_Geor"), model="bpe", vocab_size=430)
    # All in one folder, as models have it, in the two forms.
    base = SentencePieceTokenizer(train_model(folder, "base", ("eng_Latn", "deu_Latn"), model="bpe", vocab_size=430))
    (folder / "huggingface").mkdir()
    write_folder(base.model, base, folder / "huggingface")
    (folder / "sentencepiece").mkdir()
    (folder / "base.model").rename(folder / "sentencepiece" / "tokenizer.model")
    for form in ("huggingface", "sentencepiece"):
        for name, content in {**KEPT, **LEFT}.items():
            (folder / form / name).parent.mkdir(exist_ok=True)
            (folder / form / name).write_text(content, "utf-8")
    settings = {"add_bos_token": True, "bos_token": "<s>", "padding_side": "left", "tokenizer_class": "LlamaTokenizer"}
    (folder / "sentencepiece" / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


def extended(folder: Path, form: str, output: Path) -> tuple[Tokenizer, WrittenTokenizer]:
    base = open_tokenizer(folder / form)
    candidates = [*read_candidates(folder / "new.model"), Candidate(" the", 0.0)]
    return base, write_extended(extend(base, candidates, 40, ("<mask2>",)), base, folder / form, output)


@pytest.mark.parametrize("form", ["huggingface", "sentencepiece"])
def test_files_that_stay_as_they_are_are_kept(folder: Path, tmp_path: Path, form: str) -> None:
    base, made = extended(folder, form, tmp_path / "out")
    assert made.tokenizer.template == base.template
    assert {name: (tmp_path / "out" / name).read_text("utf-8") for name in KEPT} == KEPT
    assert not [name for name in LEFT if (tmp_path / "out" / name).exists()]
    assert {"vocab.json", "merges.txt"} <= set(made.left_out)
    transformers = pytest.importorskip("transformers", reason="needs transformers (extra pretrain)")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    chat = theirs.apply_chat_template([{"role": "user", "content": "habari"}], tokenize=False)
    assert chat == "<s>habari</s>"
    assert len(theirs) == made.tokenizer.vocab_size


def test_settings_of_a_sentencepiece_folder_stay(folder: Path, tmp_path: Path) -> None:
    _, made = extended(folder, "sentencepiece", tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text("utf-8"))
    assert settings["padding_side"] == "left"
    assert settings["add_bos_token"] is True
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert made.tokenizer.template.single == ((made.tokenizer.bos_id,), ())


def test_a_file_alone_brings_the_files_of_a_tokenizer_only(folder: Path, tmp_path: Path) -> None:
    base = open_tokenizer(folder / "huggingface" / "tokenizer.json")
    write_extended(extend(base, [], 0, ("<x>",)), base, folder / "huggingface" / "tokenizer.json", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    kept = {"chat_template.jinja", "special_tokens_map.json", "tokenizer_config.json"}
    assert names == {"tokenizer.json", "extended.json", *kept}


@pytest.mark.parametrize("form", ["huggingface", "sentencepiece"])
def test_how_each_new_row_begins(folder: Path, tmp_path: Path, form: str) -> None:
    output = tmp_path / ("out.model" if form == "sentencepiece" else "out")
    base, made = extended(folder, form, output)
    rows = ExtendedRows.load(output)
    assert rows is not None
    assert (rows.base.vocab_size, rows.base.fingerprint) == (base.vocab_size, base.fingerprint)
    assert (rows.extended.vocab_size, rows.extended.fingerprint) == (
        made.tokenizer.vocab_size,
        made.tokenizer.fingerprint,
    )
    assert [row.id for row in rows.rows] == list(range(base.vocab_size, made.tokenizer.vocab_size))
    assert [row.cut for row in rows.rows] == cuts(base, made.tokenizer)
    texts = made.tokenizer.piece_texts()
    for row in rows.rows[:40]:
        known = base.decode(row.cut).strip()
        assert row.cut
        assert known == (texts[row.id] or "").strip() or "\ufffd" in known
    assert (rows.rows[40].piece, rows.rows[40].cut) == ("<mask2>", ())
    if form == "sentencepiece":
        assert ExtendedRows.load(tmp_path / "out.hf") == rows


def test_romanised_pieces_name_their_sources(folder: Path, tmp_path: Path) -> None:
    base = open_tokenizer(folder / "huggingface")
    rows = ExtendedRows.of(base, base, {base.vocab_size: [3, 4]})
    assert rows.rows == ()
    made = write_extended(
        extend(base, read_candidates(folder / "new.model"), 1), base, folder / "huggingface", tmp_path / "out"
    )
    rows = ExtendedRows.of(base, made.tokenizer, {base.vocab_size: [9, 4]})
    rows.save(tmp_path / "out" / "extended.json")
    assert ExtendedRows.load(tmp_path / "out") == rows
    assert rows.rows[0].sources == (9, 4)


def test_rows_that_are_absent_or_damaged(tmp_path: Path) -> None:
    assert ExtendedRows.load(tmp_path) is None
    (tmp_path / "extended.json").write_text("{", "utf-8")
    with pytest.raises(UserError, match=r"extended\.json cannot be read"):
        ExtendedRows.load(tmp_path)
