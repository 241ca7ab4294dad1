"""How fast models train on shards, and what the data costs: `python -m benchmarks.pretrain DATA`.

Llama shapes of 135 M (SmolLM2's) and 1.2 B parameters (Llama 3.2's), rows of 2,048 and 8,192 tokens, fed by: one batch
that lies in memory (the ceiling; once as the packs are, once as a document a row), `TokenStream` with workers, and
tuned HF `datasets` (streaming, arrow, `.iter`) with the same collator and as many workers. Printed by each: tokens a
second and their share of the ceiling's, model FLOP utilisation (6 a parameter and 12 x layers x width x length a token,
PaLM's appendix B, of the peak: the maker's in bf16, or, where the device is not known, the best of some products of
matrices measured here), and the share of the time spent waiting for data.

`--prepare` packs the sample corpus into DATA first (the only part that needs Beam). On a CPU:
`python -m benchmarks.pretrain out/bench --prepare --device cpu --layers 2 --width 128 --heads 4 --intermediate 512
--vocabulary 6016 --lengths 2048 --rows 1 --steps 4`. One run on a GPU: `benchmarks/pretrain_gpu.sh`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import DataLoader, IterableDataset

from benchmarks.machine import describe_machine
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import Source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.objective import OBJECTIVES, Batch, Objective
from xlcorpus.pretrain.flops import flops_a_token, peak_flops
from xlcorpus.sample import sample_folder

SHAPES = {
    "135M": {"layers": 30, "width": 576, "heads": 9, "kv": 3, "intermediate": 1536, "vocabulary": 49_152},
    "1B": {"layers": 16, "width": 2048, "heads": 32, "kv": 8, "intermediate": 8192, "vocabulary": 128_256},
}
ROWS = {("135M", 2048): 16, ("135M", 8192): 4, ("1B", 2048): 8, ("1B", 8192): 2}  # of a step, on a GPU of 80 GB
FEEDS = ("memory, one document a row", "memory", "xlcorpus", "HF datasets")
CEILING = "memory"


@dataclass(frozen=True)
class Speed:
    """Of one feed. wait: share of the time in which the loop waited for a batch; utilisation: of the peak."""

    shape: str
    length: int
    rows: int
    feed: str
    tokens_a_second: float
    utilisation: float
    wait: float


def prepare(data: Path) -> None:
    """The sample corpus as packs of each length."""
    documents, tokenizer = data / "documents", sample_folder() / "tokenizer.model"
    _xlcorpus("ingest", sample_folder() / "web", "--output", documents)
    for length in (2048, 8192):
        _xlcorpus("pack", documents, "--tokenizer", tokenizer, "--length", length, "--output", data / str(length))


def _xlcorpus(*arguments: object) -> None:
    command = [sys.executable, "-m", "xlcorpus", *map(str, arguments), "--overwrite"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make_model(given: argparse.Namespace, shape: str, length: int) -> Any:
    """A model with random weights on the device."""
    size = {name: getattr(given, name) or value for name, value in SHAPES[shape].items()}
    config = transformers.LlamaConfig(
        vocab_size=size["vocabulary"],
        hidden_size=size["width"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["kv"] if size["heads"] % size["kv"] == 0 else size["heads"],
        intermediate_size=size["intermediate"],
        max_position_embeddings=length,
        tie_word_embeddings=True,
        attn_implementation=given.attention,
    )
    torch.manual_seed(0)
    with torch.device(given.device):
        model = transformers.LlamaForCausalLM(config)
    if given.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    return model.train()


class Streamed(IterableDataset[Batch]):  # type: ignore[misc]  # torch is not followed
    """Tuned HF streaming over the same shards, again and again, collated as ours."""

    def __init__(self, folder: Path, objective: Objective, rows: int) -> None:
        self._files = sorted(map(str, (folder / "data").glob("*.parquet")))
        self._objective, self._rows = objective, rows

    def __iter__(self) -> Iterator[Batch]:
        from datasets import disable_progress_bars, load_dataset

        disable_progress_bars()
        dataset = load_dataset("parquet", data_files=self._files, split="train", streaming=True)
        dataset = dataset.select_columns(["input_ids", "doc_starts"]).with_format("arrow")
        for epoch in range(1 << 30):
            mixed = dataset.shuffle(seed=epoch, buffer_size=1000)
            for table in mixed.iter(batch_size=self._rows, drop_last_batch=True):
                (rows,) = table.combine_chunks().to_batches()
                yield self._objective.collate(rows, np.zeros(len(rows), dtype=np.uint64))


def batches_of(feed: str, folder: Path, objective: Objective, rows: int, given: argparse.Namespace) -> Iterator[Batch]:
    """Batches without end. Those of the memory lie on the device."""
    opened = TokenRows.open(folder)
    on_gpu = given.device.startswith("cuda")
    if feed.startswith("memory"):
        first = next(iter(TokenStream([Source(opened, objective)], rows=rows)))
        batch = {name: value.to(given.device) for name, value in first.items() if isinstance(value, torch.Tensor)}
        if feed != CEILING:
            alone = torch.arange(opened.length, device=given.device).expand(rows, -1).contiguous()
            batch["position_ids"] = alone
        return repeat(batch)
    stream: Any = TokenStream([Source(opened, objective)], rows=rows)
    if feed != "xlcorpus":
        stream = Streamed(folder, objective, rows)
    ahead = 4 if given.workers else None
    return iter(
        DataLoader(stream, batch_size=None, num_workers=given.workers, pin_memory=on_gpu, prefetch_factor=ahead)
    )


def measure(
    model: Any, objective: Objective, batches: Iterator[Batch], given: argparse.Namespace, optimizer: Any
) -> tuple[float, float, float]:
    """Tokens a second, share of the time spent waiting, and the last loss."""
    on_gpu = given.device.startswith("cuda")
    settle: Callable[[], None] = torch.cuda.synchronize if on_gpu else lambda: None
    wait = seconds = 0.0
    tokens = 0
    begun = time.perf_counter()
    for step in range(given.warmup + given.steps):
        if step == given.warmup:
            settle()
            begun, wait, tokens = time.perf_counter(), 0.0, 0
        asked = time.perf_counter()
        batch = {
            name: value.to(given.device, non_blocking=True)
            for name, value in next(batches).items()
            if isinstance(value, torch.Tensor)
        }
        wait += time.perf_counter() - asked
        with torch.autocast(given.device.partition(":")[0], torch.bfloat16, enabled=given.precision == "bf16"):
            loss = objective.losses(model, batch).total
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += batch["input_ids"].numel()
    settle()
    seconds = time.perf_counter() - begun
    return tokens / seconds, wait / seconds, float(loss.detach())


def matmul_peak(given: argparse.Namespace) -> float:
    """FLOP/s of the best of ten products of two square matrices, in the precision that is trained in."""
    on_gpu = given.device.startswith("cuda")
    size, kind = (8192 if on_gpu else 1024), torch.bfloat16 if given.precision == "bf16" else torch.float32
    one = torch.randn(size, size, device=given.device, dtype=kind)
    best = float("inf")
    for _ in range(10):
        begun = time.perf_counter()
        one @ one
        if on_gpu:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 / best


def run(given: argparse.Namespace, shape: str, length: int, peak: float) -> Iterator[Speed]:
    """Each feed of one model and length, the same model all along."""
    folder = given.data / str(length)
    rows = given.rows or ROWS[shape, length]
    kind = OBJECTIVES.find("clm")
    opened = TokenRows.open(folder)
    objective = kind.make(kind.options(), opened.vocabulary, length)
    model = make_model(given, shape, length)
    objective.prepare(model)
    flops = flops_a_token(model, length)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=given.device.startswith("cuda"))
    trained = torch.compile(model) if given.compile else model
    print(f"{shape}: {model.num_parameters():,} parameters, {flops / 1e9:.2f} GFLOP a token at {length:,}", flush=True)
    for feed in given.feeds:
        batches = batches_of(feed, folder, objective, rows, given)
        speed, wait, loss = measure(trained, objective, batches, given, optimizer)
        del batches
        yield Speed(shape, length, rows, feed, speed, flops * speed / peak, wait)
        assert np.isfinite(loss), feed


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="packs of each length, as --prepare makes them")
    parser.add_argument("--prepare", action="store_true", help="pack the sample corpus first")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--lengths", nargs="+", type=int, default=[2048, 8192])
    parser.add_argument("--feeds", nargs="+", choices=FEEDS, default=list(FEEDS))
    for name in ("layers", "width", "heads", "kv", "intermediate", "vocabulary", "rows"):
        parser.add_argument(f"--{name}", type=int, help="in the place of the shape's")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=None, help="steps that do not count; a third of --steps")
    parser.add_argument("--workers", type=int, default=2, help="of a loader; 0 on a CPU of two cores is fair")
    parser.add_argument("--attention", default="sdpa", help="as transformers names it: sdpa, flex_attention, eager")
    parser.add_argument("--precision", choices=["bf16", "fp32"], help="bf16 on a GPU, fp32 on a CPU")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--peak-tflops", type=float, help="of the device")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    given = parser.parse_args()
    on_gpu = given.device.startswith("cuda")
    given.precision = given.precision or ("bf16" if on_gpu else "fp32")
    given.warmup = max(1, given.steps // 3) if given.warmup is None else given.warmup
    if given.prepare:
        prepare(given.data)
    name = torch.cuda.get_device_name(0) if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    stated = peak_flops(name, given.peak_tflops)
    peak = stated or matmul_peak(given)
    told = f"{peak / 1e12:.3g} TFLOP/s, {'stated by the maker or --peak-tflops' if stated else 'measured by a matmul'}"
    about = f"{name}; {given.precision}, {given.attention}, peak {told}; {describe_machine('torch', 'transformers')}"
    print(about, flush=True)
    done: list[Speed] = []
    for shape in given.shapes:
        for length in given.lengths:
            found = []
            for one in run(given, shape, length, peak):
                found.append(one)
                ceiling = next((other.tokens_a_second for other in found if other.feed == CEILING), None)
                share = f"{100 * one.tokens_a_second / ceiling:6.1f} %" if ceiling else f"{'':8}"
                print(
                    f"{shape:>5} {length:>6,} x {one.rows:<3}{one.feed:28}{one.tokens_a_second:>12,.0f} tokens/s"
                    f"{share} of the ceiling  MFU {100 * one.utilisation:5.1f} %  wait {100 * one.wait:5.2f} %",
                    flush=True,
                )
            done += found
            if on_gpu:
                torch.cuda.empty_cache()
    if given.json:
        given.json.write_text(json.dumps({"about": about, "speeds": [asdict(one) for one in done]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
