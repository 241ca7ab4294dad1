"""Memory of a step's logits: our losses against transformers' own, with a vocabulary of 250,000 on one row of 512.

`python -m benchmarks.loss_memory` prints the peak of each process beyond the model, its gradients and libraries.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

VOCABULARY, LENGTH = 250_002, 512


def main() -> None:
    """Measure one case (in a process of its own), or all."""
    if len(sys.argv) > 1:
        measure(*sys.argv[1:])
        return
    print(f"the logits in float32 are {VOCABULARY * LENGTH * 4 >> 20} MB")
    for objective in ("clm", "mlm"):
        for dtype in ("float32", "bfloat16"):
            for whose in ("transformers", "xlcorpus"):
                subprocess.run([sys.executable, "-m", "benchmarks.loss_memory", whose, objective, dtype], check=True)


def measure(whose: str, name: str, dtype: str) -> None:
    """One forward and backward pass of a model of one layer."""
    import numpy as np
    import pyarrow as pa
    import torch
    import transformers

    from xlcorpus.objectives.objective import OBJECTIVES, Vocabulary

    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    ids = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    configs = {"clm": transformers.LlamaConfig, "mlm": transformers.XLMRobertaConfig}
    config = configs[name](vocab_size=VOCABULARY, **shape, **ids)
    kind = OBJECTIVES.find(name)
    model = getattr(transformers, kind.architecture).from_config(config).to(getattr(torch, dtype))
    vocabulary = Vocabulary("own", VOCABULARY, {"pad": 1, "eos": 2, "mask": 3}, frozenset(range(4)))
    objective = kind.make(kind.options(), vocabulary, LENGTH)
    drawn = np.random.default_rng(0).integers(4, VOCABULARY, (1, LENGTH)).astype(np.int32)
    rows = {"input_ids": pa.array(list(drawn)), "doc_starts": pa.array([[0, 200]], pa.list_(pa.int32()))}
    batch = objective.collate(pa.RecordBatch.from_pydict(rows), np.arange(1, dtype=np.uint64))
    objective.prepare(model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    if whose == "xlcorpus":
        loss = objective.losses(model, batch).total
    else:
        given = objective.needs(model).inputs(batch["position_ids"])
        loss = model(input_ids=batch["input_ids"], labels=batch["labels"], **given).loss
    loss.backward()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10
    spent = time.process_time() - begun
    print(f"{name} {dtype:>8} {whose:>12}: {peak:,} MB, {spent:.2f} CPU s, loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
