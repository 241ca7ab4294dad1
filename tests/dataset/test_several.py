"""Several datasets read as one: no row is lost, and what is known of a column stays known."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from tests.rows import documents, write_dataset
from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.dataset import Dataset, shard_fields
from xlcorpus.dataset.features import metadata_of
from xlcorpus.dataset.several import Several
from xlcorpus.dataset.storage import locate
from xlcorpus.tags.columns import label_columns

SWAHILI = documents(["Habari ya asubuhi.", "Asante sana."], names=["a", "b"])
THAI = documents(["สวัสดีตอนเช้า"], names=["c"])


def united(folder: Path, *batches: pa.RecordBatch) -> list[Dataset]:
    datasets = [
        write_dataset(folder / str(number), [batch], arrow_schema=batch.schema) for number, batch in enumerate(batches)
    ]
    return Several(tuple(datasets)).united(locate(folder))


def test_rows_of_a_dataset_that_has_none_of_the_columns(tmp_path: Path) -> None:
    with_editor = put_columns(THAI, {"editor": pa.array(["สมชาย"])})
    found = united(tmp_path, SWAHILI, with_editor)
    assert [one.to_arrow(["editor"])["editor"].to_pylist() for one in found] == [[None, None], ["สมชาย"]]


def test_names_of_classes(tmp_path: Path) -> None:
    """Numbers of tags keep their names where another column differs."""
    classes = {"feature": {"names": ["O", "B-LOC"], "_type": "ClassLabel"}, "_type": "List"}
    tags = pa.array([[0, 1, 0, 0]], pa.list_(pa.int64()))
    tokens = pa.array([["สวัสดี", "ตอน", "เช้า", "."]])
    tagged = put_columns(THAI, {"tokens": tokens, "ner_tags": tags})
    tagged = tagged.replace_schema_metadata(metadata_of({"ner_tags": json.dumps(classes)}))
    more = put_columns(tagged, {"editor": pa.array(["สมชาย"]), "doc_id": SWAHILI.column("doc_id").slice(0, 1)})
    for one in united(tmp_path, tagged, more.replace_schema_metadata(tagged.schema.metadata)):
        fields = shard_fields(one.shards[0])
        assert label_columns(fields).names == {"ner_tags": ("O", "B-LOC")}
        assert one.to_arrow().num_rows == 1
