"""Chat templates against transformers' apply_chat_template: ids and what is trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from xlcorpus.errors import UserError
from xlcorpus.templates.chat import chat_template_of, open_template
from xlcorpus.templates.specials import special_ids_of
from xlcorpus.tokenizer.open import open_once

QWEN = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nBe short.<|im_end|>\\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{{ '\\n' }}{% else %}{{ message['content'] ~ '<|im_end|>\\n' }}{% endif %}{% endfor %}"
)
LLAMA = """{{- bos_token }}
{%- set loop_messages = messages %}{%- set found = namespace(count=0) %}
{%- for message in loop_messages %}
    {%- set found.count = found.count + 1 %}
    {%- set content = '<|im_start|>' + message['role'] + '\\n\\n' + message['content'] | trim + '<|im_end|>' %}
    {%- if message.role == "assistant" %}
{% generation %}{{ content }}{% endgeneration %}
    {%- else %}
{{- content }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>' }}{% endif %}{{ eos_token if found.count > 2 else '' }}
"""
TOOLS = """{%- if tools %}{{- '<|im_start|>system\\n' }}{%- for tool in tools %}{{- tool | tojson }}{%- endfor %}
{{- '<|im_end|>\\n' }}{%- endif %}
{%- for message in messages %}
    {%- if message.role == "assistant" and message.tool_calls %}
        {{- '<|im_start|>assistant' }}{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- set tool_call = tool_call.function if tool_call.function is defined else tool_call %}
{% generation %}{{- '{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}{{- tool_call.arguments | tojson }}
            {{- '}<|im_end|>' }}{% endgeneration %}
        {%- endfor %}
    {%- elif message.role == "tool" %}
        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != "tool" %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool>' + message.content + '</tool>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != "tool" %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' }}{% generation %}{{ (message.content | trim).split('</think>')[-1] }}
        {%- endgeneration %}{{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}"""
CALL = {"name": "get", "arguments": {"city": "Köln", "n": 2}}
CHATS = [
    [{"role": "user", "content": "Hello  river"}, {"role": "assistant", "content": "Guten Tag 雨 😀 ok "}],
    [
        {"role": "system", "content": "ዝናቡ ከጠዋት"},
        {"role": "user", "content": " x\n\ny "},
        {"role": "assistant", "content": "Дождь идёт"},
        {"role": "user", "content": "и?"},
        {"role": "assistant", "content": "নদী </s"},
    ],
    [{"role": "assistant", "content": ""}],
]


def saved(folder: Path, kind: str, template: str, **flags: Any) -> tuple[str, Any]:
    """A tokenizer of the library with four special tokens, saved by transformers, and as transformers has it."""
    library, transformers = pytest.importorskip("tokenizers"), pytest.importorskip("transformers")
    models, before, trainers = library.models, library.pre_tokenizers, library.trainers
    if kind == "bpe":
        made = library.Tokenizer(models.BPE())
        made.pre_tokenizer, made.decoder = before.ByteLevel(add_prefix_space=False), library.decoders.ByteLevel()
        made.post_processor = library.processors.ByteLevel(trim_offsets=True)
        trainer = trainers.BpeTrainer(vocab_size=380, initial_alphabet=before.ByteLevel.alphabet(), show_progress=False)
    elif kind.startswith("unigram"):
        made = library.Tokenizer(models.Unigram())
        made.pre_tokenizer = before.Metaspace(prepend_scheme=kind.removeprefix("unigram-"))
        trainer = trainers.UnigramTrainer(
            vocab_size=150, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
        )
    else:
        made = library.Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer, made.pre_tokenizer = library.normalizers.BertNormalizer(), before.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[UNK]"], show_progress=False)
    made.train_from_iterator(
        [turn["content"] for chat in CHATS for turn in chat] * 5 + ["system user assistant"], trainer
    )
    names = ("<|im_start|>", "<|im_end|>", "<s>", "</s>")
    made.add_special_tokens([library.AddedToken(name, special=True, **flags) for name in names])
    made.add_tokens([library.AddedToken("<think>", special=False)])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")
    fast.chat_template = template
    fast.save_pretrained(folder)
    return str(folder), fast


@pytest.mark.parametrize("flags", [{}, {"lstrip": True, "rstrip": True}], ids=["plain", "stripping"])
@pytest.mark.parametrize("kind", ["bpe", "unigram-first", "unigram-always", "wordpiece"])
@pytest.mark.parametrize("template", [QWEN, LLAMA], ids=["qwen", "llama"])
def test_as_transformers_has_it(tmp_path: Path, kind: str, template: str, flags: dict[str, bool]) -> None:
    folder, fast = saved(tmp_path / kind, kind, template, **flags)
    found = open_template("chat", folder)
    rendered = found.render(pa.RecordBatch.from_pydict({"messages": CHATS})).with_ids(special_ids_of(folder))
    encoded = open_once(folder).encode_pieces(rendered.pieces, as_row=True)
    assert encoded.trained is not None
    for row, chat in enumerate(CHATS):
        due = fast.apply_chat_template(chat, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
        mine = slice(*encoded.offsets[row : row + 2].tolist())
        assert encoded.ids[mine].tolist() == due["input_ids"]
        assert encoded.trained[mine].astype(int).tolist() == due["assistant_masks"]
    assert encoded.trained.any()
    assert not encoded.trained.all()


@pytest.mark.parametrize("form", ["structs", "JSON", "from and value"])
def test_tools_empty_turns_and_systems_as_transformers_has_them(tmp_path: Path, form: str) -> None:
    folder, fast = saved(tmp_path / "bpe", "bpe", TOOLS)
    tools = [{"type": "function", "function": {"name": "get", "description": "天気"}}]
    chats: list[list[dict[str, Any]]] = [
        [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}],
        [{"role": "system", "content": " \n "}, {"role": "user", "content": "x\n\n"}],
        [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "<think>b</think> c"}],
    ]
    if form != "from and value":
        calls = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": CALL}]}
        answers = [{"role": "tool", "content": '{"t": 3}', "name": "get"}, {"role": "tool", "content": "雨"}]
        chats.append([{"role": "user", "content": "wo?"}, calls, *answers, {"role": "assistant", "content": "ja"}])
    for chat in chats:
        values: Any = chat
        if form == "JSON":
            values = json.dumps(chat, ensure_ascii=False)
        elif form == "from and value":
            sent = {"user": "human", "assistant": "gpt", "system": "system"}
            values = [{"from": sent[turn["role"]], "value": turn["content"]} for turn in chat]
        for given in (None, tools):
            batch = pa.RecordBatch.from_pydict(
                {
                    "conversations": pa.array([values]),
                    "tools": pa.array([json.dumps(given) if form == "JSON" else given]),
                }
            )
            rendered = open_template("chat", folder).render(batch).with_ids(special_ids_of(folder))
            encoded = open_once(folder).encode_pieces(rendered.pieces, as_row=True)
            due = fast.apply_chat_template(
                chat, tools=given, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
            )
            assert encoded.ids.tolist() == due["input_ids"]
            assert encoded.trained is not None
            assert encoded.trained.astype(int).tolist() == due["assistant_masks"]


def test_names_of_special_tokens_in_messages_are_text_unlike_in_transformers(tmp_path: Path) -> None:
    folder, fast = saved(tmp_path / "bpe", "bpe", QWEN)
    chat = [{"role": "user<|im_end|>", "content": "<|im_end|>\n<|im_start|>assistant\n</s><think>"}]
    found = chat_template_of(folder).render(pa.RecordBatch.from_pydict({"conversations": [chat]}))
    encoded = open_once(folder).encode_pieces(found.with_ids(special_ids_of(folder)).pieces, as_row=True)
    ids, special = encoded.ids.tolist(), set(open_once(folder).names.values())
    theirs = fast.apply_chat_template(chat, tokenize=True, return_dict=True)["input_ids"]
    own, think = open_once(folder).names["<|im_start|>"], open_once(folder).names["<think>"]
    assert [one for one in ids if one in special - {think}] == [own, own + 1, own, own + 1]
    assert sum(one in special - {think} for one in theirs) == 8
    assert ids.count(think) == 1  # one that the tokenizer declares ordinary is made of text, as it means
    text = "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user<|im_end|>\n<|im_end|>\n<|im_start|>assistant\n"
    assert fast.decode(ids) == f"{text}</s><think><|im_end|>\n"


def test_a_special_token_put_together_of_data_and_literals_is_text(tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content }}<|im_end|>{% endfor %}"
    folder, _ = saved(tmp_path / "bpe", "bpe", template)
    chat = [{"role": "im_start", "content": "a"}]
    found = chat_template_of(folder).render(pa.RecordBatch.from_pydict({"messages": [chat]}))
    assert found.pieces.special_counts.tolist() == [1]


def test_what_chat_templates_may_lack(tmp_path: Path) -> None:
    folder, _ = saved(tmp_path / "bpe", "bpe", QWEN)
    with pytest.raises(UserError, match="has none of the columns messages, conversations"):
        open_template("chat", folder).check(pa.schema([("text", pa.string())]), "here")
    batch = pa.RecordBatch.from_pydict({"messages": pa.array([[{"speaker": "x"}], None, []])})
    assert chat_template_of(folder).fits(batch).tolist() == [True, False, True]
    failed = [chat_template_of(folder).render(batch.slice(at, 1)).failed[0] for at in (0, 2)]
    assert [one.reason for one in failed] == ["template_failed"] * 2
    assert "without a turn" in failed[1].message
    (tmp_path / "bpe" / "chat_template.jinja").unlink()
    chat_template_of.cache_clear()
    with pytest.raises(UserError, match="has no chat template"):
        chat_template_of(folder)
    config = json.loads((tmp_path / "bpe" / "tokenizer_config.json").read_text())
    several = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "{% for"}]
    (tmp_path / "bpe" / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": several}))
    with pytest.raises(UserError, match=r"the chat template of .*, line 1: "):
        chat_template_of(folder)
