"""Which tokens of a Hugging Face tokenizer are pad, bos, eos, ...: as its settings say, or by well-known names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlcorpus.tokenizer.tokenizer import ROLES

# Names by which special tokens are known where no tokenizer_config.json says which is which; the first that is there.
_NAMES: dict[str, tuple[str, ...]] = {
    "pad": ("<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>", "<|endofpad|>"),
    "unk": ("<unk>", "[UNK]", "<|unk|>"),
    "bos": ("<s>", "<bos>", "[BOS]", "<|begin_of_text|>", "<|startoftext|>", "<|endoftext|>"),
    "eos": ("</s>", "<eos>", "[EOS]", "<|end_of_text|>", "<|endoftext|>"),
    "mask": ("<mask>", "[MASK]", "<|mask|>"),
    "cls": ("[CLS]", "<cls>"),
    "sep": ("[SEP]", "<sep>"),
}


def special_roles(
    settings: Mapping[str, Any], value: Mapping[str, Any], vocab: Mapping[str, int]
) -> dict[str, int | None]:
    """Ids by role: as the settings beside the file say, or, where they name none, by well-known names."""
    named: dict[str, str] = {}
    for role in ROLES:
        entry = settings.get(f"{role}_token")
        content = entry.get("content") if isinstance(entry, dict) else entry
        if isinstance(content, str):
            named[role] = content
    if not any(f"{role}_token" in settings for role in ROLES):
        special = {token["content"] for token in value.get("added_tokens") or [] if token.get("special")}
        for role, names in _NAMES.items():
            found = next((name for name in names if name in special), None)
            if found is not None:
                named[role] = found
        unknown = value["model"].get("unk_token")
        if isinstance(unknown, str):
            named["unk"] = unknown
    roles = {role: vocab.get(named[role]) if role in named else None for role in ROLES}
    number = value["model"].get("unk_id")
    if roles["unk"] is None and isinstance(number, int):
        roles["unk"] = number
    return roles
