"""How far languages are from one another, by declared features, each a distance of 0 to 1, and their weighted mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from xlcorpus.errors import UserError, nearest
from xlcorpus.languages.bags import cosines, jaccards
from xlcorpus.languages.profile import Profile
from xlcorpus.languages.typology import SETS, TABLE, Typology
from xlcorpus.text.labels import script_of, unicode_scripts

_URIEL = "1 - cosine of URIEL's {} features that are known of both"
# What each feature says of two languages; where one of them lacks it, the distance is not known.
FEATURES = {
    "script": "0 where both are written in the same script, else 1",
    "family": "0 where both are of the same family, else 1",
    "ngrams": "1 - cosine of the counts of character n-grams",
    "ngrams_jaccard": "1 - Jaccard of the sets of character n-grams",
    "words": "1 - cosine of the counts of words (characters in scripts without spaces)",
    "words_jaccard": "1 - Jaccard of the sets of words",
    "pieces": "1 - cosine of the counts of the tokenizer's pieces",
    "pieces_jaccard": "1 - Jaccard of the sets of pieces",
    **{name: _URIEL.format(name) for name in SETS},
    TABLE: "over the columns of the table that are known of both: 1 - cosine where all of them are yes or no (0, 1), "
    "else the mean difference, each column from 0 to 1",
}
DEFAULT = {"script": 1.0, "ngrams": 1.0}


def parse_weights(given: Sequence[str]) -> dict[str, float]:
    """`script=1,ngrams=2` (a name alone weighs 1) as weights by feature; raises UserError naming what is wrong."""
    weights: dict[str, float] = {}
    for part in ",".join(given).split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in FEATURES:
            raise UserError(
                f"--distance: {name!r} is no feature of languages; {nearest(name, FEATURES)}",
                remedy=f"write script=1,ngrams=1 with some of {', '.join(FEATURES)}",
            )
        if name in weights:
            raise UserError(f"--distance: {name!r} is given twice", remedy="give each feature one weight")
        try:
            weights[name] = float(value) if equals else 1.0
        except ValueError:
            weights[name] = math.nan
        if not (math.isfinite(weights[name]) and weights[name] > 0):
            raise UserError(f"--distance: the weight of {name!r} is {value!r}", remedy="give a number above 0")
    return weights


def feature_distances(labels: Sequence[str], found: Mapping[str, Profile], known: Typology) -> dict[str, np.ndarray]:
    """float64[languages, languages] for each of FEATURES that there is, nan where one of the two lacks it.

    found: the profile of each label; known: of the labels, in their order.
    """
    distances = {"script": differ([letters_of(script_of(label)) for label in labels])}
    if any(known.families):
        distances["family"] = differ(known.families)
    for name in ("ngrams", "words", "pieces"):
        bags = [getattr(found[label], name) for label in labels]
        distances[name], distances[f"{name}_jaccard"] = 1 - cosines(bags), 1 - jaccards(bags)
    for name, vectors in known.vectors.items():
        distances[name] = (_differences if name in known.measured else _angles)(vectors)
    for matrix in distances.values():
        own = np.diag(matrix).copy()
        np.fill_diagonal(matrix, np.where(np.isnan(own), np.nan, 0.0))
    return {name: distances[name] for name in FEATURES if name in distances}


def letters_of(script: str) -> tuple[str, ...] | None:
    """What Unicode calls the letters of a script, the same of Hans and Hant; None of ''."""
    return tuple(unicode_scripts([script])) if script else None


def differ(values: Sequence[object]) -> np.ndarray:
    """0 for equal values, 1 for others, nan where one is None."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    codes = np.array([math.nan if value is None else numbers[value] for value in values])
    unknown = np.isnan(codes)
    apart = (codes[:, None] != codes[None, :]).astype(np.float64)
    apart[unknown, :] = np.nan
    apart[:, unknown] = np.nan
    return apart


def _angles(vectors: np.ndarray) -> np.ndarray:
    """1 - cosine over the features (float64[languages, features], nan: unknown) that are known of both."""
    known = ~np.isnan(vectors)
    values, there = np.where(known, vectors, 0.0), known.astype(np.float64)
    inner, squares = values @ values.T, (values * values) @ there.T
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = inner / np.sqrt(squares * squares.T)
    both = there @ there.T
    cosine = np.where((squares == 0) & (squares.T == 0), 1.0, cosine)  # neither has any of these: alike
    cosine = np.where((squares == 0) != (squares.T == 0), 0.0, cosine)
    found: np.ndarray = np.where(both > 0, 1 - np.clip(cosine, 0, 1), np.nan)
    return found


def _differences(vectors: np.ndarray) -> np.ndarray:
    """Mean difference over the features (float64[languages, features], 0 to 1, nan: unknown) that are known of both
    (Gower 1971, Biometrics)."""
    there = (~np.isnan(vectors)).astype(np.float64)
    both, summed = there @ there.T, np.zeros((len(vectors), len(vectors)))
    for column in vectors.T:
        summed += np.nan_to_num(np.abs(column[:, None] - column[None, :]))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = np.where(both > 0, summed / both, np.nan)
    return found


def weighted(distances: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """float64[languages, languages]: the weighted mean, nan where one of the features is. Raises UserError for one that
    is not there, with what would give it."""
    for name in weights:
        if name not in distances:
            remedy = (
                "leave it out, or give --table FILE with numbers"
                if name == TABLE
                else (
                    "pip install 'xlcorpus[typology]', or give --table FILE with a column of it"
                    if name == "family"
                    else "pip install 'xlcorpus[typology]', or leave it out"
                )
            )
            raise UserError(f"--distance: nothing says {name!r} of these languages", remedy=remedy)
    total = math.fsum(weights.values())
    return np.sum([distances[name] * (weight / total) for name, weight in weights.items()], axis=0)
