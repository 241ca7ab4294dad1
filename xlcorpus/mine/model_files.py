"""What a model's files are, for the keys of calls and the fingerprints of runs."""

from __future__ import annotations

import functools

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, State
from xlcorpus.errors import UserError

_DECIDE = (".safetensors", ".bin", ".json", ".model", ".gguf", ".txt", ".jinja")  # weights, config, tokenizer
_NOT_OF_THE_MODEL = ("run.json", "trainer_state.json")  # they hold times


def fingerprint_of_model(place: Location, *, below: bool = False) -> str:
    """xxh3-128, hex, of a file, or of the files of a folder by name: weights, config, tokenizer. below: also those in
    folders of it. Files are read once a process, as long as they stay as they are.

    Raises UserError where there is none.
    """
    if not storage.exists(place):
        raise UserError(f"{place} does not exist", remedy="name a folder that save_pretrained wrote")
    if not storage.is_folder(place):
        return _print_of(place, storage.state_of(place))
    files = storage.files_below(place) if below else storage.entries_of(place)
    kept = [one for one in files if one.suffix in _DECIDE and one.name not in _NOT_OF_THE_MODEL]
    return storage.fingerprint([(str(one.relative_to(place)), _print_of(one, storage.state_of(one))) for one in kept])


@functools.lru_cache(maxsize=1 << 10)
def _print_of(file: Location, state: State) -> str:
    return storage.fingerprint_of_file(file)
