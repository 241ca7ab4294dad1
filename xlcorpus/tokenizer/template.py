"""The special ids that a tokenizer itself puts around a text and a pair: `<s> A </s>`, `[CLS] A [SEP] B [SEP]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xlcorpus.dataset.storage import Location, is_file, read_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.sentencepiece_model import HF_CONFIG

CONFIGS = (HF_CONFIG, "special_tokens_map.json")
Ids = tuple[int, ...]


@dataclass(frozen=True)
class Template:
    """single: ids before and after a text; pair: before, between and after two texts; whatever `add_special_tokens`
    would add, nothing where the tokenizer adds nothing."""

    single: tuple[Ids, Ids] = ((), ())
    pair: tuple[Ids, Ids, Ids] = ((), (), ())

    def of_roles(self, ids: Mapping[str, int | None]) -> Template:
        """Without the ids that no role has: a language's, which is not that of each text."""
        known = set(ids.values())
        before, after, *pair = (tuple(one for one in part if one in known) for part in (*self.single, *self.pair))
        return Template((before, after), (pair[0], pair[1], pair[2]))

    @property
    def ids(self) -> Ids:
        """All ids in it."""
        return tuple(number for part in (*self.single, *self.pair) for number in part)


def template_of(library: Any, post_processor: Any) -> Template:
    """What a post-processor of the library `tokenizers` adds, found by giving it texts of one token each."""
    if post_processor is None:
        return Template()
    probe = library.Tokenizer(library.models.WordLevel({"a": 0}, unk_token="a"))
    probe.post_processor = post_processor
    before, *_, after = _special_ids(probe.encode("a"), 1)
    first, between, *_, last = _special_ids(probe.encode("a", "a"), 2)
    return Template((before, after), (first, between, last))


def settings_beside(file: Location) -> dict[str, Any]:
    """What the CONFIGS beside a tokenizer's file say, the first that says it; raises UserError where one is no JSON."""
    found: dict[str, Any] = {}
    for name in CONFIGS:
        path = file.parent / name
        try:
            value = read_json(path) if is_file(path) else {}
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path} cannot be read as JSON: {error}", remedy="restore the file, or remove it"
            ) from error
        found = {**value, **found} if isinstance(value, dict) else found
    return found


def stated_template(settings: Mapping[str, Any], bos: int | None, eos: int | None) -> Template:
    """What add_bos_token and add_eos_token of `settings_beside` say."""
    before, after = (
        (number,) if number is not None and settings.get(f"add_{role}_token") is True else ()
        for role, number in (("bos", bos), ("eos", eos))
    )
    return Template((before, after), (before, after + before, after))


def _special_ids(encoding: Any, texts: int) -> list[Ids]:
    """Special ids before, between and after the texts, at least texts + 1 runs of them."""
    parts: list[list[int]] = [[]]
    for number, sequence in zip(encoding.ids, encoding.sequence_ids, strict=True):
        if sequence is None:
            parts[-1].append(number)
        else:
            parts.append([])
    parts += [[]] * (texts + 1 - len(parts))
    return [tuple(part) for part in parts]
