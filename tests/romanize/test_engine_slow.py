"""Every real text of the shared data, with and without its language, against the installed uroman (20 minutes).

One folder: `pytest -m slow tests/romanize/test_engine_slow.py -k ntrex`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.romanize_texts import FOLDERS, distinct, read_folder
from tests.romanize.uroman_reference import Reference, difference
from xlcorpus.romanize.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("by_language", [False, True], ids=["without-lcode", "with-lcode"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_of_a_folder(reference: Reference, shared_data: Path, folder: str, by_language: bool) -> None:
    if not (shared_data / folder).is_dir():
        pytest.skip(f"the shared data has no folder {folder}")
    texts = distinct(read_folder(shared_data, folder), by_language=by_language)
    assert len(texts) > 1000
    engine = Engine()
    differing = [(code, text) for code, text in texts if difference(engine, reference, text, code)]
    assert differing == []
