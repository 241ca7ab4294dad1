"""What input files are called: names that are valid text, the same on every machine, and different for each file."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

from xlcorpus.dataset.storage import Location

_COMPRESSION_OF = {"gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bz2", "xz": "xz"}


def clean_name(name: str) -> str:
    r"""NFC (macOS file systems may hand out NFD), bytes that are no UTF-8 as `\xff`: names go into Arrow strings."""
    return name if name.isascii() else unicodedata.normalize("NFC", _encodable(name))


def _encodable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown(path: Location) -> str:
    r"""A path as messages show it: what cannot be printed (line breaks, bytes that are no UTF-8) as `\n`, `\xff`."""
    text = _encodable(str(path))
    return text if text.isprintable() else "".join(map(_shown_character, text))


def _shown_character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def tell_apart(files: Sequence[tuple[str, Location, Location]]) -> list[str]:
    """A name for each file, all different: (name, path, path without links) of each.

    Of files with one name those are called by the very bytes of theirs for which that makes a difference (a name in
    NFD beside the one in NFC); what is equal then has as many folders put in front as it takes.
    """
    names = [name for name, _, _ in files]
    for group in _equal(names):
        for at in group:
            depth = names[at].count("/") + 1
            names[at] = "/".join(_encodable(part) for part in files[at][1].parts[-depth:])
    for group in _equal(names):
        depth = names[group[0]].count("/") + 1
        for more in range(depth + 1, max(len(files[at][2].parts) for at in group) + 1):
            longer = [clean_name("/".join((*files[at][2].parts[-more:-depth], names[at]))) for at in group]
            if len(set(longer)) == len(group):
                for at, name in zip(group, longer, strict=True):
                    names[at] = name.lstrip("/")
                break
    return names


def _equal(names: Sequence[str]) -> list[list[int]]:
    """The positions of names that occur more than once, together."""
    groups: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        groups.setdefault(name, []).append(at)
    return [group for group in groups.values() if len(group) > 1]


def own_name(name: str) -> str:
    """The file's name without folders."""
    return name.rpartition("/")[2]


def suffixes_of(name: str) -> tuple[str, str | None]:
    """What a name says of format and compression: of `docs.jsonl.gz` jsonl, gzip; '' and None where it says nothing."""
    parts = name.lower().split(".")[1:]
    compression = _COMPRESSION_OF.get(parts[-1]) if parts else None
    if compression is not None:
        parts = parts[:-1]
    return (parts[-1] if parts else ""), compression


def uncompressed_name(name: str) -> str:
    """The file's own name without the suffix that says how it is compressed."""
    own = own_name(name)
    return own if suffixes_of(own)[1] is None else own.rpartition(".")[0]


def without_suffixes(name: str, suffixes: Collection[str]) -> str:
    """The name without the suffixes that say format (one of `suffixes`) and compression."""
    suffix, compression = suffixes_of(name)
    for _ in range((suffix in suffixes) + (compression is not None)):
        name = name.rpartition(".")[0]
    return name or "input"
