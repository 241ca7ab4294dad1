"""What a user may ask of a mix, and the mix spec that it comes to."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from xlcorpus.errors import UserError, nearest
from xlcorpus.mix.census import Counting
from xlcorpus.mix.ratios_option import check_ratios, parse_ratios
from xlcorpus.mix.rule import MOST_EPOCHS, RULES
from xlcorpus.mix.shipped import load_mix
from xlcorpus.mix.spec import MixSpec, chosen_where, needs, parse_mix
from xlcorpus.mix.templated import PAIRS
from xlcorpus.mix.units import meaning_of
from xlcorpus.options import StepOptions, option
from xlcorpus.pairs.swap import AS_IS, Directions
from xlcorpus.templates.chat import CHAT
from xlcorpus.templates.template import read_source
from xlcorpus.text.sizes import parse_size
from xlcorpus.tokenizer.objectives import special_ids_around, usual_objective
from xlcorpus.tokenizer.open import open_once
from xlcorpus.tokenizer.template import Ids

_ONE_OF = ("ratios", "rule", "mix", "match_tokens_to")


class Options(StepOptions):
    """Options of mix."""

    files: ClassVar[tuple[str, ...]] = ("tokenizer", "mix", "match_tokens_to", "languages_from")
    ratios: dict[str, float] | None = option(
        None, description="shares of the mixture by language, kind or source: eng_Latn=0.3,code=0.7"
    )
    rule: str | None = option(None, description="a rule instead: unimax, temperature=1.5, exponent=0.3, uniform, ...")
    by: Literal["source", "kind", "lang", "direction", "script", "domain"] | None = option(
        None, description="what the rule shares out among; default: lang"
    )
    on_cap: Literal["fail", "redistribute"] | None = option(
        None, description="what the rule does where data is short: fail, or give the others more"
    )
    mix: str | None = option(None, description="a file with a tree of rules, or a shipped mix (docs/mix.md)")
    match_tokens_to: str | None = option(None, description="a finished mix whose units of each language to match")
    languages: list[str] = option(
        [], description="mix these alone: labels, nearest:3:swh_Latn, diverse:5 (by --languages-from)"
    )
    languages_from: str | None = option(
        None, only={"languages": ()}, description="what `xlcorpus languages` wrote, to choose languages by"
    )
    budget: int | Literal["largest"] | None = option(
        None, description="size of the mixture, e.g. 2M, or largest; default: what the mix says, or the largest"
    )
    unit: Literal["tokens", "bytes", "chars", "docs"] | None = option(
        None, description="what ratios and budget are counted in; default: tokens"
    )
    tokenizer: str | None = option(
        None, description="tokenizer that will train, to count tokens with; default: an estimate, pre-tokens"
    )
    objective: Literal["clm", "mlm", "span", "plain"] | None = option(
        None,
        only={"tokenizer": ()},
        description="that of the `pack` that follows, whose special ids count as tokens; default: clm",
    )
    bos: bool | None = option(None, only={"tokenizer": ()}, description="bos before each text, as `pack` will be told")
    eos: bool | None = option(None, only={"tokenizer": ()}, description="eos after each text, as `pack` will be told")
    max_epochs: float | None = option(
        None, gt=0, le=MOST_EPOCHS, description="how often a text may be used; default: 1"
    )
    directions: str = option(
        AS_IS,
        description="which way round pairs are used: as-is, swapped, both, into=eng_Latn or from=eng_Latn",
    )
    template: str = option(
        PAIRS, description="how a sentence pair, or a row with other columns, becomes a text (docs/templates.md)"
    )
    latin: bool = option(False, description="offer the romanised texts of documents too, as the kind translit")
    shards: int | None = option(
        None, ge=1, le=100_000, description="number of output shards; default: one for each 64 MB of text"
    )
    exchange: Literal["files", "runner"] = option(
        "files", description="how texts move: through spill files, or through the runner's shuffle"
    )

    @field_validator("languages", mode="before")
    @classmethod
    def _read_languages(cls, value: Any) -> Any:
        values = [value] if isinstance(value, str) else value
        return [name.strip() for one in values for name in str(one).split(",")] if isinstance(values, list) else value

    @field_validator("ratios", mode="before")
    @classmethod
    def _read_ratios(cls, value: Any) -> Any:
        texts = [value] if isinstance(value, str) else value
        return parse_ratios(texts) if isinstance(texts, list) and all(isinstance(one, str) for one in texts) else value

    @field_validator("ratios")
    @classmethod
    def _check_ratios(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        return value if value is None else check_ratios(value)

    @field_validator("budget", mode="before")
    @classmethod
    def _read_budget(cls, value: Any) -> Any:
        return value if value is None or value == "largest" else parse_size(value, "--budget")

    @field_validator("template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        return value if value == CHAT else read_source(value)

    @field_validator("directions")
    @classmethod
    def _check_directions(cls, value: str) -> str:
        assert Directions.parse(value)  # raises UserError for what is none
        return value

    @property
    def ways(self) -> Directions:
        """Which way round pairs are used."""
        return Directions.parse(self.directions)

    @model_validator(mode="after")
    def _check_what_is_asked(self) -> Options:
        given = [name for name in _ONE_OF if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(_flag(name) for name in given) or "nothing"
            raise UserError(
                f"mix: {what} says what the mixture is", remedy="give one of --ratios, --rule, --mix, --match-tokens-to"
            )
        for name in ("by", "on_cap"):
            if getattr(self, name) is not None and self.rule is None:
                raise UserError(f"mix: {_flag(name)} goes with --rule", remedy="leave it out")
        if self.languages and self.ratios is not None:
            raise UserError("mix: --ratios names the languages itself", remedy="leave out --languages, or give --rule")
        fixed = self.fixed() if self.rule is not None or self.tokenizer is not None else None
        if self.tokenizer is not None and self.unit_of(fixed) != "tokens":
            raise UserError(
                f"--tokenizer counts tokens, and this mix counts {self.unit_of(fixed)}",
                remedy="leave it out, or say --unit tokens",
            )
        if self.template == CHAT and self.tokenizer is None:
            raise UserError(
                f"--template {CHAT} is that of a tokenizer", remedy="give --tokenizer, or a template of your own"
            )
        return self

    def unit_of(self, spec: MixSpec | None) -> str:
        """The unit of the mix."""
        return self.unit or (spec.unit if spec is not None else "tokens")

    def counting(self, spec: MixSpec | None) -> Counting:
        """What is to be counted for a spec (`fixed`)."""
        around = self.around()
        specials = sum(map(len, around))
        own = (() if self.bos is not True else around[0], () if self.eos is not True else around[1])
        within = own if self.template == CHAT else around
        what = self.unit_of(spec), self.tokenizer, self.template, self.latin
        return Counting(*what, *needs(spec), specials, within, self.ways)

    def around(self) -> tuple[Ids, Ids]:
        """Special ids before and after each text that count as its tokens."""
        if self.tokenizer is None:
            return (), ()
        opened = open_once(self.tokenizer)
        return special_ids_around(opened, self.objective or usual_objective(opened), self.bos, self.eos)

    def unit_means(self, spec: MixSpec | None) -> str:
        """The unit in words."""
        return meaning_of(self.unit_of(spec), self.tokenizer, self.around())

    def fixed(self) -> MixSpec | None:
        """The spec, where it does not depend on the data: for ratios it does (None). Raises UserError."""
        if self.ratios is not None:
            return None
        found = self._found()
        return (
            found.at(where=chosen_where(found.where, self.languages, self.languages_from)) if self.languages else found
        )

    def _found(self) -> MixSpec:
        if self.mix is not None:
            found = load_mix(self.mix)
            return found if self.unit is None or self.unit == found.unit else found.at(unit=self.unit)
        name = f"--rule {self.rule}" if self.match_tokens_to is None else "--match-tokens-to"
        content = self._rule() if self.match_tokens_to is None else {"rule": "match", "to": self.match_tokens_to}
        return parse_mix({"name": name, "unit": self.unit or "tokens", "mix": content}, name)

    def _rule(self) -> dict[str, Any]:
        name, equals, value = str(self.rule).partition("=")
        simple = simple_rules()
        if name not in simple:
            raise UserError(
                f"--rule: there is no rule {name!r} that one value describes; {nearest(name, simple)}",
                remedy=f"give one of {', '.join(simple)}, or a file with --mix (docs/mix.md)",
            )
        rule, content = RULES.all[name], {"rule": name}
        if equals:
            if rule.value is None:
                raise UserError(f"--rule {name} takes no value", remedy=f"write --rule {name}")
            content[rule.value] = value
        elif any(rule.parameters().values()):
            raise UserError(f"--rule {name} needs its {rule.value}", remedy=f"write --rule {name}={rule.example}")
        if rule.shares_out:
            content["by"] = self.by or "lang"
        elif self.by is not None:
            raise UserError(
                f"--by: the rule {name!r} shares out among nothing",
                remedy="leave it out, or give rules within it in a file with --mix (docs/mix.md)",
            )
        if self.on_cap:
            content["on_cap"] = self.on_cap
        return content


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def simple_rules() -> tuple[str, ...]:
    """The rules that a name, or a name and one value, describe."""
    return tuple(name for name, rule in RULES.all.items() if rule.alone)
