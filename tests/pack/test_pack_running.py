"""`pack` on other runners, on nothing, killed and resumed, and with tokens lost on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.pack.pack_runs import (
    AS_REFERENCE,
    LENGTH,
    SAMPLE,
    corpus_rows,
    document_rows,
    killed_at,
    run_pack,
    save,
)
from tests.running import digests
from xlcorpus.errors import ConservationError, UserError
from xlcorpus.pack import tasks
from xlcorpus.pack.packer import Packer
from xlcorpus.report.contents import contents_lines, sample_lines


class TestRunning:
    @pytest.mark.parametrize(
        "how",
        [{"runner": "portable"}, pytest.param({"workers": 2}, marks=pytest.mark.process)],
        ids=["portable runner", "two processes"],
    )
    def test_same_bytes_however_it_runs(
        self, corpus: Path, reference: Path, tmp_path: Path, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("xlcorpus.beam.runners.BYTES_A_WORKER", 1)
        run_pack(corpus, tmp_path / "out", **how, **AS_REFERENCE)
        assert digests(tmp_path / "out") == digests(reference)

    def test_a_dataset_without_rows(self, tmp_path: Path) -> None:
        given = save(tmp_path / "docs", [corpus_rows(0)])
        for name, options in {"packs": {}, "pure": {"pure": True}, "bytes": {"tokenizer": "bytes"}}.items():
            made = run_pack(given, tmp_path / name, **options)
            assert [shard.rows for shard in made.manifest.shards] == [0]
            assert made.manifest.notes["padding"] == 0
            assert made.to_arrow().schema.names[0] == "pack_id"
            assert contents_lines(made)
            assert sample_lines(made, 3) == []

    def test_only_documents_without_text(self, tmp_path: Path) -> None:
        given = save(tmp_path / "docs", [document_rows(["", ""], ["eng_Latn", None]), document_rows([""], [None], 2)])
        made = run_pack(given, tmp_path / "out", pure=True)
        assert made.manifest.rows == 0
        assert made.manifest.tallies[0].reasons == {"no_tokens": 3}

    def test_it_goes_on_where_it_stopped(
        self, corpus: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        genuine, done = tasks.PackShard.results, []

        def stops(self: Any, number: int, *more: Any) -> Any:
            if done:
                raise UserError("plug pulled")
            done.append(number)
            return genuine(self, number, *more)

        with monkeypatch.context() as patch:
            patch.setattr(tasks.PackShard, "results", stops)
            with pytest.raises(UserError, match="plug"):
                run_pack(corpus, tmp_path / "out", **AS_REFERENCE)
        assert not (tmp_path / "out" / "manifest.json").exists()
        kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "data").iterdir()}
        assert kept
        run_pack(corpus, tmp_path / "out", settings={"resume": True}, **AS_REFERENCE)
        assert digests(tmp_path / "out") == digests(reference)
        now = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "data").iterdir()}
        assert {name: now[name] for name in kept} == kept  # what was done is not done again

    @pytest.mark.process
    @pytest.mark.parametrize("moment", ["count", "languages.json", "manifest.json"])
    def test_kill_9(self, corpus: Path, reference: Path, tmp_path: Path, moment: str) -> None:
        killed_at(moment, corpus, tmp_path / "out", "--pure")
        with pytest.raises(UserError, match="holds an unfinished run"):
            run_pack(corpus, tmp_path / "out", **AS_REFERENCE)
        run_pack(corpus, tmp_path / "out", settings={"resume": True}, **AS_REFERENCE)
        assert digests(tmp_path / "out") == digests(reference)

    def test_tokens_that_are_lost_fail_the_run(
        self, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        genuine = Packer._pack

        def loses(self: Any, *, last: bool) -> Any:
            made = list(genuine(self, last=last))
            if made:
                self.counts.packed -= 1
            return iter(made)

        monkeypatch.setattr(Packer, "_pack", loses)
        with pytest.raises(ConservationError, match="tokens to pack"):
            run_pack(corpus, tmp_path / "out", length=LENGTH)

    def test_packs_that_are_lost_fail_the_run(
        self, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        genuine = Packer.add

        def loses(self: Any, documents: Any) -> Any:
            return (batch.slice(1) for batch in genuine(self, documents))

        monkeypatch.setattr(Packer, "add", loses)
        with pytest.raises(ConservationError, match="does not account for every row"):
            run_pack(corpus, tmp_path / "out", length=LENGTH, strategy="one")

    def test_another_tokenizer_is_another_run(self, corpus: Path, reference: Path, tmp_path: Path) -> None:
        shutil.copytree(reference, tmp_path / "out")
        elsewhere = tmp_path / "elsewhere" / "tokenizer.model"
        elsewhere.parent.mkdir()
        shutil.copy(SAMPLE, elsewhere)
        run_pack(corpus, tmp_path / "out", tokenizer=str(elsewhere), **AS_REFERENCE)  # done already: the same content
        assert digests(tmp_path / "out") == digests(reference)
        with pytest.raises(UserError, match="other options"):
            run_pack(corpus, tmp_path / "out", tokenizer="bytes", **AS_REFERENCE)
