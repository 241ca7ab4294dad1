"""What there is to mix: one cell for each distinct (source, kind, language, domain), with its size."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xlcorpus.text import labels
from xlcorpus.text.apportion import apportion
from xlcorpus.text.labels import canonical_direction

KINDS = (
    "mono",
    "bi",
    "code",
    "translit",
    "cs",
    "mined",
    "restore",
    "translico",
)  # what our own steps write; any other name is as good
KEYS = ("source", "kind", "lang", "direction", "script", "domain")  # what rules group by and parts select by
NONE = "none"  # how rules and parts name an empty value: the domain of a dataset without that column


@dataclass(frozen=True)
class Cell:
    """The documents of one source, kind, language and domain.

    lang: `swh_Latn`; for pairs `src_lang-tgt_lang` (`eng_Latn-zul_Latn`); '' where there is none. units: in the unit
    of the budget. by_dup_size: (members of the duplicate cluster, units, documents) for each size that occurs, which
    only rehydration needs; () where it was not counted.
    """

    source: str
    kind: str
    lang: str
    domain: str
    units: int
    documents: int
    text_bytes: int = 0
    by_dup_size: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        """Sizes are counts, and the counts by cluster size are those of the cell; raises ValueError."""
        if self.units < 0 or self.documents < 0:
            raise ValueError(f"{self.name}: negative size")
        if self.by_dup_size:
            units, documents = (sum(row[place] for row in self.by_dup_size) for place in (1, 2))
            if (units, documents) != (self.units, self.documents):
                raise ValueError(f"{self.name}: the counts by duplicate-cluster size are not those of the cell")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What sets it apart, and its place in every list of cells."""
        return self.source, self.kind, self.lang, self.domain

    @property
    def name(self) -> str:
        """`web/mono/swh_Latn/news`; empty values are `none`, so that names of distinct cells are distinct."""
        return "/".join(part or NONE for part in self.key)

    @property
    def direction(self) -> str:
        """`deu_Latn-eng_Latn` of a pair: from the first language into the second; '' of what is no pair."""
        return canonical_direction(self.lang) if self.lang.count("-") == 1 else ""

    @property
    def script(self) -> str:
        """ISO 15924 of the language (`Latn`), of both sides for a pair (`Latn-Deva`) unless they are equal."""
        return script_of(self.lang)

    def value(self, key: str) -> str:
        """What the cell is by `key` (one of KEYS): by lang a pair in either direction has one name; '' is NONE."""
        value: str = getattr(self, key)
        return (canonical_lang(value) if key == "lang" else value) or NONE


@functools.cache
def canonical_lang(lang: str) -> str:
    """The name of a pair whatever its direction: `zul_Latn-eng_Latn` and `eng_Latn-zul_Latn` are the latter; labels as
    steps write them (`canonical_label`)."""
    name = canonical_direction(lang)
    return "-".join(sorted(name.split("-"))) if name.count("-") == 1 else name


def languages_of(lang: str) -> tuple[str, ...]:
    """The languages of a cell: both of a pair, by name; () for ''."""
    name = canonical_lang(lang)
    return tuple(name.split("-")) if name.count("-") == 1 else (name,) if name else ()


def script_of(lang: str) -> str:
    """Script of a label, or of the two sides of a pair in the order of its canonical name; '' where it has none."""
    return "-".join(dict.fromkeys(labels.script_of(side) for side in canonical_lang(lang).split("-")))


def sort_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells by key, so that no plan depends on their order; raises ValueError where two have one key."""
    ordered = tuple(sorted(cells, key=lambda cell: cell.key))
    for one, other in itertools.pairwise(ordered):
        if one.key == other.key:
            raise ValueError(f"two cells are {one.name}: add them up before planning")
    return ordered


def merge_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Cells of equal key added up (the counts of several shards), sorted. Units by cluster size are added as well."""
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.key, []).append(cell)
    return sort_cells(_add(parts) for parts in groups.values())


def _add(parts: Sequence[Cell]) -> Cell:
    sizes: dict[int, list[int]] = {}
    counted = all(part.by_dup_size or not part.documents for part in parts)
    for size, units, documents in (row for part in parts for row in part.by_dup_size if counted):
        total = sizes.setdefault(size, [0, 0])
        total[0] += units
        total[1] += documents
    return Cell(
        *parts[0].key,
        units=sum(part.units for part in parts),
        documents=sum(part.documents for part in parts),
        text_bytes=sum(part.text_bytes for part in parts),
        by_dup_size=tuple((size, sizes[size][0], sizes[size][1]) for size in sorted(sizes)),
    )


def language_totals(
    achieved: Iterable[tuple[str, int]], sides: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, int]:
    """Units by single language of a mix, for `match`: those of a pair are divided between its two languages.

    achieved: (lang of the cell, units). sides: for a pair's canonical name the units of each of its languages, in any
    unit; without them both get half, the odd one going to the first name. The sum is that of `achieved`, exactly, but
    for documents without a language (code), which count for none.
    (Halves are an approximation: in MixCPT's Belarusian-German pairs Belarusian takes over half of the tokens.)
    """
    totals: dict[str, int] = {}
    for lang, units in achieved:
        name = canonical_lang(lang)
        shares = (sides or {}).get(name) or dict.fromkeys(languages_of(name), 1)
        for language, part in apportion(shares, units).items() if shares else ():
            totals[language] = totals.get(language, 0) + part
    return {language: units for language, units in sorted(totals.items()) if units}
