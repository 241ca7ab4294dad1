"""What is refused before any work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pack.pack_helpers import Bytes, options_of, view_options
from xlcorpus.errors import UserError
from xlcorpus.pack.input_check import check_tokenizer, remarks_on_tokenizer
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.sides import VIEWS
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": 7}, "length: input should be greater than or equal to 8"),
        ({"length": -1}, "equal to 8"),
        ({"strategy": "bestfit"}, "strategy: input should be 'best-fit', 'concatenate' or 'one'"),
        ({"objective": "clmm"}, "objective: input should be 'clm'"),
        ({"long": "drop"}, "long: input should be 'split', 'refuse' or 'truncate'"),
        ({"cut": "word", "byte_budget": "5"}, "cut: input should be 'byte' or 'character'"),
        ({"min_tokens": 0}, "min_tokens: input should be greater than or equal to 1"),
        ({"strategy": "concatenate", "objective": "plain"}, "parts documents by eos"),
        ({"strategy": "concatenate", "eos": False}, "parts documents by eos"),
        ({"strategy": "concatenate", "long": "refuse"}, "no documents that are too long"),
        ({"view": "bitex"}, "view: input should be 'translico'"),
        ({"view": "bitext", "length": 7}, "equal to 8"),
        ({"view": "tlm", "length": 16, "long": "split"}, "--long split is for packs"),
        ({"view": "tlm", "cut": "character"}, "--cut is an option of runs without --view; this is --view tlm"),
    ],
)
def test_options_out_of_bounds(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_options(find_step("pack"), {"tokenizer": "bytes", **values}, "test")


@pytest.mark.parametrize(
    ("objective", "extra", "missing", "asked"),
    [
        ("clm", {}, "eos", "objective clm"),
        ("mlm", {}, "bos", "objective mlm"),
        ("mlm", {}, "eos", "objective mlm"),
        ("mlm", {}, "mask", "objective mlm"),
        ("span", {}, "eos", "objective span"),
        ("clm", {"bos": True}, "bos", "--bos"),
        ("plain", {"eos": True}, "eos", "--eos"),
    ],
)
def test_special_ids_that_are_missing(objective: str, extra: dict[str, Any], missing: str, asked: str) -> None:
    options = PackOptions(tokenizer="bytes", objective=objective, **extra)
    check_tokenizer(options, Bytes())
    with pytest.raises(UserError, match=f"few.model has no {missing} id, which {asked} needs"):
        check_tokenizer(options, Bytes(**{f"{missing}_id": None}))


@pytest.mark.parametrize(("pad", "said"), [(2, True), (0, False), (None, False)])
def test_a_remark_where_padding_is_the_end_of_a_text(pad: int | None, said: bool) -> None:
    remarks = remarks_on_tokenizer(Bytes(pad_id=pad))
    assert bool(remarks) is said
    assert all("pad and eos of few are one token (2)" in one for one in remarks)


def test_special_ids_that_are_not_needed() -> None:
    none = Bytes(bos_id=None, eos_id=None, mask_id=None, pad_id=None)
    check_tokenizer(options_of(8, "best-fit", "plain"), none)
    check_tokenizer(options_of(8, "best-fit", "clm", eos=False), none)
    check_tokenizer(options_of(8, "one", "mlm", bos=False, eos=False), Bytes(bos_id=None, eos_id=None))
    check_tokenizer(options_of(8, "concatenate", "span"), Bytes(bos_id=None, mask_id=None))


def test_a_special_id_outside_the_vocabulary() -> None:
    with pytest.raises(UserError, match="gives 300 as its eos id, outside its 261 ids"):
        check_tokenizer(options_of(8), Bytes(eos_id=300))


@pytest.mark.parametrize("view", VIEWS)
def test_views_need_special_ids(view: str) -> None:
    options = view_options(view, 16)
    check_tokenizer(options, Bytes())
    for missing in VIEWS[view].needs:
        with pytest.raises(UserError, match=f"no {missing} id, which the view {view} needs"):
            check_tokenizer(options, Bytes(**{f"{missing}_id": None}))


def test_every_view_has_room_for_text_at_the_least_length() -> None:
    for view in VIEWS.values():
        assert view.specials + len(view.sides) <= 8
