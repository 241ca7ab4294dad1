"""Random mixes, made and compared with the second planner: `python -m tests.mix.random_mixes --specs 1000 --seed 14`.

Sources, kinds, pairs, domains, special ids, caps at every level, inputs cut into shards of which some are empty, trees
of rules. Of each: the budget of every cell, what came of it, how often a text is used.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import Mixed, Shard, mix, pairs
from tests.mix.planner import Key, plan
from tests.rows import cut, documents
from xlcorpus.errors import UserError
from xlcorpus.mix.spec import parse_mix

WORDS = {"eng_Latn": "mill", "swh_Latn": "nyumba", "amh_Ethi": "ቤት", "ell_Grek": "σπίτι", "khm_Khmr": "ផ្ទះ", "": "x=1"}
EPOCHS = (0.5, 1, 1.5, 2, 4)
BY = ("source", "kind", "lang", "script", "domain", "cell")


def corpus(chaos: random.Random) -> tuple[list[Shard], dict[Key, list[str]]]:
    """Shards, and the texts of each cell."""
    texts: dict[Key, list[str]] = {}
    shards: list[Shard] = []
    for source in chaos.sample(["web", "wiki", "books"], chaos.randint(1, 3)):
        rows: list[tuple[str, str, str, str]] = []
        for lang in chaos.sample(list(WORDS), chaos.randint(1, 5)):
            for _ in range(chaos.choice([1, 3, 12, 40])):
                kind, domain = ("mono", "code")[not lang], chaos.choice(["", "law"])
                text = " ".join([WORDS[lang]] * chaos.choice([0, 1, 2, 5, 9]))
                rows.append((text, lang, kind, domain))
                texts.setdefault((source, kind, lang, domain), []).append(text)
        chaos.shuffle(rows)
        columns = {name: pa.array([row[at] for row in rows]) for at, name in ((2, "kind"), (3, "domain"))}
        names = [f"{source} {number}" for number in range(len(rows))]
        batch = documents([row[0] for row in rows], [row[1] for row in rows], names=names, source=source, **columns)
        shards += cut(batch, [chaos.randint(0, len(rows)) for _ in range(chaos.randint(0, 3))])
    if chaos.random() < 0.4:
        given = [(WORDS["eng_Latn"], WORDS["ell_Grek"])] * chaos.randint(1, 9)
        for one, other in (("eng_Latn", "ell_Grek"), ("ell_Grek", "eng_Latn"))[: chaos.randint(1, 2)]:
            shards.append(pairs(given, one, other))
            texts["opus", "bi", f"{one}-{other}", ""] = [f"{src}\n{tgt}" for src, tgt in given]
    return shards, texts


def node(chaos: random.Random, cells: Sequence[Key], depth: int) -> dict[str, Any]:
    """A random tree of rules for some cells."""
    found: dict[str, Any] = {"epochs": chaos.choice(EPOCHS)} if chaos.random() < 0.4 else {}
    if chaos.random() < 0.5:
        found["on_cap"] = "redistribute"
    kinds = sorted({key[1] for key in cells})
    if depth and len(kinds) > 1 and chaos.random() < 0.4:
        weights = [chaos.randint(1, 9) for _ in kinds]
        parts = []
        for place, (kind, weight) in enumerate(zip(kinds, weights, strict=True)):
            within = node(chaos, [key for key in cells if key[1] == kind], depth - 1)
            where = {"where": {"kind": kind}} if place < len(kinds) - 1 else {}  # the last one takes the rest
            parts.append({**where, "share": f"{weight}/{sum(weights)}", "within": within})
        return {**found, "parts": parts}
    by, rule = chaos.choice(BY), chaos.choice(["proportional", "uniform", "unimax", "exponent", "temperature"])
    langs = sorted({"-".join(sorted(key[2].split("-"))) or "none" for key in cells})
    if len(langs) > 1 and chaos.random() < 0.4:
        by, rule = "lang", chaos.choice(["ratios", "anchor", "replay"])
    if rule == "exponent":
        found |= {"alpha": chaos.choice([0, 0.3, 1]), "limit": chaos.choice([None, 20])}
    if rule == "temperature":
        found["temperature"] = chaos.choice([1.5, 5])
    if rule == "ratios":
        named = chaos.sample(langs, chaos.randint(1, len(langs)))
        found["ratios"] = {lang: f"1/{len(named)}" for lang in named}
    if rule in ("anchor", "replay"):
        found["share"] = chaos.choice([0.1, "2/3"])
        found |= {"name": langs[0]} if rule == "anchor" else {"names": langs[: chaos.randint(1, len(langs) - 1)]}
    if rule == "unimax":
        found.pop("on_cap", None)
    if depth and by != "cell":
        found["within"] = {key: value for key, value in node(chaos, [], 0).items() if key != "within"}
    return {key: value for key, value in {**found, "by": by, "rule": rule}.items() if value is not None}


def _sizes(texts: Mapping[Key, Sequence[str]], specials: int) -> dict[Key, int]:
    """Bytes of the texts of each cell, and special ids around those that have any."""
    return {key: sum(len(text.encode()) + specials * bool(text) for text in members) for key, members in texts.items()}


def check(seed: int, folder: Path) -> str:
    """One random mix; raises AssertionError where the two planners differ, or what came is not what was planned.

    Returns what it was: made, or refused (by both).
    """
    chaos = random.Random(seed)
    shards, texts = corpus(chaos)
    specials = chaos.choice([0, 1, 2])
    sizes = _sizes(texts, specials)
    tree = node(chaos, [key for key in sizes if sizes[key]], 2) if any(sizes.values()) else {}
    if "domain" not in repr(tree):  # which are counted where a mix asks for them
        together: dict[Key, list[str]] = {}
        for key, members in texts.items():
            together.setdefault((*key[:3], ""), []).extend(members)
        texts, sizes = together, _sizes(together, specials)
    cap = chaos.choice([None, *EPOCHS])
    total = sum(sizes.values())
    budget = chaos.choice([None, 1, max(1, total // 50), max(1, total // 3), max(1, total)])
    spec = parse_mix({"mix": tree, "max_epochs": cap, "unit": "tokens"})
    chaos.shuffle(shards)
    expected = plan(tree, sizes, budget, cap) if total else None
    asked: dict[str, Any] = {"budget": budget, "tokenizer": "bytes", "max_epochs": None, "specials": specials}
    if expected is None:
        with pytest.raises(UserError):
            mix(folder, shards, spec, **asked)
        return "refused"
    found = mix(folder, shards, spec, **asked, targets=2)
    budgets = {item.cell.key: item.budget for item in found.plan.cells if item.budget}
    assert budgets == {key: units for key, units in expected.items() if units}, seed
    for cell in found.notes["cells"]:
        mine = [row for row in found.rows if row["mix_class"] == cell["name"]]
        assert cell["units"] == sum(len(row["text"].encode()) + specials * bool(row["text"]) for row in mine), seed
        key = (cell["source"], cell["kind"], cell["lang"], cell["domain"])
        largest = max(len(text.encode()) + specials for text in texts[key])
        assert abs(cell["units"] - expected.get(key, 0)) <= largest / 2, (seed, cell)
        # Of a cell that is used so often no text is used more often than that, to the next whole number.
        uses = Counter(row["doc_id"] for row in mine)
        most = -(-Fraction(expected.get(key, 0), sizes[key]) // 1)
        assert max(uses.values(), default=0) <= max(most, 1), (seed, cell)
    asked["budget"] = chaos.randint(1, found.plan.budget)
    assert_rung(mix(folder / "rung", shards, spec, **asked, targets=3), found)
    return "made"


def assert_rung(small: Mixed, large: Mixed) -> None:
    """A smaller mix of the same inputs: every use of a text is one of the larger one, in the same order in its cell."""
    for item in small.taken:
        uses = [
            [(row["doc_id"], row["kind"], row["mix_epoch"]) for row in rung.rows if row["mix_class"] == item.name]
            for rung in (small, large)
        ]
        assert uses[0] == uses[1][: len(uses[0])], item.name


def main() -> None:
    """Many of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=14)
    given = parser.parse_args()
    counts = Counter[str]()
    for number in range(given.specs):
        folder = Path(tempfile.mkdtemp())
        counts[check(given.seed * 1_000_000 + number, folder)] += 1
        shutil.rmtree(folder)
    print(", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())), "- all as the second planner says")


if __name__ == "__main__":
    main()
