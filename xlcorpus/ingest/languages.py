"""The form of a language's code: ISO 639-3 and ISO 15924, as `swh_Latn`."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError

_CODE = r"^[a-z]{3}_[A-Z][a-z]{3}\z"  # \z: the end, not before a newline


def check_language(code: str) -> str:
    """The code; raises UserError where it has another form."""
    if re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", code) is None:
        raise UserError(
            f"{code!r} is no language and script", remedy="write ISO 639-3 and ISO 15924, e.g. deu_Latn or srp_Cyrl"
        )
    return code


def well_formed(codes: pa.Array) -> np.ndarray:
    """bool[n]: codes of that form; false for null."""
    return np.asarray(pc.fill_null(pc.match_substring_regex(codes, _CODE), False))
