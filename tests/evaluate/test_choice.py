"""Choice by summed log-probability beside each choice by hand, beside XGLM's own sum over the whole prompt, and a model
that was made to know the answer from its exemplars."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluate.models import TOKENIZER, opened
from tests.packed import TEXTS
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.choice.choose import choose, log_probabilities
from xlcorpus.evaluate.measures.choice.items import read_items
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.prompts import Prompter, draw_shots

LANGS = ("swh_Latn", "khm_Khmr", "amh_Ethi")
EOS = 3
ANSWERS = ["Mvua.", "Το λιμάνι.", "เมื่อวานฝนตก"]


def rows(count: int = 9) -> list[dict[str, Any]]:
    """Items in three scripts, of two and of three choices, each a text of its own."""
    return [
        {
            "premise": f"{TEXTS[LANGS[n % 3]]} {n}",
            "choices": [f"{one} {n}" for one in ANSWERS[: 2 + n % 2]],
            "label": n % 2,
            "lang": LANGS[n % 3],
        }
        for n in range(count)
    ]


def write(path: Path, items: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in items), "utf-8")
    return str(path)


def ids_of(text: str) -> list[int]:
    return TOKENIZER.encode_batch(pa.array([text]))[0].tolist()


def nats(ids: list[int]) -> np.ndarray:
    """Of each id but the first."""
    with torch.no_grad():
        logs = opened("LlamaForCausalLM").model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return np.array([logs[place, one].item() for place, one in enumerate(ids[1:])])


def test_each_choice_by_hand_and_the_whole_prompt_as_xglm_sums_it(tmp_path: Path) -> None:
    items = rows()
    found = choose(
        opened("LlamaForCausalLM"),
        read_items(write(tmp_path / "i.jsonl", items), EvaluateOptions()),
        None,
        EvaluateOptions(),
    )
    points: dict[str, list[tuple[str, bool]]] = {}
    for item in items:
        before = [*ids_of(item["premise"]), EOS]
        sums = np.array([nats([*before, *ids_of(one)])[len(before) - 1 :].sum() for one in item["choices"]])
        whole = np.array([nats([*before, *ids_of(one)]).sum() for one in item["choices"]])
        assert whole.argmax() == sums.argmax()
        nothing = np.array([nats([2, *ids_of(one)]).sum() for one in item["choices"]])
        letters = np.array([len(one) for one in item["choices"]])
        size = np.array([len(one.encode()) for one in item["choices"]])
        for name, scores in (
            ("acc", sums),
            ("acc_norm", sums / letters),
            ("acc_bytes", sums / size),
            ("acc_mutual_info", sums - nothing),
        ):
            points.setdefault(name, []).append((item["lang"], bool(scores.argmax() == item["label"])))
    assert set(found) == {*LANGS, "all"}
    for name, told in points.items():
        for lang in found:
            right = [one for of, one in told if lang in (of, "all")]
            assert found[lang][name] == pytest.approx(np.mean(right))
            assert found[lang][f"{name}_error"] == pytest.approx(np.std(right, ddof=1) / len(right) ** 0.5)
    assert found["all"]["chance"] == pytest.approx(np.mean([1 / len(one["choices"]) for one in items]))


def test_log_probabilities_are_those_of_each_row_alone() -> None:
    trained = opened("LlamaForCausalLM")
    lists = [ids_of(text)[:20] for text in TEXTS.values()]
    heads = np.array([1 + n % 4 for n in range(len(lists))])
    for batch in (1, 5):
        found = log_probabilities(trained, pa.array(lists, pa.list_(pa.int32())), heads, batch)
        for ids, head, value in zip(lists, heads, found, strict=True):
            assert value == pytest.approx(nats(ids)[head - 1 :].sum(), abs=1e-4)


def test_exemplars_stand_before_with_their_right_choice_and_line_ends_are_eos() -> None:
    trained = opened("LlamaForCausalLM")
    batch = pa.record_batch({"premise": ["a\r\nb", "c"], "choice": ["x\ny", "z"]})
    lines = Prompter(trained, "{premise}\\n{choice}", "choice", "eos")
    eos = [EOS]
    assert lines.ids(batch, "here").to_pylist() == [
        [*ids_of("a"), *eos, *ids_of("b"), *eos, *ids_of("x"), *eos, *ids_of("y")],
        [*ids_of("c"), *eos, *ids_of("z")],
    ]
    assert lines.before(batch, "here").to_pylist() == [
        [*ids_of("a"), *eos, *ids_of("b"), *eos],
        [*ids_of("c"), *eos],
    ]
    assert lines.between == (EOS,)
    middle = Prompter(trained, "{premise}, right? {choice}, yes", "choice", "text")
    assert middle.ids(batch, "here").to_pylist()[1] == ids_of("c, right? z, yes")
    assert middle.before(batch, "here").to_pylist()[1] == ids_of("c, right?")
    ended = Prompter(trained, "{{ premise }}{{ eos }}{{ choice }}{{ eos }}", "choice", "text")
    assert ended.before(batch, "here").to_pylist()[1] == [*ids_of("c"), EOS]
    assert ended.ids(batch, "here").to_pylist()[1] == [*ids_of("c"), EOS, *ids_of("z"), EOS]
    with pytest.raises(UserError, match="does not write choice"):
        Prompter(trained, "{premise}", "choice", "eos")
    with pytest.raises(UserError, match="writes no choice for a row"):
        Prompter(trained, "{{ premise }}{% if premise == 'c' %}{{ choice }}{% endif %}", "choice", "eos").before(
            batch, "here"
        )


@given(st.integers(0, 99), st.integers(1, 4), st.integers(0, 99))
def test_exemplars_are_of_the_language_never_the_row_itself_and_follow_from_the_row(
    seed: int, count: int, other: int
) -> None:
    texts = [f"{n}" for n in range(12)]
    langs = ["swh_Latn" if n % 2 else "amh_Ethi" for n in range(12)]
    found = draw_shots(pa.array(texts), langs, pa.array(texts), langs, count, seed, "here")
    for row, drawn in enumerate(found.tolist()):
        assert len(set(drawn)) == count
        assert row not in drawn
        assert {langs[one] for one in drawn} == {langs[row]}
    some = [row for row in range(12) if (row * 7 + other) % 3]
    fewer = draw_shots(
        pa.array([texts[row] for row in some]),
        [langs[row] for row in some],
        pa.array(texts),
        langs,
        count,
        seed,
        "here",
    )
    assert fewer.tolist() == found[some].tolist()
    foreign = draw_shots(pa.array(["a"]), ["khm_Khmr"], pa.array(texts), ["eng_Latn"] * 12, count, seed, "here")
    assert foreign.shape == (1, count)  # all of one language: for every row
    with pytest.raises(UserError, match="lower --shots"):
        draw_shots(pa.array(texts), langs, pa.array(texts), langs, 6, seed, "here")


class _Copies(torch.nn.Module):
    """Likes an id the better the more often it stood before: an induction of one token."""

    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Parameter(torch.zeros(()))
        self.config = opened("LlamaForCausalLM").model.config

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        seen = torch.nn.functional.one_hot(input_ids, TOKENIZER.vocab_size).cumsum(1).float()
        return type("Made", (), {"logits": 2 * seen})


def test_exemplars_help_a_model_that_learns_from_what_it_reads(tmp_path: Path) -> None:
    """All answers of a language are the same text; without exemplars nothing tells which."""
    from dataclasses import replace

    items = [
        {"premise": f"{n} {lang}", "choices": ["maji", "usiku"], "label": LANGS.index(lang) % 2, "lang": lang}
        for n in range(8)
        for lang in LANGS
    ]
    trained = replace(opened("LlamaForCausalLM"), model=_Copies())
    test, more = (
        read_items(write(tmp_path / name, items[at:]), EvaluateOptions()) for name, at in (("a", 12), ("b", 0))
    )
    few = EvaluateOptions(shots=3, shots_from=str(tmp_path / "b"))
    shown = choose(trained, test, more, few)
    assert shown["all"]["acc"] == 1
    assert shown == choose(trained, test, more, few)
    none = choose(trained, test, None, EvaluateOptions())
    assert none["all"]["acc"] == 0.5


def test_a_model_that_knows_nothing_is_worth_chance(tmp_path: Path) -> None:
    import copy
    from dataclasses import replace

    model = copy.deepcopy(opened("LlamaForCausalLM").model)
    torch.nn.init.zeros_(model.lm_head.weight)
    items = [{"premise": "a", "choices": ["b", "c", "d"], "label": n % 3, "lang": "eng_Latn"} for n in range(6)]
    given_items = read_items(write(tmp_path / "i.jsonl", items), EvaluateOptions())
    found = choose(replace(opened("LlamaForCausalLM"), model=model), given_items, None, EvaluateOptions())
    assert found["all"]["acc"] == pytest.approx(1 / 3)


def test_ties_are_ties_and_all_choices_of_an_item_are_summed_from_one_place(tmp_path: Path) -> None:
    """Without a space between, the last letters of a prompt may be cut into one piece with a choice."""
    trained, premise, choices = opened("LlamaForCausalLM"), "Mvua ilinyesha usi", ["ku!", "-", "ta", "ta"]
    cut, before = [ids_of(premise + one) for one in choices], ids_of(premise)
    assert {ids[: len(before)] == before for ids in cut} == {True, False}
    assert np.argmax([nats([2, *ids]).sum() for ids in cut]) == 0
    asked = EvaluateOptions(template="{premise}{choice}", batch=1)
    for label, points in ((0, 1), (1, 0)):
        item = {"premise": premise, "choices": choices, "label": label, "lang": "swh_Latn"}
        found = choose(trained, read_items(write(tmp_path / "i.jsonl", [item]), asked), None, asked)
        assert found["all"]["acc"] == points
    item |= {"choices": ["ta", "ta", "!"], "label": 1}
    alike = read_items(write(tmp_path / "i.jsonl", [item]), asked)
    assert choose(trained, alike, None, asked)["all"]["acc"] == 1 / 2
    nothing = choose(trained, alike, None, EvaluateOptions(template="{choice}", batch=1))
    assert nothing["all"]["acc_mutual_info"] == 1 / 3  # behind nothing, nothing is left of any


def test_choices_in_columns_and_labels_that_are_texts(tmp_path: Path) -> None:
    columns = {"premise": ["ni", "we", "si"], "choice1": ["a", "c", "e"], "choice2": ["b", "d", "f"]}
    columns["choice3"] = ["", None, "g"]
    pq.write_table(pa.table({**columns, "label": ["b", "0", "z"]}), tmp_path / "i.parquet")
    items = read_items(str(tmp_path / "i.parquet"), EvaluateOptions(lang="sw"))
    assert items.choices.to_pylist() == [["a", "b"], ["c", "d"]]
    assert (items.labels.tolist(), items.langs, items.skipped) == ([1, 0], ["swh_Latn"] * 2, 1)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"premise": "a", "choices": ["b", "c"]}, "has no column label"),
        ({"premise": "a", "choices": ["b", "c"], "label": 3}, "no item with two choices and a right one"),
        ({"premise": "a", "choices": ["b", "c"], "label": 2}, "count from 1: none is 0"),
        ({"premise": "a", "choices": ["b", ""], "label": 0}, "no item with two choices and a right one"),
        ({"premise": "a", "choices": [None, "b"], "label": 1}, "no item with two choices and a right one"),
        ({"premise": "a", "choice1": "b", "choice2": None, "choice3": "c", "label": 1}, "no item with two choices"),
        ({"question": "a", "choices": ["b", "c"], "label": 0}, "no record with a text in premise"),
        ({"premise": "a", "choices": ["b"], "label": 0}, "no item with two choices and a right one"),
        ({"premise": "a", "choices": "b", "label": 0}, "is no list of texts"),
        ({"premise": "a", "options": ["b", "c"], "label": 0}, "nor choice1, choice2"),
    ],
)
def test_what_is_no_item(tmp_path: Path, item: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_items(write(tmp_path / "i.jsonl", [item]), EvaluateOptions())


def test_prompts_longer_than_the_model_reads_and_exemplars_without_a_file(tmp_path: Path) -> None:
    items = read_items(write(tmp_path / "i.jsonl", rows()), EvaluateOptions())
    many = EvaluateOptions(shots=2, shots_from="here", template="{premise} {premise}\\n{choice}")
    with pytest.raises(UserError, match="with its 2 exemplars") as raised:
        choose(opened("LlamaForCausalLM"), items, items, many)
    assert "lower --shots" in str(raised.value)
    with pytest.raises(UserError, match="belong together"):
        EvaluateOptions(shots=2)
