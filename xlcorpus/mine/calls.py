"""The answers of a model, kept: a call is asked once, whoever asks it, in whatever run.

A folder of Parquet files that are written whole and never changed, so several workers may add to it at once; a file is
named by the keys of its calls. Two workers that ask one call at the same time keep equal keys twice; the first read
is taken.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import StorageError, UserError
from xlcorpus.mine.backend import Answer, Answered, Decoding, Model
from xlcorpus.text.hashes import digest_bytes, digests_of

SCHEMA = pa.schema(
    [
        ("key", pa.binary(16)),  # xxh3-128 of model, decoding and prompt
        ("model", pa.string()),  # its identity, JSON
        ("decoding", pa.string()),  # JSON
        ("prompt", pa.string()),
        ("answers", pa.list_(pa.field("element", pa.struct([("text", pa.string()), ("score", pa.float64())])))),
        ("prompt_tokens", pa.int32()),
        ("new_tokens", pa.int32()),
    ]
)
KEPT_AT_ONCE = 64  # answers that a run that is killed may lose


def keys_of(identity: str, decoding: Decoding, prompts: Sequence[str]) -> list[bytes]:
    """xxh3-128 of the model's identity, the decoding and each prompt; 16 bytes each."""
    begin = f"{identity}\0{_json(decoding)}\0"
    joined = digests_of([(begin + prompt).encode("utf-8", "surrogatepass") for prompt in prompts])
    return [joined[16 * number : 16 * number + 16] for number in range(len(prompts))]


@dataclass(frozen=True)
class Spent:
    """Calls that were needed, of these asked now, and tokens in and out: of those needed, and of those asked."""

    calls: int = 0
    asked: int = 0
    prompt_tokens: int = 0
    new_tokens: int = 0
    asked_prompt_tokens: int = 0
    asked_new_tokens: int = 0
    refused: int = 0  # of the calls that were needed

    @property
    def noted(self) -> dict[str, int]:
        """For manifests: without what was asked, as what was known before says nothing of rows; `refused` if any."""
        found = {name: value for name, value in asdict(self).items() if not name.startswith("asked")}
        return {name: value for name, value in found.items() if value or name != "refused"}

    def __add__(self, more: Spent) -> Spent:
        """Both together."""
        return Spent(*(one + other for one, other in zip(asdict(self).values(), asdict(more).values(), strict=True)))


@dataclass
class Calls:
    """Answers that lie in folders. folder: which new ones are written to; refused: a folder of this run, for prompts
    that were refused; None: they are not kept."""

    folder: Location
    refused: Location | None = None
    _tables: dict[str, dict[str, pa.Table]] = field(default_factory=dict)
    _places: dict[str, dict[bytes, tuple[str, int]]] = field(default_factory=dict)  # of a folder: key to file and row

    def ask(self, model: Model, prompts: Sequence[str], decoding: Decoding) -> tuple[list[Answered], Spent]:
        """The answers to prompts, in order; those that are not known are asked, equal ones once, and kept.

        What had come is kept when the model fails (UserError, an interrupt).
        """
        keys = keys_of(model.identity, decoding, prompts)
        known = self.find(keys)
        missing = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in known}
        for key, answered in self._asked(model, missing, decoding):
            known[key] = answered
        tokens = [[known[key] for key in some] for some in (dict.fromkeys(keys), missing)]
        into, asked_into = (sum(one.prompt_tokens for one in some) for some in tokens)
        out, asked_out = (sum(one.new_tokens for one in some) for some in tokens)
        refused = sum(one.refused for one in tokens[0])
        spent = Spent(len(tokens[0]), len(missing), into, out, asked_into, asked_out, refused)
        return [known[key] for key in keys], spent

    def _asked(self, model: Model, missing: dict[bytes, str], decoding: Decoding) -> Iterator[tuple[bytes, Answered]]:
        keys, prompts = list(missing), list(missing.values())
        waiting: list[tuple[bytes, str, Answered]] = []
        try:
            for number, answered in model.generate(prompts, decoding) if prompts else ():
                waiting.append((keys[number], prompts[number], answered))
                if len(waiting) >= KEPT_AT_ONCE:
                    self._keep(model.identity, decoding, waiting)
                    waiting.clear()
                yield keys[number], answered
        finally:
            if waiting:
                self._keep(model.identity, decoding, waiting)

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Answered]:
        """The known answers among calls of these keys."""
        found: dict[bytes, Answered] = {}
        for folder in self._folders:
            self._read(folder)
            places, rows = self._places[str(folder)], dict[str, list[int]]()
            for key in dict.fromkeys(keys):
                if key in places and key not in found:
                    file, number = places[key]
                    rows.setdefault(file, []).append(number)
            for file, numbers in rows.items():
                table = self._tables[str(folder)][file].select(["key", "answers", "prompt_tokens", "new_tokens"])
                for row in table.take(pa.array(numbers)).to_pylist():
                    answers = tuple(Answer(one["text"], one["score"]) for one in row["answers"])
                    tokens = row["prompt_tokens"], row["new_tokens"]
                    found[row["key"]] = Answered(answers, *tokens, refused=folder == self.refused)
        return found

    def table(self, keys: Iterable[bytes] | None = None) -> pa.Table:
        """Calls as `SCHEMA`, each once, by key: all, or those of these keys; without what was refused."""
        table = pa.concat_tables([SCHEMA.empty_table(), *self._read(self.folder)]).combine_chunks()
        if keys is not None:
            table = table.filter(pc.is_in(table["key"], pa.array(list(keys), pa.binary(16))))
        order = np.argsort(np.array(table["key"].to_pylist(), dtype="S16"), kind="stable")
        table = table.take(pa.array(order))
        names = table["key"].to_pylist()
        return table.filter(pa.array([not at or names[at] != names[at - 1] for at in range(len(names))], pa.bool_()))

    @property
    def _folders(self) -> list[Location]:
        return [self.folder] if self.refused is None else [self.folder, self.refused]

    def _read(self, folder: Location) -> list[pa.Table]:
        known, places = self._tables.setdefault(str(folder), {}), self._places.setdefault(str(folder), {})
        for file in storage.entries_of(folder) if storage.is_folder(folder) else ():
            if file.name not in known and file.suffix == ".parquet" and not file.name.startswith("."):
                known[file.name] = _read_calls(file)
                for number, key in enumerate(known[file.name]["key"].to_pylist()):
                    places.setdefault(key, (file.name, number))
        return list(known.values())

    def _keep(self, identity: str, decoding: Decoding, rows: Sequence[tuple[bytes, str, Answered]]) -> None:
        for folder in self._folders:
            here = [row for row in rows if row[2].refused == (folder == self.refused)]
            if here:
                self._keep_in(folder, identity, decoding, here)

    def _keep_in(
        self, folder: Location, identity: str, decoding: Decoding, rows: Sequence[tuple[bytes, str, Answered]]
    ) -> None:
        said = _json(decoding)
        table = pa.Table.from_pylist(
            [
                {
                    "key": key,
                    "model": identity,
                    "decoding": said,
                    "prompt": prompt,
                    "answers": [asdict(one) for one in answered.answers],
                    "prompt_tokens": answered.prompt_tokens,
                    "new_tokens": answered.new_tokens,
                }
                for key, prompt, answered in sorted(rows, key=lambda row: row[0])
            ],
            schema=SCHEMA,
        )
        write_calls(table, folder / f"{digest_bytes(b''.join(table['key'].to_pylist()))}.parquet")


def write_calls(table: pa.Table, location: Location) -> None:
    """Write calls as a file, atomically. Raises StorageError."""
    try:
        with (
            storage.writing(location) as temporary,
            storage.parquet_writer(temporary, SCHEMA, compression="zstd") as to,
        ):
            to.write_table(table)
    except OSError as error:
        raise StorageError(
            f"{location}: answers cannot be kept: {error.strerror or error}", remedy="free space there"
        ) from error


def _read_calls(file: Location) -> pa.Table:
    try:
        table = storage.read_parquet(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{file} cannot be read: {error}", remedy="remove it: its calls are asked again") from error
    if not table.schema.equals(SCHEMA):
        raise UserError(f"{file} holds no calls of a model", remedy="name a folder that --calls wrote")
    return table


@functools.lru_cache(maxsize=1 << 10)
def _json(decoding: Decoding) -> str:
    return json.dumps(asdict(decoding), sort_keys=True)
