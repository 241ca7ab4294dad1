"""Languages that count as one where sentences are judged: models tell them apart by little in a short text.

Without macrolanguages 1.6 % of right documents of NTREX have sentences of more than one language, 48 % of the Cantonese
ones among them; with them 0.6 %, and none of those (docs/sentence-languages.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from xlcorpus.dataset.storage import in_home, read_text
from xlcorpus.errors import UserError, naming
from xlcorpus.text.aliases import macrolanguage_of
from xlcorpus.text.hashes import digest_bytes
from xlcorpus.text.labels import language_of, script_of
from xlcorpus.text.language_names import check_language

MACROLANGUAGE, NONE = "macrolanguage", "none"


@dataclass(frozen=True)
class Close:
    """macrolanguages: whether the parts of one count as one language; groups: more languages that do."""

    macrolanguages: bool = True
    groups: tuple[frozenset[str], ...] = ()

    def same(self, label: str, other: str) -> bool:
        """Whether two labels of one script count as one language."""
        one, two = language_of(label), language_of(other)
        if one == two or script_of(label) != script_of(other):
            return label == other
        if any(one in group and two in group for group in self.groups):
            return True
        return self.macrolanguages and (macrolanguage_of(one) or one) == (macrolanguage_of(two) or two)


def close_languages(given: str) -> Close:
    """`macrolanguage`, `none`, or macrolanguages and the groups of a file: languages with spaces or commas between, a
    group a line, `#` before a remark.

    Raises UserError where the file cannot be read, or a word in it is no language.
    """
    return Close(given != NONE, _groups(given) if given not in (MACROLANGUAGE, NONE) else ())


def fingerprint_of(given: str) -> str:
    """What the rule is to the identity of a run: its name, or xxh3-128 of the file."""
    return given if given in (MACROLANGUAGE, NONE) else digest_bytes(_content(given).encode())


def _groups(given: str) -> tuple[frozenset[str], ...]:
    groups = []
    for number, line in enumerate(_content(given).splitlines(), 1):
        with naming(f"--sentence-close {given}, line {number}"):
            group = frozenset(
                language_of(check_language(word)) for word in line.partition("#")[0].replace(",", " ").split()
            )
            if len(group) == 1:
                raise UserError(f"{line.strip()!r} is one language alone", remedy="write: hin mai bho")
        groups += [group] if group else []
    return tuple(groups)


def _content(given: str) -> str:
    try:
        return read_text(in_home(given))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--sentence-close {given}: {getattr(error, 'strerror', None) or error}",
            remedy=f"write {MACROLANGUAGE}, {NONE}, or the path of a text file with close languages on each line",
        ) from error
