"""The chain that the overhead benchmark runs, as a recipe and as plain values; no Beam here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

PASSES = ("filter", "dedup", "mix")  # the datasets that the chain makes, in order
FILTER, SIGN, MATCH, KEEP = "ingest + identify + score + filter", "dedup: sign", "dedup: match", "dedup: write"
SHINGLE, COMPARE, MARK = "dedup: shingle", "dedup: compare", "dedup: mark"
COUNT, CHOOSE, SCATTER, GATHER = "mix: count", "mix: choose", "mix: scatter", "mix: gather"
PHASES = (FILTER, SIGN, MATCH, SHINGLE, COMPARE, MARK, KEEP, COUNT, CHOOSE, SCATTER, GATHER)
_TOKENS_PER_DOCUMENT = 20  # of the mixture: Swahili then needs more than one epoch


@dataclass(frozen=True)
class Chain:
    """What quickstart does to web documents: where from, where to, and the options that differ from the defaults."""

    raw: str
    output: str
    budget: int
    seed: int = 7
    threshold: float = 0.8
    unit: Literal["tokens", "bytes", "chars", "docs"] = "tokens"
    max_epochs: float = 4.0
    shards: int = 4
    ratios: dict[str, float] = field(
        default_factory=lambda: {
            "eng_Latn": 0.2, "swh_Latn": 0.4, "hin_Deva": 0.1, "arb_Arab": 0.1, "rus_Cyrl": 0.1, "zho_Hans": 0.1
        }
    )  # fmt: skip

    @classmethod
    def of(cls, raw: Path, output: Path, documents: int) -> Chain:
        """The chain for a corpus of so many documents."""
        return cls(str(raw), str(output), documents * _TOKENS_PER_DOCUMENT)

    @classmethod
    def load(cls, path: Path) -> Chain:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> Path:
        """Write the chain for a process of its own."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    def recipe(self) -> str:
        """The recipe that a user would write (JSON is YAML)."""
        steps = [
            {"step": "ingest", "id": "web", "files": self.raw, "source": "web"},
            {"step": "identify", "model": "embedded"},
            {"step": "score"},
            {"step": "filter"},
            {"step": "dedup", "threshold": self.threshold},
            {
                "step": "mix",
                "ratios": self.ratios,
                "budget": self.budget,
                "unit": self.unit,
                "max_epochs": self.max_epochs,
                "shards": self.shards,
            },
        ]
        return json.dumps({"name": "overhead", "seed": self.seed, "steps": steps}, indent=1)
