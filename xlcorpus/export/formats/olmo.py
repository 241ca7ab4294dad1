"""OLMo-core's flat arrays (dolma): raw ids in .npy (no header of numpy's), `start,end` of each document in .csv.gz.

Layout: olmo_core/data/utils.py, numpy_dataset.py (ai2-olmo-core 3.0). Its datasets cut documents at the eos id, most
without a look at the .csv.gz: a document without it merges with the next, so documents must end with one.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv

from xlcorpus.dataset import storage
from xlcorpus.export.documents import Documents
from xlcorpus.export.format import Counted, Format, Target, write_flat
from xlcorpus.text.ragged import offsets_of


class _Olmo(Format):
    def write(self, target: Target, number: int, documents: Iterable[Documents]) -> Counted:
        """Two files."""
        stem = f"part-{number:05d}"
        counted = write_flat(target, f"{stem}.npy", documents, f"{stem}.csv.gz")
        storage.write_bytes(target.folder / f"{stem}.csv.gz", _places(counted.sizes))
        return counted

    def opened_by(self, target: Target, files: list[Counted]) -> list[str]:
        """The type of the ids is no part of the files: it must be given, as must eos."""
        special = target.tokenizer.special_ids
        return [
            "import glob, numpy as np",
            "from olmo_core.data import NumpyFSLDataset",
            'chunks = NumpyFSLDataset(*sorted(glob.glob("FOLDER/*.npy")), sequence_length=2048, '
            f"pad_token_id={special.get('pad')}, eos_token_id={target.end}, "
            f"vocab_size={target.tokenizer.vocab_size}, dtype=np.{target.dtype.name})",
        ]


def _places(sizes: np.ndarray) -> bytes:
    offsets = offsets_of(sizes)
    lines = io.BytesIO()
    table = pa.table({"start": offsets[:-1], "end": offsets[1:]})
    pc_csv.write_csv(table, lines, pc_csv.WriteOptions(include_header=False))
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, packed, mtime=0) as file:
        file.write(lines.getbuffer())
    return packed.getvalue()


FORMAT = _Olmo("olmo", "OLMo-core: raw ids in .npy and .csv.gz", np.dtype("<u4"), cuts_by_end=True)
