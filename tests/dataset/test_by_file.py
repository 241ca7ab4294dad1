"""Which files stand out by what they lost: those that chance would not give, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from xlcorpus.dataset.by_file import (
    FileLoss,
    add_files,
    files_standing_out,
    loss_lines,
    losses_in,
    noted,
    without_single,
)

Counts = dict[str, dict[str, int]]


def alike(files: int, records: int, share: float, seed: int = 0) -> Counts:
    """Files of which each record was lost with one probability."""
    lost = np.random.default_rng(seed).binomial(records, share, files).tolist()
    return {f"{number}.jsonl": {"kept": records - n, "removed lang_score_below": n} for number, n in enumerate(lost)}


def names(counts: Counts) -> list[str]:
    return [one.file for one in files_standing_out(counts)]


@pytest.mark.parametrize("records", [2, 10, 100, 5000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9, 1.0])
def test_files_that_are_alike_do_not_stand_out(records: int, share: float) -> None:
    assert sum(bool(names(alike(40, records, share, seed))) for seed in range(20)) <= 2


@pytest.mark.parametrize(("records", "lost"), [(3, 3), (10, 5), (100, 30), (100_000, 20_000)])
def test_a_file_that_lost_far_more_is_named(records: int, lost: int) -> None:
    counts = alike(20, 100, 0.02)
    counts["ፋይል.jsonl"] = {"kept": records - lost, "rejected invalid_json": lost}
    assert names(counts) == ["ፋይል.jsonl"]


def test_many_bad_files_do_not_hide_one_another() -> None:
    counts = alike(6, 100, 0.0)
    counts |= {f"bad{number}": {"rejected invalid_json": 95} for number in range(6)}
    counts["half"] = {"kept": 10, "removed empty_text": 10}
    assert names(counts) == [*(f"bad{number}" for number in range(6)), "half"]


def test_small_certain_differences_are_not_worth_a_line() -> None:
    counts = alike(10, 1_000_000, 0.01)
    counts["a"] = {"kept": 950_000, "removed lang_score_below": 50_000}
    assert names(counts) == []


@pytest.mark.parametrize(
    ("lost", "unread"),
    [
        ({"rejected invalid_json": 2}, True),
        ({"rejected invalid_json": 1}, False),
        ({"rejected invalid_json": 1, "rejected not_an_object": 1}, False),
        ({"rejected invalid_json": 2, "rejected not_an_object": 1}, True),
        ({"rejected missing_text": 50}, False),
        ({"rejected missing_text": 1, "rejected invalid_json": 5}, True),
        ({"rejected invalid_json": 9, "removed empty_text": 1}, False),
    ],
)
def test_a_file_of_which_nothing_can_be_read(lost: dict[str, int], unread: bool) -> None:
    assert FileLoss("a", sum(lost.values()), 0, lost).is_unread is unread
    assert not FileLoss("a", sum(lost.values()) + 1, 1, lost).is_unread


def test_files_of_one_record_are_named_where_it_was_rejected() -> None:
    counts = {f"{number}.txt": {"kept": 1} for number in range(50)}
    counts |= {f"{number}.warc": {"removed http_status": 1} for number in range(9)}
    counts["line.jsonl"] = {"rejected invalid_json": 1}
    together = without_single(counts)
    assert together == {"": {"kept": 50, "removed http_status": 9}, "line.jsonl": {"rejected invalid_json": 1}}
    assert names(together) == ["line.jsonl"]
    assert not files_standing_out(together)[0].is_unread


def test_a_table_of_them() -> None:
    counts: Counts = {}
    for _ in range(3):  # three tasks read parts of one file
        add_files(counts, {"a.jsonl": {"rejected invalid_json": 1_000, "removed empty_text": 2}})
        add_files(counts, {"b.jsonl": {"kept": 4_000}})
    losses = files_standing_out(counts)
    assert losses == [FileLoss("a.jsonl", 3006, 0, {"rejected invalid_json": 3000, "removed empty_text": 6})]
    assert losses_in(noted(losses)) == losses
    assert [line.split() for line in loss_lines(losses)[1:]] == [
        ["file", "records", "kept", "lost"],
        ["a.jsonl", "3,006", "0", "rejected", "invalid_json", "3,000,", "removed", "empty_text", "6"],
    ]
    assert noted([]) == {}
    assert loss_lines([]) == []
