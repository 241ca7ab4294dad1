#!/usr/bin/env bash
# One run of benchmarks.pretrain on a lent GPU, some 6 minutes; nothing is fetched there.
#
# Before, where there is a network, in the repository's root:
#   .venv/bin/python -m benchmarks.pretrain out/bench --prepare --device cpu --shapes 135M --lengths 2048 --layers 1 \
#     --width 64 --heads 4 --intermediate 64 --vocabulary 6016 --rows 1 --steps 1      # packs, and that it runs
#   python3 -m pip download --no-deps -d .whl pydantic pydantic_core annotated-types typing-inspection datasets dill \
#     multiprocess                                       # for the Python of that machine; .whl is ignored by git
# There: bash benchmarks/pretrain_gpu.sh out/bench $OUT
set -euo pipefail
data=$1 out=$2
if ls .whl/*.whl >/dev/null 2>&1; then
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target /tmp/site .whl/*.whl
  export PYTHONPATH=/tmp/site:$PWD
fi
export PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
nvidia-smi --query-gpu=name,memory.total --format=csv | tee "$out/device.txt"
# Masks of 8,192 x 8,192 are too large for sdpa with borders: FlexAttention, whose kernel is compiled once a length.
timeout 150 python3 -m benchmarks.pretrain "$data" --shapes 135M --lengths 2048 --workers 4 --steps 30 \
  --json "$out/135M-2048.json" | tee "$out/log.txt"
timeout 400 python3 -m benchmarks.pretrain "$data" --shapes 135M 1B --lengths 2048 8192 --workers 4 --steps 20 \
  --attention flex_attention --json "$out/all.json" | tee -a "$out/log.txt"
