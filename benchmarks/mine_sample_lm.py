"""Train the tiny language model of the sample corpus, which half knows how Serbian is written in two scripts.

    python -m benchmarks.mine_sample_lm out/serbian-lm

All that it reads is CC0: the Serbian documents of the sample corpus in both scripts, and words that are made up by a
chain of their letters, beside how these are written in the other script, in the form of the prompts of mine-words. No
word of the sample is among the made-up ones, so every word that is mined of the sample was never seen as a pair.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from xlcorpus.lexicon.embed import word_lines as words_of
from xlcorpus.mine.word_prompts import SHOTS_TEMPLATE, TEMPLATE, word_lines
from xlcorpus.sample import read_gold, sample_folder

LANGUAGES = ("srp_Cyrl", "srp_Latn")
LETTERS = dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True))
LETTERS |= {"љ": "lj", "њ": "nj", "џ": "dž"}
MADE_UP, LONGEST = 6000, 12  # words, letters
LENGTH, BATCH = 64, 32  # tokens of a row, rows of a step
RUNNING_SHARE, SHOTS_SHARE = 0.15, 0.3  # of the rows
SEED = 18


def in_latin(text: str) -> str:
    """Serbian of Cyrillic letters in Latin ones, in lower case."""
    return "".join(LETTERS.get(one, one) for one in text.lower())


def in_cyrillic(text: str) -> str:
    """The other way round."""
    made = text.lower()
    for cyrillic, latin in sorted(LETTERS.items(), key=lambda pair: -len(pair[1])):
        made = made.replace(latin, cyrillic)
    return made


def documents() -> dict[str, list[str]]:
    """The Serbian texts of the sample corpus, by the gold label."""
    folder, langs = Path(str(sample_folder())), {row["id"]: row["lang"] for row in read_gold()}
    found: dict[str, list[str]] = {lang: [] for lang in LANGUAGES}
    for file in sorted((folder / "web").iterdir()):
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line) if line.startswith("{") and line.rstrip().endswith("}") else {}
                if langs.get(row.get("id", "")) in found and row.get("text"):
                    found[langs[row["id"]]].append(row["text"])
    return found


def real_words(given: dict[str, list[str]]) -> set[str]:
    """The words of the sample that are written in Serbian letters, in Cyrillic ones."""
    lines = words_of(pa.array([*given["srp_Cyrl"], *map(in_cyrillic, given["srp_Latn"])]))
    words = {word.lower() for line in lines for word in line.split(" ")}
    return {word for word in words if word and set(word) <= set(LETTERS)}


def made_up(real: set[str], count: int) -> list[str]:
    """Words of letters that follow two others as often as in real words, none of them real."""
    draw, after = random.Random(SEED), defaultdict(list)
    for word in sorted(real):
        for at, letter in enumerate(f"{word}\n"):
            after[f"\n\n{word}"[at : at + 2]].append(letter)
    found: dict[str, None] = {}
    while len(found) < count:
        word = "\n\n"
        while not word.endswith("\n") or word == "\n\n":
            word += draw.choice(after[word[-2:]])
        if word.strip() not in real and len(word) - 3 <= LONGEST:
            found[word.strip()] = None
    return list(found)


def phrases() -> list[str]:
    """What the prompts of mine-words hold besides words, whole: a token each."""
    names = [one.split("|") for lang in (0, 1) for one in word_lines(TEMPLATE, _ends(lang), ["|"])]
    return sorted({begin.strip() for begin, _ in names} | {f" {end.strip().rstrip(':')}" for _, end in names})


def _ends(side: int) -> tuple[str, str]:
    return LANGUAGES[side], LANGUAGES[1 - side]


def lines_of(words: Sequence[str], draw: random.Random) -> Iterator[str]:
    """Lines without end, as a row has them: of one direction and one template."""
    side = draw.choice((0, 1))
    shots = draw.random() < SHOTS_SHARE
    while True:
        word = draw.choice(words)
        pair = word, in_latin(word)
        if shots:
            yield word_lines(SHOTS_TEMPLATE, _ends(side), [pair[side]], [pair[1 - side]])[0] + "\n"
        else:
            yield f"{word_lines(TEMPLATE, _ends(side), [pair[side]])[0]} {pair[1 - side]}\n"


def make_tokenizer(texts: Sequence[str]) -> Any:
    """A token for each phrase of the prompts and each character of texts; the line end is the eos."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = phrases()
    characters = sorted({one for text in [*texts, *known] for one in text + text.lower()} - {"\n"})
    pieces = ["<pad>", "<unk>", "\n", *known, *characters]
    made = Tokenizer(models.WordLevel({name: number for number, name in enumerate(pieces)}, unk_token="<unk>"))
    escaped = "|".join(one.replace("(", r"\(").replace(")", r"\)") for one in known)
    made.pre_tokenizer = pre_tokenizers.Split(Regex(f"{escaped}|(?m)."), "isolated")
    made.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", eos_token="\n", padding_side="left",
        model_max_length=2 * LENGTH, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def rows(tokenizer: Any, words: Sequence[str], running: Sequence[str], draw: random.Random) -> Iterator[list[int]]:
    """Rows of LENGTH ids without end."""
    spoken = tokenizer.encode("\n".join(running))
    while True:
        if draw.random() < RUNNING_SHARE:
            start = draw.randrange(len(spoken) - LENGTH)
            yield spoken[start : start + LENGTH]
            continue
        made: list[int] = []
        for line in lines_of(words, draw):
            made += tokenizer.encode(line)
            if len(made) >= LENGTH:
                break
        yield made[:LENGTH]


def share_right(model: Any, tokenizer: Any, words: Sequence[str]) -> float:
    """Of Cyrillic words that the likeliest answer writes in Latin letters."""
    import torch

    asked = word_lines(TEMPLATE, _ends(0), words)
    given = tokenizer([f"{one} " for one in asked], return_tensors="pt", padding=True)
    with torch.no_grad():
        made = model.generate(
            input_ids=given["input_ids"], attention_mask=given["attention_mask"], max_new_tokens=16, do_sample=False
        )
    said = [tokenizer.decode(row[given["input_ids"].shape[1] :]).split("\n")[0] for row in made]
    return sum(one == in_latin(word) for one, word in zip(said, words, strict=True)) / len(words)


def train(folder: Path, steps: int, stop: int, every: int) -> None:
    """Train up to the step `stop` of a schedule for `steps`, and save model and tokenizer, also every so many steps."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from benchmarks.tiny_lm import losses

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    given = documents()
    real = real_words(given)
    words = made_up(real, MADE_UP)
    running = [*given["srp_Cyrl"], *given["srp_Latn"]]
    tokenizer = make_tokenizer(running)
    eos = tokenizer.eos_token_id
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=3,
            num_attention_heads=4, max_position_embeddings=2 * LENGTH, bos_token_id=eos, eos_token_id=eos,
            pad_token_id=tokenizer.pad_token_id, tie_word_embeddings=True,
        )
    )  # fmt: skip
    print(f"{sum(one.numel() for one in model.parameters()):,} parameters, {len(tokenizer)} tokens, "
          f"{len(real)} real words, {len(words)} made up: {' '.join(words[:8])}", flush=True)  # fmt: skip
    made = rows(tokenizer, words, running, random.Random(SEED))
    tested = sorted(real)[::10]
    began, used = time.perf_counter(), time.process_time()
    batches = ([next(made) for _ in range(BATCH)] for _ in range(stop))
    for step, loss in enumerate(losses(model, batches, 3e-3, steps), 1):
        if step % every == 0 or step == stop:
            print(f"step {step}: loss {loss:.3f}, {share_right(model, tokenizer, tested):.3f} of {len(tested)} "
                  f"real words, {time.perf_counter() - began:.0f} s, {time.process_time() - used:.0f} s of CPU",
                  flush=True)  # fmt: skip
            save(model, tokenizer, folder if step == stop else folder.with_name(f"{folder.name}-{step}"))


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """In halves: 16 bits a number."""
    import copy

    copy.deepcopy(model).half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--stop", type=int, default=300)
    parser.add_argument("--every", type=int, default=100)
    arguments = parser.parse_args()
    train(arguments.folder, arguments.steps, arguments.stop, arguments.every)


if __name__ == "__main__":
    main()
