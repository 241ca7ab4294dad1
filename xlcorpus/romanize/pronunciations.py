"""Text in IPA by pronunciation lexicons: a word, TAB, how it is read, a line, as `lexicon words` and ASR systems write.

Whistle (Yusuyin et al. 2025, arXiv:2406.02166) trains on such lexicons, corrected by hand.
"""

from __future__ import annotations

import unicodedata

import regex
import xxhash

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.text.labels import language_of, normalize_label, script_of

_WORD = regex.compile(r"[\p{L}\p{M}](?:[\p{L}\p{M}\u200c\u200d]|['’](?=\p{L}))*")
_EXAMPLE = "name each after its language (swh_Latn.txt), a line: habari, TAB, hɑbɑɾi"


class Pronunciations:
    """Each word as its language's lexicon has it; what is not a word (digits, punctuation, spaces) stays as it is."""

    name = "pronunciations"
    column = "text_ipa"

    def __init__(self, path: str) -> None:
        """Read a lexicon, or a folder of them, each named after its language.

        Raises UserError where a name is no language, a line is not word TAB form, or there is no file.
        """
        place = storage.locate(path)
        files = sorted(storage.entries_of(place)) if storage.is_folder(place) else [place]
        self._forms: dict[tuple[str, str], dict[str, str]] = {}
        content = xxhash.xxh3_128()
        for file in files:
            named = file.name.split(".")[0]
            label = normalize_label(named)
            if not script_of(named):
                raise UserError(f"{file}: the name {file.name!r} is no language and script", remedy=_EXAMPLE)
            content.update(f"{label} {storage.fingerprint_of_file(file)}\n".encode())
            self._forms[language_of(label), script_of(label)] = _forms_of(file)
        if not files:
            raise UserError(f"{path} holds no pronunciation lexicon", remedy=_EXAMPLE)
        self.version = content.hexdigest()

    def romanize(self, text: str, lcode: str | None, script: str | None) -> str | None:
        """See `text.romanizer.Tool`; None without a lexicon, or where it lacks a word of the text."""
        if not text:
            return ""
        of_language = [forms for (lang, own), forms in self._forms.items() if lang == lcode and script in (None, own)]
        if not of_language:
            return None
        forms = of_language[0]
        read = [forms.get(_folded(word)) for word in _WORD.findall(text)]
        found = iter(read)
        return None if None in read else _WORD.sub(lambda _: str(next(found)), text)


def _forms_of(file: storage.Location) -> dict[str, str]:
    """The first form of each word."""
    forms: dict[str, str] = {}
    try:
        lines = storage.read_text(file).splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8", remedy=_EXAMPLE) from error
    for number, line in enumerate(lines, 1):
        word, tab, form = line.partition("\t")
        if not (word.strip() and tab and form.strip()) and line.strip():
            raise UserError(f"{file}, line {number}: {line[:40]!r} is not a word, TAB, its form", remedy=_EXAMPLE)
        if line.strip():
            forms.setdefault(_folded(word.strip()), form.strip())
    return forms


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word).lower()
