"""A tiny language model that half knows two scripts, and what word mining finds with it (methods D4 ii).

    python -m benchmarks.mine_tiny_lm train out/tiny-300 --seeds 300 --steps 1500
    python -m benchmarks.mine_tiny_lm mine out/tiny-300 out/tiny-300-mined
    python -m benchmarks.mine_tiny_lm step out/tiny-300 out/tiny-300-step --seeds 300 --queries 500

`train`: a character GPT of 3 layers and 0.6 M parameters learns the Serbian of NTREX (../shared/data) in Cyrillic and
in Latin letters, and some word pairs in the form of the prompt; `mine`: the step's own functions on 300 frequent words
that it has not seen as pairs. Gold: words at one place of sentences that have as many words on both sides. `step`:
`xlcorpus mine-words` on a dataset of these texts, several times, with one worker and two and on the portable runner:
are they the same bytes, and how good are they.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xlcorpus.lexicon.embed import word_lines
from xlcorpus.text.hashes import hash_text

DATA = Path("../shared/data/ntrex")
LANGUAGES = ("srp_Cyrl", "srp_Latn")
HELD_OUT, FREQUENT = 300, 1200  # words that are mined, of so many that are drawn from
LENGTH, BATCH = 128, 16  # characters of a row, rows of a step
PAIRS_SHARE = 0.75  # of the rows
TEMPLATE = "{{ src_lang[4:] }} {{ word }} {{ tgt_lang[4:] }}"
SHOTS_TEMPLATE = TEMPLATE + " {{ answer }}"
SEED = 18

Pair = tuple[str, str]


def texts(lang: str) -> list[str]:
    """The sentences of a language, in order."""
    with gzip.open(DATA / f"{lang.replace('_', '-')}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def gold() -> list[Pair]:
    """Word pairs by falling frequency: of each word of Cyrillic letters the one that it stands beside most often."""
    counts: Counter[Pair] = Counter()
    for one, other in zip(*(word_lines(pa.array(texts(lang))) for lang in LANGUAGES), strict=True):
        left, right = one.split(" "), other.split(" ")
        if len(left) == len(right):
            counts.update(zip(left, right, strict=True))
    found: dict[str, str] = {}
    for (src, tgt), _ in counts.most_common():
        if src != tgt and not src.isascii():
            found.setdefault(src, tgt)
    return list(found.items())


def parted(seeds: int) -> tuple[list[Pair], list[Pair]]:
    """(pairs that are learnt, held-out ones), by falling frequency; drawn by hash among the most frequent."""
    pairs = gold()[:FREQUENT]
    drawn = sorted(pairs, key=lambda pair: int(hash_text(f"{SEED}\t{pair[0]}")))
    held_out, learnt = set(drawn[:HELD_OUT]), set(drawn[HELD_OUT : HELD_OUT + seeds])
    return [pair for pair in pairs if pair in learnt], [pair for pair in pairs if pair in held_out]


def rows(learnt: Sequence[Pair], draw: random.Random) -> Iterator[str]:
    """Texts of LENGTH characters without end: pieces of monolingual text, or lines of word pairs in one direction."""
    running = ["\n".join(texts(lang)) for lang in LANGUAGES]
    while True:
        if draw.random() >= PAIRS_SHARE:
            text = draw.choice(running)
            start = draw.randrange(len(text) - LENGTH)
            yield text[start : start + LENGTH]
            continue
        order = draw.choice((0, 1))
        ends = [lang[4:] for lang in (LANGUAGES[order], LANGUAGES[1 - order])]
        made = ""
        while len(made) < LENGTH:
            pair = draw.choice(learnt)
            made += f"{ends[0]} {pair[order]} {ends[1]} {pair[1 - order]}\n"
        yield made[:LENGTH]


def make_tokenizer() -> Any:
    """A token for each character of the texts; the line end is the eos."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    characters = sorted({one for lang in LANGUAGES for text in texts(lang) for one in text + text.lower()} - {"\n"})
    vocabulary = {name: number for number, name in enumerate(["<pad>", "<unk>", "\n", *characters])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex("(?m)."), "isolated")
    made.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="\n",
        padding_side="left",
        model_max_length=LENGTH,
        clean_up_tokenization_spaces=False,
    )


def train(folder: Path, seeds: int, steps: int) -> None:
    """Train and save model and tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from benchmarks.tiny_lm import losses

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    eos = tokenizer.eos_token_id
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer), n_positions=LENGTH, n_embd=128, n_layer=3, n_head=4, bos_token_id=eos,
            eos_token_id=eos, pad_token_id=tokenizer.pad_token_id, resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1,
        )
    )  # fmt: skip
    print(f"{sum(one.numel() for one in model.parameters()):,} parameters, {seeds} pairs, {steps} steps", flush=True)
    given = rows(parted(seeds)[0], random.Random(SEED))
    began = time.perf_counter()
    model.train()
    batches = ([tokenizer.encode(next(given)) for _ in range(BATCH)] for _ in range(steps))
    for step, loss in enumerate(losses(model, batches, 2e-3, steps), 1):
        if step % 50 == 0:
            print(f"step {step}: loss {loss:.3f}, {time.perf_counter() - began:.0f} s", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def mine(folder: Path, out: Path, seeds: int) -> None:
    """Print what is found of the held-out words by round."""
    from benchmarks.mine_words import Asking, report
    from xlcorpus.lexicon.embed import EmbedOptions, train_vectors
    from xlcorpus.lexicon.words import by_frequency, words_in
    from xlcorpus.mine.backend import Decoding
    from xlcorpus.mine.vocabulary import Vocabulary
    from xlcorpus.mine.word_prompts import WordPrompts
    from xlcorpus.mine.words import Mining

    held_out = parted(seeds)[1]
    given = [pa.array(texts(lang)) for lang in LANGUAGES]
    one, other = (
        Vocabulary.of(lang, by_frequency([words_in(text, lang, None)]))
        for lang, text in zip(LANGUAGES, given, strict=True)
    )
    vectors = [train_vectors(text, EmbedOptions(min_count=1)) for text in given]
    asking, decoding = Asking(f"transformers:{folder}", out, 64), Decoding(new_tokens=20, beams=5, returns=5)
    fit = asking.fit_to(decoding)
    prompts = WordPrompts(LANGUAGES, vectors.__getitem__, TEMPLATE, SHOTS_TEMPLATE, shots=4, fit=fit)
    queries = [pair[0] for pair in held_out], [pair[1] for pair in held_out]
    gold = {src: {tgt} for src, tgt in held_out}
    for done in Mining((one, other), prompts, asking.ask, decoding).rounds(queries):
        report(done, one, queries[0], gold, ((1, 100), (101, 300), (301, 700), (701, len(one.words))))


WAYS = {"once": (), "again": (), "two workers": ("--workers", "2"), "portable": ("--runner", "portable")}


def step(folder: Path, out: Path, seeds: int, queries: int, ways: Sequence[str]) -> None:
    """Run the step in several ways, each of which asks anew; print digests, and what is found of held-out words."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "texts.jsonl").open("w", encoding="utf-8") as lines:
        for lang in LANGUAGES:
            lines.writelines(json.dumps({"text": text, "lang": lang}) + "\n" for text in texts(lang))
    command("ingest", out / "texts.jsonl", "--lang-column", "lang", "--output", out / "documents", "--resume")
    for name in ways:
        began, made = time.perf_counter(), out / name.replace(" ", "-")
        command(
            *("mine-words", out / "documents", "--pair", ":".join(LANGUAGES), "--llm", f"transformers:{folder}"),
            *("--template", TEMPLATE, "--queries", queries, "--rounds", "0", "--new-tokens", "20", "--llm-batch", "64"),
            *("--output", made, "--overwrite", *WAYS[name]),
        )
        files = sorted(path for path in made.rglob("*") if path.is_file())
        digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()
        print(f"{name}: {len(files)} files, sha256 {digest}, {time.perf_counter() - began:.0f} s", flush=True)
    found_by_step(made, parted(seeds)[1], queries)


def command(*arguments: object) -> None:
    """`xlcorpus ARGUMENTS` in a process of its own, with as many workers as it is told, however small the input."""
    eager = "import xlcorpus.beam.runners as runners; runners.BYTES_A_WORKER = 1; import xlcorpus.cli.main as cli; "
    subprocess.run([sys.executable, "-c", f"{eager}cli.main()", *map(str, arguments), "--quiet"], check=True)


def found_by_step(made: Path, held_out: Sequence[Pair], queries: int) -> None:
    """Print what a dataset of mined words has of held-out words among those that were asked for, by frequency."""
    from benchmarks.mine_words import report
    from xlcorpus.lexicon.words import by_frequency, words_in
    from xlcorpus.mine.backend import Answer, Answered
    from xlcorpus.mine.vocabulary import Vocabulary
    from xlcorpus.mine.word_prompts import word_lines
    from xlcorpus.mine.words import Confirmed, Round, read_answers

    one, other = (
        Vocabulary.of(lang, by_frequency([words_in(pa.array(texts(lang)), lang, None)])) for lang in LANGUAGES
    )
    said = {row["prompt"]: row["answers"] for row in pq.read_table(made / "calls.parquet").to_pylist()}
    asked = [src for src, _ in held_out if one.ranks[src] <= queries]
    answered = [
        Answered(tuple(Answer(**answer) for answer in said[prompt]))
        for prompt in word_lines(TEMPLATE, LANGUAGES, asked)
    ]
    names = ["src", "tgt", "rank_f", "rank_b", "score"]
    rows = pq.read_table(made / "data", columns=names).to_pylist()
    answers = dict(zip(asked, read_answers(answered, other), strict=True))
    done = Round(0, (answers, {}), (0, 0), tuple(Confirmed(**row) for row in rows))
    report(done, one, asked, {src: {tgt} for src, tgt in held_out}, ((1, 100), (101, 250), (251, queries)))
    gold_of_all = dict(gold())
    known = [row for row in rows if row["src"] in gold_of_all]
    good = sum(gold_of_all[row["src"]] == row["tgt"] for row in known)
    print(f"all pairs, learnt ones too: {len(rows)}, of {len(known)} in gold {good / max(len(known), 1):.3f} are right")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    trained = commands.add_parser("train")
    trained.add_argument("folder", type=Path)
    trained.add_argument("--seeds", type=int, default=300)
    trained.add_argument("--steps", type=int, default=1500)
    mined = commands.add_parser("mine")
    mined.add_argument("folder", type=Path)
    mined.add_argument("out", type=Path, help="folder of the answers")
    mined.add_argument("--seeds", type=int, default=300)
    stepped = commands.add_parser("step")
    stepped.add_argument("folder", type=Path)
    stepped.add_argument("out", type=Path, help="folder of the datasets")
    stepped.add_argument("--seeds", type=int, default=300)
    stepped.add_argument("--queries", type=int, default=500)
    stepped.add_argument("--ways", nargs="+", default=[*WAYS], choices=WAYS)
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.folder, arguments.seeds, arguments.steps)
    elif arguments.what == "step":
        step(arguments.folder, arguments.out, arguments.seeds, arguments.queries, arguments.ways)
    else:
        mine(arguments.folder, arguments.out, arguments.seeds)


if __name__ == "__main__":
    main()
