"""What is given to the command line: files and datasets of every kind, a good call of every command, absurd values."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import pyarrow as pa

from tests.fuzz.texts import SENTENCES
from tests.rows import documents, pairs, write_dataset
from xlcorpus.cli import main as entry

# Runners that are not there or would fetch something: their own errors are no part of this.
FOREIGN = ("portable", "prism", "spark", "flink", "dataflow")

CALLS: dict[str, list[str]] = {
    "ingest": ["ingest", "@docs.jsonl"],
    "ingest pairs": ["ingest", "@pairs.tsv", "--kind", "pairs"],
    "ingest code": ["ingest", "@code", "--kind", "code"],
    "identify": ["identify", "@ds/raw"],
    "score": ["score", "@ds/raw"],
    "filter": ["filter", "@ds/scored"],
    "dedup": ["dedup", "@ds/raw"],
    "romanize": ["romanize", "@ds/scored"],
    "align": ["align", "@ds/pairs"],
    "codeswitch": ["codeswitch", "@ds/scored", "--dictionary", "@words.tsv"],
    "mix": ["mix", "@ds/scored", "--ratios", "eng_Latn=0.5,rus_Cyrl=0.5", "--unit", "bytes"],
    "mix rule": ["mix", "@ds/scored", "--rule", "proportional", "--unit", "docs", "--budget", "2"],
    "pack": ["pack", "@ds/scored", "--tokenizer", "bytes", "--length", "64"],
    "run": ["run", "@recipe.yaml"],
    "recipes show": ["recipes", "show", "quickstart"],
    "inspect": ["inspect", "@ds/scored"],
    "lexicon build": ["lexicon", "build", "@words.tsv"],
    "lexicon merge": ["lexicon", "merge", "@lexicon.parquet"],
    "lexicon invert": ["lexicon", "invert", "@lexicon.parquet"],
    "lexicon induce": ["lexicon", "induce", "@ds/many", "--src", "eng_Latn", "--tgt", "deu_Latn"],
    "lexicon inspect": ["lexicon", "inspect", "@lexicon.parquet"],
    "tokenizer train": ["tokenizer", "train", "@ds/scored", "--vocab-size", "820"],
    "tokenizer extend": ["tokenizer", "extend", "@tokenizer.model", "@ds/scored", "--pieces", "5"],
    "tokenizer report": ["tokenizer", "report", "bytes", "@ds/scored"],
    "lid train": ["lid", "train", "@labelled", "--epochs", "1"],
    "lid eval": ["lid", "eval", "@gold.jsonl"],
}
SUFFIX = {"lexicon": ".parquet", "tokenizer": ".model", "lid": ".ftz"}  # of what a command writes; a folder otherwise

NUMBERS = (
    "-1",
    "0",
    "1",
    "1e30",
    "99999999999999999999999999",
    "nan",
    "inf",
    "-inf",
    "1e-320",
    "",
    " ",
    "x",
    "1.5",
    "٣",
    "0x10",
    "1_000",
    "1e3",
    "-0.0",
    "2",
    "0.5",
    "1000000000000",
)
STRINGS = (
    "",
    " ",
    "x",
    "日本語",
    "\udcff\udcfe",
    "a" * 5000,
    "\x1b[2J",
    "a\nb",
    "=",
    ",",
    "a=b",
    "eng_Latn",
    "eng_Latn=",
    "eng_Latn=nan",
    "eng_Latn=1",
    "../..",
    "/",
    "${x}",
    "{",
    "[1]",
    "!!python/object:os.system",
    "text",
    "lang",
    "doc_id",
    "origin",
    "bytes",
    "quickstart",
    "umt5",
    "ENG",
    "*",
    "%s",
    "-",
    "--",
    "None",
    "null",
    "0",
    "1e5",
    "unimax",
    "temperature=0",
    "temperature=1e-300",
    "exponent=nan",
    "http://a/b",
    "s3://a/b",
    "eng_Latn,deu_Latn",
    "und",
)


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    code: int
    out: str
    err: str


@functools.cache
def things() -> Path:
    """A folder of files and datasets, made once in a process."""
    folder = Path(tempfile.mkdtemp(prefix="xlcorpus-things-"))
    texts = list(SENTENCES.values())
    langs = [label if "_" in label else "und" for label in SENTENCES]
    lines = [json.dumps({"text": text, "id": number}, ensure_ascii=False) for number, text in enumerate(texts)]
    (folder / "docs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "pairs.tsv").write_text(
        "src\ttgt\tsrc_lang\ttgt_lang\n" + "".join(f"{a}\t{b}\teng_Latn\tdeu_Latn\n" for a, b in pairwise(texts)),
        encoding="utf-8",
    )
    (folder / "words.tsv").write_text(
        "src\ttgt\tsrc_lang\ttgt_lang\nthe\tder\teng_Latn\tdeu_Latn\nbread\tBrot\teng_Latn\tdeu_Latn\n"
    )
    (folder / "gold.jsonl").write_text(
        "".join(json.dumps({"lang": a, "text": b}) + "\n" for a, b in zip(langs, texts, strict=True))
    )
    (folder / "recipe.yaml").write_text(
        "name: r\nvariables: {files: x}\nsteps:\n"
        "  - {step: ingest, files: '${recipe}/docs.jsonl'}\n  - {step: score}\n  - {step: dedup}\n"
    )
    (folder / "mix.yaml").write_text("mix: {rule: unimax, by: lang}\nunit: bytes\nmax_epochs: 2\n")
    (folder / "thresholds.yaml").write_text("default: {q_n_words: {min: 3}}\n")
    (folder / "empty").write_bytes(b"")
    (folder / "garbage.bin").write_bytes(random.Random(3).randbytes(3000))
    (folder / "nul.txt").write_bytes(b"\0" * 500)
    (folder / "page.html").write_text("<p>x", encoding="utf-8")
    (folder / "emptyfolder").mkdir()
    (folder / "code").mkdir()
    (folder / "code" / "LICENSE").write_text(
        "MIT License\n\nPermission is hereby granted, free of charge, to any person\n"
    )
    (folder / "code" / "a.py").write_text("print('ciao')\n" * 5)
    (folder / "labelled").mkdir()
    for label in ("eng_Latn", "rus_Cyrl"):
        (folder / "labelled" / f"{label}.txt.gz").write_bytes(gzip.compress((SENTENCES[label] + "\n").encode() * 30))
    shutil.copy(Path(entry.__file__).parents[1] / "sample" / "tokenizer.model", folder / "tokenizer.model")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "name with\nnewline.jsonl").write_text(lines[0] + "\n", encoding="utf-8")
    (folder / "日本 ‮.jsonl").write_text(lines[1] + "\n", encoding="utf-8")
    _datasets(folder / "ds", texts, langs)
    assert run(["lexicon", "build", str(folder / "words.tsv"), "-o", str(folder / "lexicon.parquet")]).code == 0
    return folder


def _datasets(folder: Path, texts: list[str], langs: list[str]) -> None:
    folder.mkdir()
    raw = documents(texts, names=[f"d{number}" for number in range(len(texts))])
    write_dataset(folder / "raw", [raw])
    assert run(["identify", str(folder / "raw"), "-o", str(folder / "lang"), "--quiet"]).code == 0
    labelled = documents(texts, langs, script=True, lang_score=pa.array([0.9] * len(texts), pa.float32()))
    write_dataset(folder / "labelled", [labelled])
    assert run(["score", str(folder / "labelled"), "-o", str(folder / "scored"), "--quiet"]).code == 0
    count = len(texts) - 1
    both = pairs(list(pairwise(texts)), ["eng_Latn"] * count, ["deu_Latn"] * count)
    write_dataset(folder / "pairs", [both], schema="pair")
    write_dataset(folder / "empty", [raw.slice(0, 0)])
    numbers = pa.array(range(len(texts)))
    write_dataset(
        folder / "nolang",
        [documents(texts, [None] * len(texts), names=[str(n) for n in range(len(texts))], tag=numbers)],
    )
    chaos = random.Random(1)
    many = [
        " ".join(chaos.choices(SENTENCES[label].split(), k=30)) + " 1 2 3"
        for label in ("eng_Latn", "deu_Latn")
        for _ in range(60)
    ]
    write_dataset(folder / "many", [documents(many, ["eng_Latn"] * 60 + ["deu_Latn"] * 60)])
    write_dataset(folder / "twice", [labelled, labelled])
    shutil.copytree(folder / "raw", folder / "noshard")
    next((folder / "noshard" / "data").glob("*.parquet")).unlink()
    shutil.copytree(folder / "raw", folder / "badshard")
    shard = next((folder / "badshard" / "data").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-40])
    for name, content in {
        "badmanifest": b"{",
        "foreign": b'{"name": "app", "icons": []}',
        "listmanifest": b"[1, 2]",
        "nul": b"\0\0",
    }.items():
        shutil.copytree(folder / "raw", folder / name)
        (folder / name / "manifest.json").write_bytes(content)
    changed = json.loads((folder / "raw" / "manifest.json").read_text(encoding="utf-8"))
    for key in list(changed):
        shutil.copytree(folder / "raw", folder / f"without-{key}")
        rest = {name: value for name, value in changed.items() if name != key}
        (folder / f"without-{key}" / "manifest.json").write_text(json.dumps(rest), encoding="utf-8")
        shutil.copytree(folder / "raw", folder / f"odd-{key}")
        (folder / f"odd-{key}" / "manifest.json").write_text(
            json.dumps({**changed, key: -1 if isinstance(changed[key], str) else "x"}), encoding="utf-8"
        )


def paths() -> list[str]:
    """All that a path may be given as, by its name below `things` ('@' before it); some are nowhere."""
    folder = things()
    found = [f"@{path.name}" for path in folder.iterdir()] + [f"@ds/{path.name}" for path in (folder / "ds").iterdir()]
    return sorted(
        [
            *found,
            "@ds/raw/data",
            "@ds/raw/manifest.json",
            "@nowhere",
            "@nowhere/deep/er",
            "@docs.jsonl/x",
            "@*.jsonl",
            "@**",
            "",
            "/dev/null",
            "/proc/self/mem",
            "@" + "n" * 300,
        ]
    )


def real(argument: str) -> str:
    """An argument with the path that `@` stands for."""
    return str(things() / argument[1:]) if argument.startswith("@") else argument


def run(arguments: list[str]) -> Ended:
    """`xlcorpus ARGUMENTS` in this process; every exception but the exit goes up."""
    out, err = _Text(), _Text()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            entry.main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Ended(code, out.text(), err.text())


class _Text(io.TextIOWrapper):
    """A text stream over memory, as strict about characters as a terminal's is."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="strict", write_through=True)

    def text(self) -> str:
        """What was written."""
        self.flush()
        return self.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]


@functools.cache
def options_of(call: str) -> tuple[click.Option, ...]:
    """The options of a call's command."""
    context = click.Context(entry.cli)
    command: click.Command | None = entry.cli.get_command(context, CALLS[call][0])
    assert command is not None
    if isinstance(command, click.Group):
        command = command.get_command(context, CALLS[call][1])
        assert command is not None
    return tuple(one for one in command.params if isinstance(one, click.Option) and one.name not in ("help", "output"))


def values_of(option: click.Option) -> Iterator[str]:
    """What an option is given."""
    if option.name == "runner":
        yield from ("x", "", "LOCAL", "direct", "日本")
    elif isinstance(option.type, click.Choice):
        yield from (*map(str, option.type.choices), "x", "", str(option.type.choices[0]).upper())
    elif isinstance(option.type, click.types.IntParamType | click.types.FloatParamType):
        yield from NUMBERS
    else:
        yield from (*STRINGS, *NUMBERS[:6], *paths())


def singles() -> Iterator[tuple[str, list[str]]]:
    """Every call with one thing changed: each option with each absurd value, each input by each thing there is."""
    for call, arguments in CALLS.items():
        for option in options_of(call):
            flag = option.opts[-1]
            if option.is_flag:
                yield call, [*arguments, flag]
                continue
            for value in values_of(option):
                yield call, [*_without(arguments, flag), flag, value]
        at = next(
            (place for place, one in enumerate(arguments) if one.startswith("@") or one in ("quickstart", "bytes")),
            None,
        )
        if at is not None:
            for path in (*paths(), *STRINGS):
                yield call, [*arguments[:at], path, *arguments[at + 1 :]]
                if call in ("mix", "dedup", "score", "lexicon build", "tokenizer train", "lid eval", "ingest"):
                    yield call, [*arguments[: at + 1], path, *arguments[at + 1 :]]
            yield call, [*arguments[:at], *arguments[at + 1 :]]
        for value in paths():
            yield call, [*arguments, "--output", value]


def _without(arguments: list[str], flag: str) -> list[str]:
    if flag not in arguments:
        return arguments
    at = arguments.index(flag)
    return arguments[:at] + arguments[at + 2 :]
