"""The stream as others take it: torch's DataLoader, torchdata's stateful one, accelerate, and the Trainer."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from tests import packed
from tests.loader.echo import Echo, MemoryRows
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import Source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.objective import OBJECTIVES

ROWS = [10] * 12


def stream(samples: int | None = 120, **more: Any) -> TokenStream:
    return TokenStream([Source(MemoryRows(ROWS), Echo())], rows=5, samples=samples, **more)  # type: ignore[arg-type]


def ids_of(batches: Any) -> list[list[int]]:
    return [batch["pack_id"].tolist() for batch in batches]


def first(batches: list[Any]) -> Any:
    """A collator for those that cannot do without: a batch is made already."""
    return batches[0]


@pytest.fixture(scope="module")
def due() -> list[list[int]]:
    """What one process without workers gets."""
    return ids_of(stream())


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
@pytest.mark.parametrize("workers", [0, 2])
def test_torch(due: list[list[int]], workers: int) -> None:
    more: dict[str, Any] = {"persistent_workers": True, "prefetch_factor": 3} if workers else {}
    loader = DataLoader(stream(), batch_size=None, num_workers=workers, pin_memory=True, **more)
    assert ids_of(loader) == due
    assert ids_of(itertools.islice(loader, 3)) == due[:3]  # another iteration begins there again
    given = stream()
    given.load_state_dict(stream().state_dict(after=7))
    assert ids_of(DataLoader(given, batch_size=None, num_workers=workers)) == due[7:]


def test_workers_that_persist_go_on_from_a_state_loaded_meanwhile(due: list[list[int]]) -> None:
    """They hold copies of the stream, made before it was loaded: without a word they would begin anew."""
    given = stream()
    loader = DataLoader(given, batch_size=None, num_workers=2, persistent_workers=True)
    assert ids_of(loader) == due
    for step in (7, 4):
        given.load_state_dict(stream().state_dict(after=step))
        assert ids_of(loader) == due[step:]
        assert ids_of(loader) == due[step:]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_torch_without_fork(how: str) -> None:
    rows = TokenRows.open(packed.packs())
    given = TokenStream([Source(rows, Echo())], rows=50, samples=rows.count)
    loader = DataLoader(given, batch_size=None, num_workers=2, multiprocessing_context=how)
    assert ids_of(loader) == ids_of(given)


@pytest.mark.parametrize(("workers", "stop"), [(0, 1), (0, 11), (2, 1), (2, 10)])
def test_torchdata(due: list[list[int]], workers: int, stop: int) -> None:
    loading = pytest.importorskip("torchdata.stateful_dataloader")
    loader = loading.StatefulDataLoader(stream(), batch_size=None, num_workers=workers)
    assert ids_of(itertools.islice(loader, stop)) == due[:stop]
    state = loader.state_dict()
    again = loading.StatefulDataLoader(stream(), batch_size=None, num_workers=workers)
    again.load_state_dict(state)
    assert ids_of(itertools.islice(again, 3)) == due[stop : stop + 3]
    further = loading.StatefulDataLoader(stream(), batch_size=None, num_workers=workers)
    further.load_state_dict(again.state_dict())
    assert ids_of(further) == due[stop + 3 :]


def test_accelerate_one_process(due: list[list[int]]) -> None:
    accelerate = pytest.importorskip("accelerate")
    loader = accelerate.Accelerator(cpu=True).prepare(DataLoader(stream(), batch_size=None))
    assert ids_of(loader) == due


@pytest.mark.slow
def test_trainer_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """As it is: the Trainer's own loader, with a batch a time and a collator that takes it."""
    transformers = pytest.importorskip("transformers")
    kind = OBJECTIVES.find("clm")
    rows = TokenRows.open(packed.packs())
    source = Source(rows, kind.make(kind.options(), rows.vocabulary, rows.length))
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    seen: list[Any] = []

    def train(steps: int, goes_on: bool) -> None:
        given = TokenStream([source], rows=4)
        if goes_on:
            given.load_state_dict(given.state_dict(after=3))
        settings = transformers.TrainingArguments(
            output_dir=str(tmp_path), max_steps=steps, per_device_train_batch_size=1, use_cpu=True, report_to="none",
            save_steps=3, save_only_model=False, disable_tqdm=True, logging_strategy="no", ignore_data_skip=True,
        )  # fmt: skip
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=6000, **shape))
        model.register_forward_pre_hook(lambda *given: seen.append(given[2]["input_ids"].clone()), with_kwargs=True)
        trainer = transformers.Trainer(model, settings, train_dataset=given, data_collator=first)
        trainer.train(resume_from_checkpoint=goes_on)

    train(3, False)
    train(6, True)
    due = [batch["input_ids"] for batch in itertools.islice(TokenStream([source], rows=4), 6)]
    assert len(seen) == 6
    assert all(map(torch.equal, seen, due))


_TWO = """
import json, sys
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration
from torch.utils.data import DataLoader
from tests.loader.test_loaders import first, ids_of, stream
accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(dispatch_batches=False))
rank, ranks = accelerator.process_index, accelerator.num_processes
shared = DataLoader(stream(rank=rank, ranks=ranks), batch_size=None)
prepared = accelerator.prepare(DataLoader(stream(), batch_size=1, collate_fn=first))
print(json.dumps([ids_of(shared), ids_of(prepared)]))
"""


@pytest.mark.slow
def test_accelerate_two_processes(due: list[list[int]]) -> None:
    """Its own loader is not prepared where the stream has its rank; where it is, accelerate deals out whole batches."""
    running = []
    for rank in range(2):
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29617", "WORLD_SIZE": "2", "RANK": str(rank)}
        environment = {**os.environ, **place, "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
        root = Path(__file__).parents[2]
        running.append(
            subprocess.Popen([sys.executable, "-c", _TWO], stdout=subprocess.PIPE, env=environment, cwd=root)
        )
    found = [json.loads(one.communicate(timeout=200)[0].splitlines()[-1]) for one in running]
    shared, prepared = zip(*found, strict=True)
    assert [len(one) for one in shared] == [12, 12]
    for step in range(12):
        assert sorted(shared[0][step] + shared[1][step]) == sorted(due[2 * step] + due[2 * step + 1])
    assert [*itertools.chain.from_iterable(zip(*prepared, strict=True))] == due
