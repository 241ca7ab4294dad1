"""How much room languages take: characters of an English text over those of its translation (NLLB's length factors).

Costa-jussà et al. 2022 (arXiv 2207.04672), section 5.3.1, count them on FLORES-200; the table here is counted on NTREX
(970 sentences) and, where that has no such language, on Tatoeba: `tests/quality/length_factors.py` makes it.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.text.labels import names_of, names_of_scripts, script_of

# Without a figure for the language, the median of its script, where letters are syllables or words: Yue's stands for
# Hakka. In scripts with alphabets languages differ more (uig 0.78, heb 1.24) than the table could say of another one.
_BY_SCRIPT = ("Hans", "Hant", "Jpan", "Hang")


@functools.cache
def length_factors() -> Mapping[str, float]:
    """The factor of each language of the table, by label; English has 1, Yue 3.1."""
    lines = storage.read_text(storage.packaged("xlcorpus.quality", "length_factors.tsv")).splitlines()
    rows = (line.split("\t") for line in lines[1:])
    return {label: float(factor) for label, factor, _ in rows}


@functools.lru_cache(maxsize=1 << 12)
def factor_of(label: str) -> float:
    """The factor of a language, of another name of it, else of its script where that says enough; NaN for others."""
    factors = length_factors()
    known = next((factors[name] for name in names_of(label) if name in factors), None)
    if known is not None:
        return known
    scripts = {name for name in names_of_scripts(script_of(label)) if name in _BY_SCRIPT}
    if "Hani" in names_of_scripts(script_of(label)):
        scripts |= {"Hans", "Hant"}
    alike = [factor for name, factor in factors.items() if script_of(name) in scripts]
    return statistics.median(alike) if alike else float("nan")


def factors_of(labels: pa.Array) -> np.ndarray:
    """float64[rows]: the factor of each label (string[rows]), NaN where none is known."""
    encoded = labels.fill_null("").dictionary_encode()
    known = np.array([factor_of(label) for label in encoded.dictionary.to_pylist()], dtype=np.float64)
    values: np.ndarray = known[encoded.indices.to_numpy(zero_copy_only=False)]
    return values
