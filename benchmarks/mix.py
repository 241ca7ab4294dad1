"""The mix on generated corpora: what each rule achieves, what it costs, and a plain pyarrow rewrite beside it.

`python -m benchmarks.mix` prints Markdown for docs/performance.md: every rule on 200 MB of text in 40 languages over
five sources (`mix_corpus`), some rules on 2 GB too (`--large-rules all`: every one), and the same bytes with one and
two workers. Each mix is the command line in a process of its own: CPU seconds (user and system, children and imports
included), peak memory summed over its process tree, looked at every 20 ms.

The rewrite is a process of its own too. It reads every input shard once, all columns, takes the same rows as often as
the mix did (found out before its time begins), renders pairs by the same template, and writes them with the options of
our shards (zstd 3, the same dictionaries, row groups of 16 MB): the same content in the order of the input. It counts
nothing, plans nothing, shuffles nothing, hashes no file, and says nothing of the rows it drops. Throughput of the mix
by that of the rewrite is rewrite CPU s / mix CPU s.
The exit code is 1 where a share, a cap or a byte is wrong or a run fails, never because of a time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.machine import describe_machine
from benchmarks.mix_corpus import LANGS, SOURCES, Made, write_sources
from benchmarks.mix_rewrite import id_halves, rewrite_plan, shard_columns
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.storage import sha256_of

GOAL_SHARE, GOAL_PREFIX, GOAL_MEMORY, GOAL_THROUGHPUT = 0.001, 0.02, 1500, 0.5
CAP = 4
_LOOK_SECONDS = 0.02

_REDISTRIBUTED = ["--on-cap", "redistribute"]
_SHARED = {"on_cap": "redistribute"}
_RATIOS = {"eng_Latn": 0.3, "rus_Cyrl": 0.2, "zho_Hans": 0.15, "deu_Latn": 0.1, "hin_Deva": 0.05, "code": 0.2}
_SPECS: dict[str, dict[str, Any]] = {
    "english": {"rule": "english", "share": 0.5, "rest": {"rule": "uniform", **_SHARED}},
    "floor": {"rule": "floor", "alpha": 0.3, "names": LANGS[:15], **_SHARED},
    "replay": {
        "rule": "replay",
        "names": LANGS[:8],
        "share": 0.3,
        "among": {"rule": "exponent", "alpha": 0.3},
        "rest": {"rule": "unimax"},
    },
    "kind, lang": {
        "parts": [
            {"where": {"kind": "mono"}, "share": 0.75, "within": {"by": "lang", "rule": "unimax"}},
            {"where": {"kind": "bi"}, "share": 0.05},
            {"where": {"kind": "code"}, "share": 0.2},
        ]
    },
    "rehydrate": {"rule": "rehydrate", "within": {"by": "lang", "rule": "temperature", "temperature": 2, **_SHARED}},
}
_FLAGS: dict[str, list[str]] = {
    "unimax": ["--rule", "unimax"],
    "ratios": ["--ratios", ",".join(f"{name}={share}" for name, share in _RATIOS.items())],
    "proportional": ["--rule", "proportional"],
    "exponent 0.3": ["--rule", "exponent=0.3", *_REDISTRIBUTED],
    "temperature 1.5": ["--rule", "temperature=1.5", *_REDISTRIBUTED],
    "uniform": ["--rule", "uniform", *_REDISTRIBUTED],
    "match": [],  # the mix of `ratios`
    "unimax, tokens": ["--rule", "unimax"],
}
_REWRITTEN = ("unimax", "ratios", "proportional")
RULES = tuple(dict.fromkeys([*list(_FLAGS)[:6], *_SPECS, *list(_FLAGS)[6:]]))


class BenchmarkError(Exception):
    """A run failed, or what it made is wrong."""


@dataclass(frozen=True)
class Ran:
    """A process: CPU and wall seconds, and the peak bytes in memory of its tree: in all, and without mapped files."""

    cpu: float
    wall: float
    memory: int
    anonymous: int


@dataclass(frozen=True)
class Achieved:
    """What a mix holds. share, prefix: largest difference from a planned share over (source, language) cells, of the
    whole and of any prefix of its shards; units: the largest difference of a cell in units; uses: most of one text;
    over: texts used more often than the cap allows."""

    cells: int
    share: float
    units: int
    prefix: float
    uses: int
    over: int
    text_bytes: int
    file_bytes: int
    documents: int


def run_process(command: Sequence[str], log: Path) -> Ran:
    """Run a Python process, watching its tree; raises BenchmarkError with the end of its log."""
    start = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, *command], stdout=stream, stderr=stream)
        whole = anonymous = code = 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                process.returncode = code
                break
            now = _memory_of(process.pid)
            whole, anonymous = max(whole, now[0]), max(anonymous, now[1])
            time.sleep(_LOOK_SECONDS)
    if code:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise BenchmarkError(f"{' '.join(command)}: exit code {code}; the end of {log}:\n{tail}")
    return Ran(usage.ru_utime + usage.ru_stime, time.monotonic() - start, whole, anonymous)


def _memory_of(root: int) -> tuple[int, int]:
    """Resident bytes of a process and all below it, with and without pages of mapped files."""
    whole = anonymous = 0
    waiting = [root]
    while waiting:
        number = waiting.pop()
        try:
            status = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
            tasks = list(Path(f"/proc/{number}/task").iterdir())
            waiting += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
        sizes = dict(line.split(":", 1) for line in status.splitlines() if line.startswith(("VmRSS", "RssAnon")))
        whole += 1024 * int(sizes.get("VmRSS", "0").split()[0])
        anonymous += 1024 * int(sizes.get("RssAnon", "0").split()[0])
    return whole, anonymous


def command_of(rule: str, inputs: Sequence[Path], output: Path, budget: int, workers: int) -> list[str]:
    """The command line of a mix; specs are written beside its output."""
    command = ["-m", "xlcorpus", "mix", *map(str, inputs), "--output", str(output), "--quiet", "--seed", "6"]
    command += ["--max-epochs", str(CAP), "--workers", str(workers)]
    command += ["--unit", "tokens" if rule.endswith("tokens") else "bytes"]
    if rule in _SPECS:
        path = output.with_name(f"{output.name}.yaml")
        unit = {"name": rule, "unit": "bytes"}
        path.write_text(json.dumps({**unit, "mix": _SPECS[rule]}), encoding="utf-8")
        return [*command, "--mix", str(path), "--budget", str(budget)]
    if rule == "match":
        return [*command, "--match-tokens-to", str(output.with_name("ratios"))]
    return [*command, *_FLAGS[rule], "--budget", str(budget)]


def measure(rule: str, output: Path, weights: tuple[np.ndarray, np.ndarray] | None) -> Achieved:
    """Read a mix and compare it with its plan, cell by (source, language) cell. Bytes are counted anew.

    weights: `cluster_weights`, where the mix is rehydrated.
    """
    manifest = Manifest.load(output)
    planned: Counter[tuple[str, str]] = Counter()
    for cell in manifest.notes["cells"]:
        planned[cell["source"], cell["lang"]] += cell["budget"]
    budget = planned.total()
    got: Counter[tuple[str, str]] = Counter()
    ids, prefix, text_bytes, files = [], 0.0, 0, sum(shard.bytes for shard in manifest.shards)
    for table in shard_columns(output, ["doc_id", "source", "lang", "text", "mix_units"]):
        lengths = pc.binary_length(table["text"])
        text_bytes += pc.sum(lengths).as_py()
        units = table["mix_units"] if rule.endswith("tokens") else lengths.cast(pa.int64())
        slim = pa.table({"source": table["source"], "lang": pc.fill_null(table["lang"], ""), "units": units})
        for row in slim.group_by(["source", "lang"]).aggregate([("units", "sum")]).to_pylist():
            got[row["source"], row["lang"]] += row["units_sum"]
        ids.append(id_halves(table["doc_id"]))
        prefix = max(prefix, *_differences(planned, budget, got))
    names, uses = np.unique(np.concatenate(ids), return_counts=True)
    caps = np.full(len(names), CAP)
    if weights is not None:
        caps *= weights[1][np.searchsorted(weights[0], names)]
    return Achieved(
        cells=len(planned),
        share=max(_differences(planned, budget, got)),
        units=max(abs(planned[key] - got[key]) for key in planned | got),
        prefix=prefix,
        uses=int(uses.max()),
        over=int((uses > caps).sum()),
        text_bytes=text_bytes,
        file_bytes=files,
        documents=manifest.rows,
    )


def _differences(planned: Counter[Any], budget: int, got: Counter[Any]) -> list[float]:
    total = got.total()
    return [abs(planned[key] / budget - got[key] / total) for key in planned | got]


def cluster_weights(inputs: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """How often each text counts by FineWeb-2's table: first halves of ids, sorted, and weights."""
    tables = [table for folder in inputs for table in shard_columns(folder, ["doc_id", "dup_size"])]
    ids = np.concatenate([id_halves(table["doc_id"]) for table in tables])
    sizes = np.concatenate([table["dup_size"].to_numpy() for table in tables])
    weights = np.array([0, 1, 2, 3, 3, 5])[np.minimum(sizes, 5)]  # of clusters below 100
    order = np.argsort(ids)
    return ids[order], weights[order]


def check(rule: str, made: Achieved) -> None:
    """Raise BenchmarkError where shares or caps do not hold."""
    if made.share > GOAL_SHARE:
        raise BenchmarkError(f"{rule}: a share is {made.share:.4%} from the plan (goal: {GOAL_SHARE:.1%})")
    if made.over:
        raise BenchmarkError(f"{rule}: {made.over:,} texts are used more often than {CAP} epochs allow")


def compare_match(ratios: Path, match: Path) -> float:
    """The largest relative difference of a language between a mix and the one it matches."""
    one, other = (Manifest.load(folder).notes["languages"] for folder in (ratios, match))
    return max(abs(other.get(lang, 0) / units - 1) for lang, units in one.items())


def least(runs: Sequence[Ran]) -> Ran:
    """The least seconds of equal runs, and the most memory."""
    return Ran(
        cpu=min(run.cpu for run in runs),
        wall=min(run.wall for run in runs),
        memory=max(run.memory for run in runs),
        anonymous=max(run.anonymous for run in runs),
    )


def run_rules(rules: Sequence[str], made: Sequence[Made], work: Path, repeats: int) -> None:
    """Run rules on one corpus; print a line each. repeats: of rules with a rewrite; the least seconds of each count."""
    inputs = [dataset.folder for dataset in made]
    text = sum(dataset.text_bytes for dataset in made)
    print(f"\n{describe(made)}; budget {text / 2e6:,.0f} MB, cap {CAP} epochs\n")
    print(
        f"Goals: shares within {GOAL_SHARE:.1%}, prefixes within {GOAL_PREFIX:.0%}, {GOAL_MEMORY:,} MB, throughput at "
        f"least {GOAL_THROUGHPUT} of a rewrite.\n"
    )
    print("| rule | cells | shares within | a cell within, units | prefixes within | most uses | CPU s | wall s "
          "| peak MB (anonymous) | MB of text / CPU s | rewrite, CPU s | throughput / rewrite | load |")  # fmt: skip
    print("|---|" + "---:|" * 12, flush=True)
    matched = ""
    for rule in rules:
        output = work / rule.replace(", ", "-").replace(" ", "-")
        budget = round(text / 2) if not rule.endswith("tokens") else round(text / 14)
        load = os.getloadavg()[0]
        command = command_of(rule, inputs, output, budget, 1)
        ran = run_process(command, work / f"{output.name}.log")
        weights = cluster_weights(inputs) if rule == "rehydrate" else None
        got = measure(rule, output, weights)
        check(rule, got)
        cost = ratio = ""
        if rule in _REWRITTEN:
            folder = work / f"{output.name}-rewrite"
            plan = rewrite_plan(inputs, output, folder)
            runs, plains = [ran], []
            for number in range(repeats):  # by turns, as other work on the machine comes and goes
                plains.append(run_process(["-m", "benchmarks.mix_rewrite", str(plan)], work / "rewrite.log"))
                if number:
                    runs.append(run_process([*command, "--overwrite"], work / f"{output.name}.log"))
            ran, plain = least(runs), least(plains)
            cost, ratio = f"{plain.cpu:.1f}", f"**{plain.cpu / ran.cpu:.2f}**"
            shutil.rmtree(folder)
        memory = f"{ran.memory / 1e6:,.0f} ({ran.anonymous / 1e6:,.0f})"
        print(
            f"| {rule} | {got.cells} | {got.share:.5%} | {got.units:,} | {got.prefix:.3%} | {got.uses} | {ran.cpu:.1f} "
            f"| {ran.wall:.1f} | {memory} | {got.text_bytes / ran.cpu / 1e6:.1f} | {cost} | {ratio} | {load:.1f} |",
            flush=True,
        )
        if rule == "match":
            matched = f"\nmatch: languages within {compare_match(work / 'ratios', output):.4%} of the mix matched."
        if rule != "ratios" or "match" not in rules:
            shutil.rmtree(output)
    print(matched, flush=True)


def same_bytes(made: Sequence[Made], work: Path, workers: int) -> str:
    """A mix with one worker and with more; raises BenchmarkError where a file differs."""
    inputs = [dataset.folder for dataset in made]
    budget = round(sum(dataset.text_bytes for dataset in made) / 2)
    found: dict[int, dict[str, str]] = {}
    costs = []
    for count in (1, workers):
        output = work / f"workers-{count}"
        ran = run_process(command_of("unimax", inputs, output, budget, count), work / f"workers-{count}.log")
        costs.append(f"{ran.cpu:.1f} CPU s, {ran.wall:.1f} s, {ran.memory / 1e6:,.0f} MB")
        files = sorted(path for path in output.rglob("*") if path.is_file())
        found[count] = {path.relative_to(output).as_posix(): sha256_of(path) for path in files}
    differing = [name for name in found[1] | found[workers] if found[1].get(name) != found[workers].get(name)]
    if differing or not found[1]:
        raise BenchmarkError(f"1 and {workers} workers: files differ: {', '.join(differing) or 'there are none'}")
    return (
        f"1 and {workers} workers: the same SHA-256 for all {len(found[1])} files, manifest included "
        f"({costs[0]}; {costs[1]})."
    )


def describe(made: Sequence[Made]) -> str:
    """The corpus in words."""
    sums: dict[str, int] = defaultdict(int)
    for dataset in made:
        for name in ("shards", "documents", "text_bytes"):
            sums[name] += getattr(dataset, name)
    size = sum(shard.bytes for dataset in made for shard in Manifest.load(dataset.folder).shards)
    return (
        f"{sums['text_bytes'] / 1e6:,.0f} MB of text ({size / 1e6:,.0f} MB of files), {sums['documents']:,} texts in "
        f"{len(LANGS)} languages, {len(SOURCES)} sources, {sums['shards']} shards"
    )


def _rules(names: str) -> list[str]:
    """The rules named, `all` of them or with semicolons between; raises BenchmarkError."""
    rules = list(RULES) if names == "all" else [name.strip() for name in names.split(";") if name.strip()]
    for name in rules:
        if name not in RULES or (name == "match" and "ratios" not in rules[: rules.index(name)]):
            raise BenchmarkError(f"there is no rule {name!r}, or it wants `ratios` before it: {'; '.join(RULES)}")
    return rules


def benchmark(given: argparse.Namespace, work: Path) -> None:
    """Make the corpora, run and print."""
    print(describe_machine("apache-beam", "pyarrow", "numpy"), flush=True)
    rules, large = (_rules(names) for names in (given.rules, given.large_rules))
    for megabytes, chosen in ((given.small, rules), (given.megabytes, large)):
        if not chosen or not megabytes:
            continue
        folder = work / f"corpus-{megabytes}"
        start = time.monotonic()
        made = write_sources(folder, megabytes, given.shard_megabytes)
        print(f"\nCorpus made in {time.monotonic() - start:.0f} s.", flush=True)
        run_rules(chosen, made, work, given.repeats)
        if megabytes == given.small and given.workers > 1:
            print(f"\n{same_bytes(made, work, given.workers)}", flush=True)
        for output in work.iterdir():
            shutil.rmtree(output) if output.is_dir() else output.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mix", description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=2000, help="of text for --large-rules (default: 2000)")
    parser.add_argument("--small", type=int, default=200, help="megabytes of text for --rules (default: 200)")
    parser.add_argument("--rules", default="all", help=f"for the small corpus (default: all): {'; '.join(RULES)}")
    parser.add_argument("--large-rules", default="unimax; ratios", help="for the large one (default: unimax; ratios)")
    parser.add_argument("--shard-megabytes", type=int, default=64, help="of text in an input shard (default: 64)")
    parser.add_argument("--workers", type=int, default=2, help="to compare with one worker; 1: do not")
    parser.add_argument("--repeats", type=int, default=1, help="of mixes with a rewrite, by turns; the least counts")
    parser.add_argument("--work", type=Path, help="folder for the files of the runs (default: a temporary one)")
    given = parser.parse_args(arguments)
    if given.work is not None:
        given.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="xlcorpus-mix-", dir=given.work))
    try:
        benchmark(given, work)
    except BenchmarkError as error:
        print(f"benchmarks.mix: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
