"""Datatrove's tokenized files (nanotron): ids in .ds, uint64 ends of documents in .ds.index, facts in .ds.metadata.

Layout: datatrove/pipeline/tokens/tokenizer.py, utils/dataset.py (0.10). A file .ds.loss (a byte a token) is written
there only where tokens are left out of the loss; packs have none such.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.export.documents import Documents
from xlcorpus.export.format import Counted, Format, Target, write_flat


class _Datatrove(Format):
    def write(self, target: Target, number: int, documents: Iterable[Documents]) -> Counted:
        """Three files."""
        name = f"part-{number:05d}.ds"
        counted = write_flat(target, name, documents, f"{name}.index", f"{name}.metadata")
        ends = np.cumsum(counted.sizes, dtype=np.int64).astype("<u8")
        storage.write_bytes(target.folder / f"{name}.index", ends.tobytes())
        lines = (f"{target.tokenizer.name}|{target.dtype.itemsize}", f"{counted.tokens}", _human(counted.tokens))
        storage.write_text(target.folder / f"{name}.metadata", "\n".join(lines))
        return counted

    def opened_by(self, target: Target, files: list[Counted]) -> list[str]:
        """Windows of seq_len + 1 tokens, with positions from the ends of documents."""
        return [
            "from datatrove.utils.dataset import DatatroveFolderDataset",
            f'windows = DatatroveFolderDataset("FOLDER", 2048, token_size={target.dtype.itemsize}, '
            "return_positions=True)",
        ]


def _human(tokens: int) -> str:
    """Three digits, as the third line of the metadata has them (`humanize.metric`): 40.0 MT."""
    exponent = len(str(tokens)) - 1
    if round(tokens / 1000 ** (exponent // 3), 2 - exponent % 3) >= 10 ** (exponent % 3 + 1):  # 999,950 are 1.00 MT
        exponent += 1
    thousands, place = divmod(exponent, 3)
    return f"{tokens / 1000**thousands:.{2 - place}f} {('', 'k', 'M', 'G', 'T', 'P')[thousands]}T"


FORMAT = _Datatrove("datatrove", "datatrove, nanotron: .ds and .ds.index", np.dtype("<u4"))
