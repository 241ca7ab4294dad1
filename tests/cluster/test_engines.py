"""The same recipe on Spark, Flink and Prism: the same bytes as on one local process, manifests included."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.engines.server import flink_job_server, prism_options, spark_job_server
from tests.running import digests, run, write_recipe

# Beam's worker threads may be cancelled while they read, when the job is done already.
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]
logging.getLogger("apache_beam").setLevel(logging.CRITICAL)


# Every step that a runner cuts into batches of its own, and each with a shuffle.
EVERY_STEP = """
name: every-step
seed: 7
steps:
  - {step: ingest, files: "${sample}/web", source: web, task_bytes: 60000}
  - {step: identify}
  - {step: score}
  - {step: filter}
  - {step: dedup}
  - {step: romanize}
  - {step: romanize, id: sentences, input: dedup, view: translico, share: 0.5, floor: 5}
  - {step: codeswitch, input: romanize, dictionary: "${sample}/dictionary/eng.csv", ratio: 0.35}
  - {step: mix, input: [romanize, codeswitch], rule: temperature=1.5, shards: 3}
  - {step: pack, tokenizer: "${sample}/tokenizer.model", length: 512}
  - {step: ingest, id: pairs, kind: pairs, files: "${recipe}/pairs.tsv", src_lang: eng_Latn, tgt_lang: swh_Latn}
  - {step: align}
"""


def write_pairs(folder: Path) -> None:
    """Sentence pairs enough for an aligner to learn from."""
    sides = [("the ferry crosses the river", "kivuko huvuka mto"), ("the farmer sells rice", "mkulima huuza mchele")]
    rows = [f"{english} {number}\t{swahili} {number}" for number in range(200) for english, swahili in sides]
    (folder / "pairs.tsv").write_text("\n".join(["src\ttgt", *rows]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("reference")
    write_pairs(folder)
    recipe = write_recipe(folder, EVERY_STEP)
    run(recipe, folder / "out")
    return recipe, digests(folder / "out")


@pytest.fixture(params=["spark", "flink", "prism"])
def engine(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """Runner name and Beam options of a running engine."""
    if request.param == "prism":
        yield "prism", _without_runner(prism_options())
        return
    server = {"spark": spark_job_server, "flink": flink_job_server}[request.param]
    with server() as options:
        yield "portable", _without_runner(options)


def _without_runner(options: list[str]) -> list[str]:
    return [option for option in options if not option.startswith("--runner=")]


def test_same_bytes(reference: tuple[Path, dict[str, str]], engine: tuple[str, list[str]], tmp_path: Path) -> None:
    recipe, expected = reference
    runner, options = engine
    run(recipe, tmp_path / "out", runner=runner, options=options)
    assert len(expected) > 30
    assert digests(tmp_path / "out") == expected
