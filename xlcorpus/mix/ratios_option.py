"""The option --ratios: shares by name, what each name is, and the mix that they come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from xlcorpus.errors import UserError, given_twice, nearest
from xlcorpus.mix.cells import canonical_lang
from xlcorpus.mix.rule import SUM_TOLERANCE
from xlcorpus.mix.spec import MixSpec, parse_mix
from xlcorpus.text.labels import canonical_direction, normalize_label


def parse_ratios(texts: Sequence[str]) -> dict[str, float]:
    """`eng_Latn=0.3,swh_Latn=0.7` as a mapping, several of them together; raises UserError naming what is wrong."""
    ratios: dict[str, float] = {}
    for part in ",".join(texts).split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not name or not equals:
            raise UserError(f"--ratios: {part.strip()!r} is not NAME=SHARE", remedy="write eng_Latn=0.3,swh_Latn=0.7")
        if name in ratios:
            raise UserError(f"--ratios: {name!r} is given twice", remedy="give each name one share")
        try:
            ratios[name] = float(value)
        except ValueError:
            raise UserError(f"--ratios: {value!r} for {name!r} is not a number", remedy="write 0.3") from None
    return check_ratios(ratios)


def check_ratios(ratios: Mapping[str, float]) -> dict[str, float]:
    """The ratios, if each is in (0, 1] and they sum to 1; raises UserError with the figures otherwise."""
    for name, share in ratios.items():
        if not math.isfinite(share) or share <= 0 or share > 1:
            raise UserError(
                f"--ratios: the share of {name!r} is {share}", remedy="a share is above 0 and at most 1; leave out 0"
            )
    total = math.fsum(ratios.values())
    if abs(total - 1) > SUM_TOLERANCE:
        scaled = ",".join(f"{name}={share / total:.8g}" for name, share in ratios.items()) if total else ""
        raise UserError(f"--ratios sum to {total:.6g}, not 1", remedy=f"in the same proportions: {scaled}")
    return dict(ratios)


def resolve_names(
    ratios: Mapping[str, float],
    languages: Mapping[str, int],
    sources: Mapping[str, int],
    kinds: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """What each name is: 'source', 'kind', 'lang', or 'direction'. A name that is several is the first of these.

    languages, sources, kinds: rows by name in the inputs. A pair of languages has its name in either direction; where
    both directions are named each is a direction. Raises UserError for a name that is none of them, with the nearest.
    """
    kinds, found = kinds or {}, {}
    directions = {canonical_direction(name) for name, count in languages.items() if count}
    pairs = {canonical_lang(name) for name in directions}
    for name in ratios:
        direction = canonical_direction(name)
        back = "-".join(reversed(direction.split("-")))
        both = back != direction and any(canonical_direction(other) == back for other in ratios)
        if sources.get(name):
            found[name] = "source"
        elif kinds.get(name):
            found[name] = "kind"
        elif (direction in directions) if both else (canonical_lang(name) in pairs):
            found[name] = "direction" if both else "lang"
        else:
            meant = normalize_label(name)  # `sw` is swh_Latn
            known = [key for key in (*languages, *kinds, *sources) if key]
            raise UserError(
                f"--ratios: no document has the language, kind or source {name!r}; "
                f"{f'did you mean {meant!r}?' if meant in known else nearest(name, known)}",
                remedy="`xlcorpus inspect DIR` lists the languages and sources of a dataset",
            )
    twice = given_twice([canonical_direction(name) for name, key in found.items() if key in ("lang", "direction")])
    if twice is not None:
        raise UserError(f"--ratios: the language {twice!r} is given twice", remedy="give it one share")
    return found


def spec_of_ratios(ratios: Mapping[str, float], kinds: Mapping[str, str], unit: str = "tokens") -> MixSpec:
    """The mix of `--ratios eng_Latn=0.3,code=0.7`: a part a name. kinds: what each name is (`resolve_names`).

    In this order, because a document counts for its source before its language.
    """
    ordered = sorted(ratios, key=lambda name: ("source", "kind", "direction", "lang").index(kinds[name]))
    parts = [{"where": {kinds[name]: name}, "share": ratios[name]} for name in ordered]
    return parse_mix({"name": "--ratios", "unit": unit, "mix": {"parts": parts}}, "--ratios")
