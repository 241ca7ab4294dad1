"""Which documents stay: thresholds by script and language, read from one YAML file or a folder of FineWeb-2's files."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.yaml_file import load_yaml, parse_yaml, yaml_text
from xlcorpus.errors import UserError
from xlcorpus.quality import fineweb2
from xlcorpus.quality.datatrove.signals import datatrove_fields
from xlcorpus.quality.pair_scores import pair_fields
from xlcorpus.quality.rules import Bounds, Layer, Rule, Rules, Section, StopWords
from xlcorpus.quality.signals import signal_fields
from xlcorpus.quality.thresholds_file import TOP_KEYS, parse_file
from xlcorpus.text.labels import names_of, names_of_scripts, script_of

_OF_LANGUAGE = ("lang_score", "lang_disagreement", "pair_lang_disagreement")
DATATROVE_SIGNAL = "dt_n_words"  # a dataset that has it was scored with --signals datatrove


@dataclass(frozen=True)
class PairThresholds:
    """Those of sentence pairs: of each side by its language, and of the pair by its direction.

    pairs: its languages are directions, `eng_Latn-deu_Latn`, its columns any of the pair.
    """

    sides: Thresholds
    pairs: Thresholds


@dataclass(frozen=True)
class Thresholds:
    """Rules by language; layers apply in order, and in each one its default, then the script, then the language.

    warnings: what the files ask for and cannot be had, one sentence each. published: FineWeb-2's files. datatrove: the
    same thresholds for the signals that datatrove counts, where they were made for those. of_pairs: what the same files
    say of sentence pairs; None within these. Picklable; equal content, equal fingerprint.
    """

    layers: tuple[Layer, ...]
    keep_languages: tuple[str, ...] | None = None
    drop_languages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    published: bool = False
    datatrove: Thresholds | None = None
    of_pairs: PairThresholds | None = None
    _known: dict[tuple[str | None, str | None], Rules] = field(default_factory=dict, compare=False, repr=False)

    def rules_for(self, lang: str | None, script: str | None) -> Rules:
        """The rules of a document in `lang` (`swh_Latn`) and `script` (ISO 15924; by default the one in `lang`).

        A language that is named nowhere has its script's rules, a script that is named nowhere the default ones.
        """
        key = (lang, script)
        if key not in self._known:
            self._known[key] = self._resolve(lang, script)
        return self._known[key]

    def _resolve(self, lang: str | None, script: str | None) -> Rules:
        scripts = names_of_scripts(script, script_of(lang or ""))
        languages = names_of(lang, script_of(lang) or script) if lang else []
        bounds: dict[str, Bounds] = {}
        stop_words: StopWords | None = None
        for layer in self.layers:
            section_of_script = next((layer.scripts[name] for name in scripts if name in layer.scripts), None)
            section_of_language = next((layer.languages[name] for name in languages if name in layer.languages), None)
            if section_of_language is not None and section_of_language.alone:
                bounds, stop_words = {}, None
                sections: list[Section | None] = [section_of_language]
            else:
                sections = [layer.default, section_of_script, section_of_language]
            for section in sections:
                if section is None:
                    continue
                for column, change in section.bounds.items():
                    bounds[column] = bounds.get(column, Bounds()).changed(change)
                if section.has_stop_words:
                    stop_words = section.stop_words
        rules = (Rule(name, one.min, one.max, bool(one.drops_missing)) for name, one in bounds.items())
        active = sorted((rule for rule in rules if rule.active), key=lambda rule: _place(rule.column))
        return Rules(tuple(active), stop_words)

    def section_of(self, lang: str | None, script: str | None = None) -> str | None:
        """The name under which the files have a language's own thresholds; None where it follows more general ones."""
        names = names_of(lang, script_of(lang) or script) if lang else []
        sections = self.layers[-1].languages
        return next((name for name in names if name in sections), None)

    def suited_to(self, columns: Collection[str]) -> Thresholds:
        """Those for the signals that datatrove counts, where these were made for them and a dataset has them."""
        if self.datatrove is None or DATATROVE_SIGNAL not in columns:
            return self
        return self.datatrove

    def judging(self, signals: str | None) -> Thresholds:
        """Those for `ours` or for those that `datatrove` counts, whatever a dataset has; None: as `suited_to` finds."""
        if signals is None or self.datatrove is None:
            return self
        return self.datatrove if signals == "datatrove" else replace(self, datatrove=None, _known={})

    def _all_rules(self) -> Iterator[Rules]:
        yield self.rules_for(None, None)
        for layer in self.layers:
            for script in layer.scripts:
                yield self.rules_for(None, script)
            for lang in layer.languages:
                yield self.rules_for(lang, None)

    @functools.cached_property
    def rule_columns(self) -> tuple[str, ...]:
        """The numeric columns that some rule compares, in the order in which rules are applied."""
        names = {rule.column for rules in self._all_rules() for rule in rules.bounds}
        return tuple(sorted(names, key=_place))

    @functools.cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns that a dataset must have: those of the rules, and `lang` and `text` where they are used."""
        by_language = any(layer.languages for layer in self.layers)
        needs_lang = by_language or self.keep_languages is not None or bool(self.drop_languages)
        needs_text = any(rules.stop_words for rules in self._all_rules())
        extra = [name for name, needed in (("lang", needs_lang), ("text", needs_text)) if needed]
        return tuple(dict.fromkeys([*self.rule_columns, *extra]))

    @functools.cached_property
    def needs_word_breakers(self) -> bool:
        """Whether stop words may be looked for among the words that datatrove's word breakers find."""
        exact = (rules.stop_words.exact for rules in self._all_rules() if rules.stop_words)
        return any(exact) or (self.datatrove is not None and self.datatrove.needs_word_breakers)

    @functools.cached_property
    def fingerprint(self) -> str:
        """xxh3-128, in hexadecimal, of the canonical JSON of all that decides."""
        content: dict[str, Any] = {
            "layers": [layer.as_json() for layer in self.layers],
            "keep": self.keep_languages and sorted(set(self.keep_languages)),
            "drop": sorted(set(self.drop_languages)),
        }
        if self.datatrove is not None:
            content["datatrove"] = self.datatrove.fingerprint
        if self.of_pairs is not None:
            content["pairs"] = [self.of_pairs.sides.fingerprint, self.of_pairs.pairs.fingerprint]
        return storage.fingerprint(content)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the rules looked up so far; columns and fingerprint travel along once they are known."""
        return {**self.__dict__, "_known": {}}


@functools.cache
def _signal_order() -> dict[str, int]:
    fields = (*signal_fields(), *datatrove_fields(), *pair_fields())
    return {field.name: index for index, field in enumerate(fields)}


def _place(column: str) -> tuple[int, int, str]:
    """Fixed order of rules: those of language, our signals as the schemas have them, then other columns by name."""
    order = _signal_order()
    if column in _OF_LANGUAGE:
        return (0, _OF_LANGUAGE.index(column), column)
    return (1, order[column], column) if column in order else (2, 0, column)


def load_thresholds(path: Location | str | None = None) -> Thresholds:
    """Thresholds of a YAML file of ours, a FineWeb-2 file (`swh_Latn.yml`) or a folder of them; None: the defaults.

    A language for which a FineWeb-2 folder has no file follows the defaults. Equal files are parsed once a process.
    Raises UserError naming file and key.
    """
    if path is None:
        return _defaults()
    path = storage.locate(path)
    if not storage.is_folder(path):
        return _parse((str(path),), (yaml_text(path),), ())
    files = [file for file in storage.entries_of(path) if file.suffix in (".yml", ".yaml")]
    named = [file for file in files if fineweb2.FILE_NAME.fullmatch(file.name)]
    if not named:
        raise UserError(
            f"{path}: no file here is named like FineWeb-2's, xxx_Yyyy.yml",
            remedy="give the folder `configs` of huggingface/fineweb-2, or one YAML file of thresholds",
        )
    others = tuple(file.name for file in files if file not in named)
    return _parse(tuple(map(str, named)), tuple(map(yaml_text, named)), others, folder=True)


@functools.lru_cache(maxsize=4)  # of contents: a folder is asked for by the check, the fingerprint and the workers
def _parse(names: tuple[str, ...], texts: tuple[str, ...], others: tuple[str, ...], folder: bool = False) -> Thresholds:
    contents = {storage.locate(name): parse_yaml(text, name) for name, text in zip(names, texts, strict=True)}
    if folder:
        return _from_fineweb2(contents, others)
    ((path, content),) = contents.items()
    if fineweb2.FILE_NAME.fullmatch(path.name) and isinstance(content, dict) and not set(content) & set(TOP_KEYS):
        return _from_fineweb2(contents, ())
    return parse_thresholds(content, str(path))


@functools.cache
def _defaults() -> Thresholds:
    return replace(_shipped("defaults.yaml"), of_pairs=_defaults_of_pairs())


@functools.cache
def _defaults_of_pairs() -> PairThresholds:
    """What `pair_defaults.yaml` says: of sides by its own sections, whatever documents have."""
    found = _shipped("pair_defaults.yaml").of_pairs
    assert found is not None
    return found


def _shipped(name: str) -> Thresholds:
    return parse_thresholds(load_yaml(storage.packaged("xlcorpus.quality", name)), name)


def _from_fineweb2(contents: Mapping[Location, Any], others: Sequence[str]) -> Thresholds:
    by_label: dict[str, Location] = {}
    for file in contents:
        if file.stem in by_label:
            raise UserError(
                f"{by_label[file.stem]} and {file.name}: two files for {file.stem}", remedy="take one of them away"
            )
        by_label[file.stem] = file
    ours, datatrove = (_published(contents, others, exact=exact) for exact in (False, True))
    layers = _defaults_of_pairs().sides.layers
    sides, exactly = (replace(one, layers=(*layers, one.layers[-1]), _known={}) for one in (ours, datatrove))
    of_pairs = PairThresholds(replace(sides, datatrove=exactly, _known={}), _defaults_of_pairs().pairs)
    return replace(ours, datatrove=datatrove, of_pairs=of_pairs)


def _published(contents: Mapping[Location, Any], others: Sequence[str], *, exact: bool) -> Thresholds:
    languages: dict[str, Section] = {}
    notes: dict[str, list[str]] = {}
    for file, content in contents.items():
        section, problems = fineweb2.section(content, file, exact=exact)
        languages[file.stem] = section
        for problem in problems:
            notes.setdefault(problem, []).append(file.stem)
    if others:
        notes["file not named xxx_Yyyy.yml: not read"] = list(others)
    warnings = tuple(f"{problem} ({_some(names)})" for problem, names in notes.items())
    layer = Layer(default=Section(), scripts={}, languages=languages)
    return Thresholds(layers=(*_defaults().layers, layer), warnings=warnings, published=True)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def parse_thresholds(content: Any, where: str) -> Thresholds:
    """Thresholds of the content of a YAML file of ours; `where` names it in messages. Raises UserError."""
    written = parse_file(content, where)
    base: tuple[Layer, ...] = _defaults().layers if written.extends else ()
    of_sides: tuple[Layer, ...] = _defaults_of_pairs().sides.layers if written.extends else ()
    of_pairs: tuple[Layer, ...] = _defaults_of_pairs().pairs.layers if written.extends else ()
    languages, directions = written.languages, written.directions
    return Thresholds(
        layers=(*base, written.layer),
        keep_languages=languages.keep,
        drop_languages=languages.drop or (),
        of_pairs=PairThresholds(
            Thresholds((*of_sides, written.layer), languages.keep, languages.drop or ()),
            Thresholds((*of_pairs, written.pairs), directions.keep, directions.drop or ()),
        ),
    )
