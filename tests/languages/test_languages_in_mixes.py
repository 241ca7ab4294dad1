"""Mixes and switches of languages that a table chooses, with the choice in the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import xlcorpus
from tests.rows import write_dataset
from tests.tokenizer.tokenizer_helpers import documents, rows
from xlcorpus.errors import UserError
from xlcorpus.languages.measured import measure_languages
from xlcorpus.languages.table import write_languages
from xlcorpus.mix.spec import parse_mix
from xlcorpus.tokenizer import open_tokenizer

_LANGS = ("eng_Latn", "deu_Latn", "swh_Latn", "rus_Cyrl", "hin_Deva")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chosen")
    dataset = write_dataset(folder / "data", [documents(rows(_LANGS, count=6))])
    write_languages(measure_languages([dataset], open_tokenizer("bytes")), folder / "l.json")
    return folder


def _mixed(made: Path, output: Path, **options: Any) -> Any:
    return xlcorpus.mix(str(made / "data"), output=output, unit="docs", **options)


def test_a_mix_of_the_nearest_is_of_their_documents(made: Path, tmp_path: Path) -> None:
    by = str(made / "l.json")
    chosen = _mixed(made, tmp_path / "one", rule="uniform", languages="swh_Latn,nearest:2:swh_Latn", languages_from=by)
    assert chosen.manifest.languages == {"swh_Latn": 6, "eng_Latn": 6, "deu_Latn": 6}  # all of each
    assert chosen.manifest.notes["spec"]["where"]["chosen"]["asked"] == "nearest:2:swh_Latn"
    assert chosen.manifest.steps[-1].models["languages"]


def test_a_spec_says_what_was_chosen(made: Path) -> None:
    where = {"lang": {"nearest": 2, "to": "swh_Latn", "by": str(made / "l.json")}}
    spec = parse_mix({"where": where, "mix": {"rule": "uniform", "by": "lang"}})
    assert set(spec.where.lang or ()) == {"eng_Latn", "deu_Latn"}
    assert spec.where.chosen is not None
    assert spec.where.chosen["asked"] == "nearest:2:swh_Latn"
    assert parse_mix(spec.to_json()) == spec


def test_wishes_without_a_table_are_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is chosen by a table of languages"):
        _mixed(made, tmp_path / "o", rule="uniform", languages="diverse:2")
    with pytest.raises(UserError, match="--ratios names the languages itself"):
        _mixed(made, tmp_path / "o", ratios={"eng_Latn": 1.0}, languages="eng_Latn")
    by = str(made / "l.json")
    with pytest.raises(UserError, match="no language is to be chosen by it"):
        _mixed(made, tmp_path / "o", rule="uniform", languages="eng_Latn", languages_from=by)
    with pytest.raises(UserError, match="has no language 'xyz_Latn'"):
        _mixed(made, tmp_path / "o", rule="uniform", languages="nearest:1:xyz_Latn", languages_from=by)


@pytest.mark.slow
def test_partners_are_chosen_among_those_of_the_dictionary(made: Path, tmp_path: Path) -> None:
    (tmp_path / "d.tsv").write_text(
        "src\ttgt\tsrc_lang\ttgt_lang\nriver\tFluss\teng_Latn\tdeu_Latn\nriver\tрека\teng_Latn\trus_Cyrl\n"
        "river\tनदी\teng_Latn\thin_Deva\n"
    )
    options: dict[str, Any] = {"dictionary": [str(tmp_path / "d.tsv")], "ratio": 1.0}
    by = str(made / "l.json")
    chosen = xlcorpus.codeswitch(
        str(made / "data"), output=tmp_path / "a", partners="nearest:1:eng_Latn", languages_from=by, **options
    )
    named = xlcorpus.codeswitch(str(made / "data"), output=tmp_path / "b", partners="deu_Latn", **options)
    assert len(chosen) > 0
    assert chosen.to_arrow().equals(named.to_arrow())
    assert chosen.manifest.steps[-1].models["partners"] == "deu_Latn"
    with pytest.raises(UserError, match="is chosen by a table of languages"):
        xlcorpus.codeswitch(str(made / "data"), output=tmp_path / "c", partners="diverse:2", **options)
