"""Caps of epochs at every level: the least on the way down holds; parts that get nothing are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mix.mix_helpers import mix
from tests.rows import documents
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.spec import parse_mix

LEVELS = ("source", "kind", "script", "lang")


@given(
    st.lists(st.sampled_from([None, 0.5, 1, 1.5, 2, 7]), min_size=4, max_size=4),
    st.sampled_from([None, 0.3, 1, 3]),
    st.sampled_from([None, 0.25, 2, 9]),
)
def test_the_least_cap_on_the_way_down_holds(
    levels: Sequence[float | None], of_the_mix: float | None, from_outside: float | None
) -> None:
    """An inner node may say less than an outer one, never more; `--max-epochs` replaces `max_epochs` alone."""
    node: dict[str, object] = {}
    for by, epochs in zip(reversed(LEVELS), reversed(levels), strict=True):
        node = {"by": by, "rule": "unimax", "epochs": epochs, "within": node}
    spec = parse_mix({"mix": node, "max_epochs": of_the_mix})
    said = [level for level in (*levels, from_outside if from_outside is not None else of_the_mix) if level is not None]
    plan = plan_mix([Cell("web", "mono", "amh_Ethi", "", 1000, 9)], spec, "largest", from_outside)
    assert plan.budget == int(1000 * min(said, default=1))


def test_a_part_and_what_is_beside_it_have_caps_of_their_own() -> None:
    cells = [Cell("web", "mono", lang, "", 100, 9) for lang in ("amh_Ethi", "swh_Latn")]
    part = {"rule": "unimax", "by": "lang", "epochs": 8}
    parts = [
        {"where": {"lang": "amh_Ethi"}, "share": 0.5, "within": {**part, "within": {"by": "kind", "epochs": 3}}},
        {"where": {"lang": "swh_Latn"}, "share": 0.5, "within": {"by": "kind", "epochs": 6, "within": part}},
    ]
    plan = plan_mix(cells, parse_mix({"mix": {"parts": parts, "on_cap": "redistribute"}}), "largest")
    assert [item.budget for item in plan.cells] == [300, 600]
    plan = plan_mix(cells, parse_mix({"mix": {"parts": parts, "on_cap": "redistribute", "epochs": 2}}), "largest")
    assert [item.budget for item in plan.cells] == [200, 200]


@pytest.mark.parametrize(
    ("lang", "text"),
    [("amh_Ethi", "ቤት ውሃ ዛሬ"), ("ell_Grek", "σπίτι νερό"), ("khm_Khmr", "ផ្ទះទឹកថ្ងៃ"), ("swh_Latn", "nyumba maji")],
)
def test_a_part_without_a_document_is_named(tmp_path: Path, lang: str, text: str) -> None:
    """In the manifest and in the table that every run prints: a share so small is no error, and is not silent."""
    rows = documents([*["a few more words"] * 50, text], [*["eng_Latn"] * 50, lang])
    found = mix(tmp_path / "a", [rows], {"eng_Latn": 0.99, lang: 0.01}, budget=20, unit="docs")
    assert found.notes["nothing_of"] == [f"web/mono/{lang}/none"]
    (line,) = [line for line in found.notes["table"] if line.startswith("NOTE")]
    assert f"no document of web/mono/{lang}/none: 0 docs were asked" in line
    found = mix(tmp_path / "b", [rows], {"eng_Latn": 0.95, lang: 0.05}, budget=20, unit="docs")
    assert found.notes["nothing_of"] == []
    assert not any(line.startswith("NOTE") for line in found.notes["table"])
