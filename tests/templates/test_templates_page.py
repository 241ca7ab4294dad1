"""docs/templates.md is true: its commands run, and make what the page says."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.house.pages import blocks
from tests.rows import documents, pairs, rows_of, write_dataset
from xlcorpus.cli.main import main
from xlcorpus.tokenizer.open import open_tokenizer

pytestmark = pytest.mark.slow  # ten commands

DOCS = ["the river\ncarries boats", "የዝናብ ወቅት\n\nነው"]
PAIRS = [("der Fluss </s>", "the river"), ("雨が降る", "it rains")]
CHAT = "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{% else %}{{ m.content }}<|im_end|>{% endif %}{{ '\\n' }}{% endfor %}"  # noqa: E501


def tokenizer(folder: Path, *special: str, chat: str | None = None) -> None:
    """Bytes with special tokens, saved as a folder for transformers."""
    library = pytest.importorskip("tokenizers")
    letters = sorted(library.pre_tokenizers.ByteLevel.alphabet())
    made = library.Tokenizer(library.models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    made.add_special_tokens(list(special))
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {"eos_token": "</s>", "bos_token": "<s>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config | ({"chat_template": chat} if chat else {})))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    tokenizer(folder / "xglm", "<s>", "</s>")
    tokenizer(folder / "mbart50", "<s>", "</s>", "<pad>", "en_XX", "de_DE", "ja_XX")
    tokenizer(folder / "qwen", "</s>", "<s>", "<|im_start|>", "<|im_end|>", chat=CHAT)
    write_dataset(folder / "docs", [documents(DOCS, ["eng_Latn", "amh_Ethi"])])
    both = [pairs(PAIRS[:1], "deu_Latn", "eng_Latn"), pairs(PAIRS[1:], "jpn_Jpan", "eng_Latn")]
    write_dataset(folder / "pairs", both, "pair")
    chats = [[{"from": "human", "value": "<image>\nwer?"}, {"from": "gpt", "value": "ውሻ <|im_end|>"}]]
    lines = [json.dumps({"conversations": chat, "image": "a.png"}) for chat in chats]
    (folder / "chat.jsonl").write_text("\n".join(lines), encoding="utf-8")
    shots = {"question": "3+3", "answer": "6", "shots": [{"q": f"{n}+{n}", "a": f"{2 * n}"} for n in (1, 2, 7)]}
    (folder / "shots.jsonl").write_text(json.dumps(shots), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for _, code in blocks("templates.md", "bash"):
            for line in code.replace("\\\n", " ").splitlines():
                _, *arguments = shlex.split(line)
                with pytest.raises(SystemExit) as ended:
                    main([*arguments, "--quiet"])
                assert not ended.value.code, line
    return folder


@pytest.fixture
def shown(ran: Path) -> Callable[[str, str], list[str]]:
    def texts(name: str, kind: str) -> list[str]:
        """Rows as text, what is trained on in double brackets."""
        opened, found = open_tokenizer(ran / kind), []
        for row in rows_of(ran / "out" / name):
            ids, spans = row["input_ids"], row.get("loss_spans") or []
            text, at = "", 0
            for start, end in zip(spans[::2], spans[1::2], strict=True):
                text += f"{opened.decode(ids[at:start])}[[{opened.decode(ids[start:end])}]]"
                at = end
            found.append(text + opened.decode(ids[at:]))
        return found

    return texts


def test_what_the_commands_make(shown: Callable[[str, str], list[str]]) -> None:
    (first, second), ((src, tgt), (other, rain)) = DOCS, PAIRS
    assert sorted("".join(shown("short", "xglm")).split("</s>")[:-1]) == sorted(
        f"{src} = {tgt}{other} = {rain}".replace(f"{tgt}{other}", f"{tgt}</s>{other}").split("</s>")
    )
    assert "".join(shown("xglm", "xglm")) == "</s>".join([*first.split("\n"), *second.split("\n"), ""])
    assert shown("answers", "xglm") == [f"{a}</s>[[{b}</s>]]" for a, b in PAIRS]
    assert shown("limited", "xglm") == [f"{a}</s>[[{b}</s>]]" for a, b in (("der Fluss", tgt), ("雨が降", rain))]
    assert shown("sft", "qwen") == [
        "<|im_start|>user\n<image>\nwer?<|im_end|>\n<|im_start|>assistant\n[[ውሻ <|im_end|><|im_end|>]]\n"
    ]
    assert shown("vicuna", "xglm") == ["USER: <image>\nwer? ASSISTANT:[[ ውሻ <|im_end|></s>]]"]
    assert shown("mbart50", "mbart50") == [f"de_DE{src}</s>en_XX[[{tgt}</s>]]", f"ja_XX{other}</s>en_XX[[{rain}</s>]]"]
    assert shown("prompts", "xglm") == ["Q: 1+1\nA: 2\n\nQ: 2+2\nA: 4\n\nQ: 3+3\nA:[[ 6</s>]]"]


def test_sides_as_a_sequence_to_sequence_model_reads_them(ran: Path) -> None:
    opened = open_tokenizer(ran / "mbart50")
    rows = rows_of(ran / "out" / "ml50")
    assert [[opened.decode(row[f"{side}_ids"]) for side in ("src", "tgt")] for row in rows] == [
        [f"{one}{PAIRS[at][0]}</s>", f"en_XX{PAIRS[at][1]}</s>"] for at, one in enumerate(("de_DE", "ja_XX"))
    ]


def test_names_in_texts_are_no_special_tokens(ran: Path) -> None:
    opened = open_tokenizer(ran / "xglm")
    first = rows_of(ran / "out" / "answers")[0]["input_ids"]
    assert first.count(opened.eos_id) == 2  # of the template; that of the source is text


def test_a_mix_counts_what_packs_will_hold(ran: Path) -> None:
    rows = rows_of(ran / "out" / "mixed")
    assert [row["text"] for row in rows] == ["".join(PAIRS[0])]
    tokens = sum(len(text.encode()) for text in PAIRS[0]) + 4
    manifest = json.loads((ran / "out" / "mixed" / "manifest.json").read_text())
    assert sum(cell["units"] for cell in manifest["notes"]["cells"]) == tokens
    assert pa.array(rows_of(ran / "out" / "mbart50"))[0]["length"].as_py() == tokens
