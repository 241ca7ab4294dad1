"""Read the content of a thresholds file of ours: every error names file, section and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError, nearest
from xlcorpus.pairs.sides import SIDES, of_side
from xlcorpus.quality.datatrove.signals import datatrove_fields
from xlcorpus.quality.fineweb2 import MIN_STOP_WORDS
from xlcorpus.quality.rules import Bounds, Layer, Section, StopWords, is_number
from xlcorpus.quality.signals import signal_fields
from xlcorpus.text.labels import canonical_direction, normalize_label, script_of
from xlcorpus.text.properties import script_names

TOP_KEYS = (
    *("extends", "default", "scripts", "languages", "keep_languages", "drop_languages"),
    *("pairs", "directions", "keep_directions", "drop_directions"),
)
_STOP_WORDS = "stop_words"
_MISSING = {"drop": True, "keep": False}  # whether a row without a value goes
_OF_PAIRS = ("pair_", "src_q_", "tgt_q_", "src_dt_", "tgt_dt_", "q_", "dt_")  # beginnings of names that are ours
_MORE_SCRIPTS = ("Jpan", "Hans", "Hant", "Kore", "Zyyy")  # labels of texts that Unicode's property has no name for


@dataclass(frozen=True)
class Wanted:
    """Labels of which rows are kept alone, or go; None where the file does not say."""

    keep: tuple[str, ...] | None
    drop: tuple[str, ...] | None


@dataclass(frozen=True)
class Written:
    """What a file says: its sections, whether they change the shipped defaults, and languages wanted or not.

    layer: of documents, and of each side of sentence pairs; pairs: of the pair itself, its languages are directions.
    """

    layer: Layer
    extends: bool
    languages: Wanted
    pairs: Layer
    directions: Wanted


def parse_file(content: Any, where: str) -> Written:
    """The content of a YAML file of ours, checked; `where` names it in messages. Raises UserError."""
    top = _mapping(content, where, "")
    for key in top:
        if key not in TOP_KEYS:
            raise UserError(
                f"{where}: unknown key {key!r}; {nearest(str(key), TOP_KEYS)}",
                remedy=f"a thresholds file holds {', '.join((*TOP_KEYS[1:], TOP_KEYS[0]))}",
            )
    extends = top.get("extends")
    if extends not in (None, "defaults"):
        raise UserError(
            f"{where}: extends: {extends!r} is not known", remedy="write `extends: defaults`, or leave it out"
        )
    scripts = {}
    known_scripts = (*script_names(), *_MORE_SCRIPTS)
    for name, section in _mapping(top.get("scripts") or {}, where, "scripts").items():
        if name not in known_scripts:
            raise UserError(
                f"{where}: scripts: {name!r} is no script; {_near_script(str(name), known_scripts)}",
                remedy="use ISO 15924 codes, such as Latn, Thai or Hani",
            )
        scripts[name] = _section(section, where, f"scripts: {name}")
    languages = {}
    for name, section in _mapping(top.get("languages") or {}, where, "languages").items():
        languages[str(name)] = _section(section, where, f"languages: {name}")
    directions = {}
    for name, section in _mapping(top.get("directions") or {}, where, "directions").items():
        label = _label(name, f"{where}: directions", sides=2)
        if label in directions:
            raise UserError(f"{where}: directions: {label} is there twice, as {name!r} too", remedy="put them together")
        directions[label] = _section(section, where, f"directions: {name}", of_pairs=True)
    wanted = {}
    for what in ("languages", "directions"):
        lists = [_labels(top.get(f"{how}_{what}"), where, f"{how}_{what}") for how in ("keep", "drop")]
        wanted[what] = Wanted(*lists)
    return Written(
        layer=Layer(default=_section(top.get("default"), where, "default"), scripts=scripts, languages=languages),
        extends=extends is not None,
        languages=wanted["languages"],
        pairs=Layer(
            default=_section(top.get("pairs"), where, "pairs", of_pairs=True), scripts={}, languages=directions
        ),
        directions=wanted["directions"],
    )


def _label(name: Any, place: str, *, sides: int) -> str:
    """A language, or a direction of two, as rows have it: `kor_Hang` of `kor_Kore` (`canonical_label`)."""
    what, how = ("direction", "eng_Latn-deu_Latn") if sides == 2 else ("language", "swh_Latn")
    if not isinstance(name, str) or name.count("-") != sides - 1:
        both = "both labels with a hyphen" if sides == 2 else "its label"
        raise UserError(f"{place}: {name!r} is no {what}", remedy=f"write {both}: {how}")
    for part in name.split("-"):
        if not script_of(part):
            raise UserError(
                f"{place}: {part!r} is no label of a language with its script",
                remedy=f"write {normalize_label(part)}, say",
            )
    return canonical_direction(name)


def _near_script(name: str, known: tuple[str, ...]) -> str:
    hint = nearest(name, known)
    return hint if hint.startswith("did") else "ISO 15924 has four letters, the first a capital"


def _mapping(value: Any, where: str, path: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        place = f"{where}: {path}" if path else where
        raise UserError(
            f"{place}: expected a mapping, found {_kind(value)}", remedy="write `name: {min: 1, max: 2}` lines"
        )
    return value


def _kind(value: Any) -> str:
    names = {type(None): "nothing", str: "a string", list: "a list", bool: "true or false", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _labels(value: Any, where: str, key: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    directions = key.endswith("directions")
    what, example = ("directions", "eng_Latn-deu_Latn") if directions else ("languages", "swh_Latn")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UserError(f"{where}: {key}: expected a list of {what}", remedy=f"write `{key}: [{example}, ...]`")
    return tuple(_label(name, f"{where}: {key}", sides=2 if directions else 1) for name in value)


def _section(value: Any, where: str, path: str, *, of_pairs: bool = False) -> Section:
    """A section; of_pairs: its columns are those of pairs."""
    bounds: dict[str, Bounds | None] = {}
    stop_words: StopWords | None = None
    has_stop_words = False
    signals = [field.name for field in (*signal_fields(), *datatrove_fields())]
    if of_pairs:
        signals = [*(of_side(side, name) for side in SIDES for name in signals), *load_schema("pair").names]
    for name, content in _mapping({} if value is None else value, where, path).items():
        place = f"{where}: {path}: {name}"
        if name == _STOP_WORDS and of_pairs:
            raise UserError(f"{place}: stop words are of a language", remedy="name them under `languages`")
        if name == _STOP_WORDS:
            stop_words, has_stop_words = _stop_words(content, place), True
            continue
        if not isinstance(name, str):
            raise UserError(f"{place}: a column's name must be a string", remedy="put it in quotation marks")
        ours = _OF_PAIRS if of_pairs else ("q_", "dt_")
        if name not in signals and (name.startswith(ours) or f"{ours[0]}{name}" in signals):
            more = () if of_pairs else ("lang_score", _STOP_WORDS)
            listed = "quality-1.yaml, datatrove-1.yaml" + (" (with src_ or tgt_) and pair-1.yaml" if of_pairs else "")
            raise UserError(
                f"{place}: there is no such signal; {nearest(name, [*signals, *more])}",
                remedy=f"schemas/{listed} list the signals",
            )
        bounds[name] = None if content is None else _bounds(content, place)
    return Section(bounds=bounds, stop_words=stop_words, has_stop_words=has_stop_words)


def _bounds(content: Any, place: str) -> Bounds:
    if not isinstance(content, dict):
        raise UserError(f"{place}: expected {{min: ..., max: ...}}, found {_kind(content)}", remedy="write {min: 0.3}")
    values: dict[str, float | None] = {}
    missing = content.get("missing")
    if "missing" in content and str(missing) not in _MISSING:
        raise UserError(
            f"{place}: missing: {missing!r} is not known", remedy="write `missing: drop`, or `missing: keep`"
        )
    for key, value in content.items():
        if key == "missing":
            continue
        if key not in ("min", "max"):
            raise UserError(
                f"{place}: unknown key {key!r}; {nearest(str(key), ('min', 'max', 'missing'))}",
                remedy="use min and max, and missing: drop",
            )
        if value is not None:
            if not is_number(value):
                raise UserError(f"{place}: {key} must be a number, found {value!r}", remedy="null switches a rule off")
            value = float(value)
        values[key] = value
    low, high = values.get("min"), values.get("max")
    if low is not None and high is not None and low > high:
        raise UserError(f"{place}: min {low:g} is above max {high:g}: no document can pass", remedy="swap them")
    return Bounds(low, high, "min" in values, "max" in values, _MISSING.get(str(missing)))


def _stop_words(content: Any, place: str) -> StopWords | None:
    if content is None:
        return None
    if isinstance(content, list):
        content = {"words": content}
    if not isinstance(content, dict) or not set(content) <= {"words", "min"} or "words" not in content:
        raise UserError(f"{place}: expected a list of words", remedy="write `stop_words: {words: [na, ya], min: 2}`")
    words, least = content["words"], content.get("min", MIN_STOP_WORDS)
    if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
        raise UserError(f"{place}: words must be a list of strings", remedy="put words such as true in quotation marks")
    if isinstance(least, bool) or not isinstance(least, int) or least < 0:
        raise UserError(f"{place}: min must be a whole number, found {least!r}", remedy="write min: 2")
    return StopWords.of(words, least)
