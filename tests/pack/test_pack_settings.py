"""What is refused before any work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pack.pack_helpers import Bytes
from xlcorpus.errors import UserError
from xlcorpus.pack.settings import PackSettings
from xlcorpus.pack.views import VIEWS, ViewSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": 7}, "context length of 7 is too short: it must be at least 8"),
        ({"length": -1}, "at least 8"),
        ({"length": 8, "strategy": "bestfit"}, "strategy 'bestfit' is not known\n.*did you mean 'best_fit'"),
        ({"length": 8, "objective": "clmm"}, "did you mean 'clm'"),
        ({"length": 8, "long": "drop"}, "long 'drop' is not known"),
        ({"length": 8, "min_tokens": 0}, "min_tokens is 0"),
        ({"length": 8, "window_documents": 0}, "window_documents is 0"),
        ({"length": 8, "strategy": "concatenate", "objective": "plain"}, "parts documents by eos"),
        ({"length": 8, "strategy": "concatenate", "eos": False}, "parts documents by eos"),
        ({"length": 8, "strategy": "concatenate", "long": "refuse"}, "no documents that are too long"),
    ],
)
def test_settings_out_of_bounds(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"(?s){message}"):
        PackSettings(**values)


@pytest.mark.parametrize(
    ("objective", "extra", "missing"),
    [
        ("clm", {}, "eos"),
        ("mlm", {}, "bos"),
        ("mlm", {}, "eos"),
        ("mlm", {}, "mask"),
        ("span", {}, "eos"),
        ("clm", {"bos": True}, "bos"),
    ],
)
def test_special_ids_that_are_missing(objective: str, extra: dict[str, Any], missing: str) -> None:
    settings = PackSettings(8, "best_fit", objective, **extra)
    settings.check(Bytes(), "all.model")
    with pytest.raises(UserError, match=f"few.model has no {missing} id, which objective {objective} needs"):
        settings.check(Bytes(**{f"{missing}_id": None}), "few.model")


def test_special_ids_that_are_not_needed() -> None:
    none = Bytes(bos_id=None, eos_id=None, mask_id=None, pad_id=None)
    PackSettings(8, "best_fit", "plain").check(none, "t")
    PackSettings(8, "best_fit", "clm", eos=False).check(none, "t")
    PackSettings(8, "one", "mlm", bos=False, eos=False).check(Bytes(bos_id=None, eos_id=None), "t")
    PackSettings(8, "concatenate", "span").check(Bytes(bos_id=None, mask_id=None), "t")


def test_a_special_id_outside_the_vocabulary() -> None:
    with pytest.raises(UserError, match="gives 300 as its eos id, outside its 261 ids"):
        PackSettings(8).check(Bytes(eos_id=300), "t")


@pytest.mark.parametrize("view", VIEWS)
def test_views_need_special_ids(view: str) -> None:
    settings = ViewSettings(view, 16)
    settings.check(Bytes(), "t")
    for missing in settings.spec.needs:
        with pytest.raises(UserError, match=f"no {missing} id, which the view {view} needs"):
            settings.check(Bytes(**{f"{missing}_id": None}), "t")


def test_every_view_has_room_for_text_at_the_least_length() -> None:
    for view in VIEWS.values():
        assert view.specials + len(view.sides) <= 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"view": "bitex", "length": 16}, "did you mean 'bitext'"),
        ({"view": "bitext", "length": 7}, "at least 8"),
        ({"view": "bitext", "length": 16, "limits": {"tgt": 3}}, "at least 8"),
        ({"view": "bitext", "length": 16, "limits": {"target": 9}}, "side of bitext 'target' is not known"),
        ({"view": "tlm", "length": 16, "limits": {"tgt": 9}}, "one limit for both"),
        ({"view": "tlm", "length": 16, "long": "split"}, "long 'split' is not known"),
    ],
)
def test_view_settings_out_of_bounds(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ViewSettings(**values)
