"""Word mining against an oracle that errs: what is kept, what that is worth, what an answer's word is."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from tests.mine.oracle import HUBS, LANGS, Oracle, gold_sides, made_word
from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import Vectors
from xlcorpus.lexicon.words import by_frequency, words_in
from xlcorpus.mine.backend import Answer, Answered, Decoding
from xlcorpus.mine.backends.scripted import Scripted
from xlcorpus.mine.fitting import Fitted, fitting
from xlcorpus.mine.vocabulary import Vocabulary
from xlcorpus.mine.word_options import languages_of
from xlcorpus.mine.word_prompts import SHOTS_TEMPLATE, Build, WordPrompts, check_templates, nearest_examples
from xlcorpus.mine.word_rows import bands_of, decisions_of, result_of
from xlcorpus.mine.words import Mining, Round, Rules, read_answers

WORDS = 6000
DECODING = Decoding(new_tokens=5, beams=5, returns=5)


def vectors(side: int) -> Vectors:
    """Vectors in which words of near numbers are near."""
    angle = np.linspace(0, 3, WORDS)
    matrix = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    return Vectors([made_word(number, side) for number in range(WORDS)], np.ones(WORDS, dtype=np.int64), matrix)


def mined(oracle: Oracle, queries: int, **rules: object) -> tuple[Mining, list[Round]]:
    sides = gold_sides(WORDS)
    mining = Mining(sides, WordPrompts(LANGS, vectors), oracle, DECODING, Rules(**rules))  # type: ignore[arg-type]
    return mining, mining.rounds((sides[0].words[:queries], sides[1].words[:queries]))


KNOWN = tuple({made_word(number, side): number for number in range(WORDS)} for side in (0, 1))


def first_word(oracle: Oracle, side: int, number: int) -> int | None:
    """The number of the first answer that is a word, letter by letter."""
    for said in oracle.says(side, number):
        word = said.strip().split(" ")[0].split(".")[0].split("।")[0].lower()
        if word in KNOWN[1 - side]:
            return KNOWN[1 - side][word]
    return None


@pytest.mark.parametrize(("error", "queries"), [(0.0, 500), (0.15, 4000), (0.4, 4000), (0.8, 2000), (1.0, 300)])
def test_the_filter_is_worth_what_is_computed(error: float, queries: int) -> None:
    """Precision and recall of raw and confirmed pairs, from the oracle's own errors by a program of its own."""
    oracle = Oracle(WORDS, error)
    _, rounds = mined(oracle, queries, rounds=0)
    firsts = [{n: first_word(oracle, side, n) for n in range(queries)} for side in (0, 1)]
    expected = set()
    for number, said in firsts[0].items():
        if said is not None and first_word(oracle, 1, said) == number:
            expected.add((number, said))
    for number, said in firsts[1].items():
        if said is not None and first_word(oracle, 0, said) == number:
            expected.add((said, number))
    found = rounds[-1].pairs
    assert {(one.src, one.tgt) for one in found} == {(made_word(s, 0), made_word(t, 1)) for s, t in expected}
    assert len(found) == len(expected)
    right = sum(src == tgt for src, tgt in expected)
    raw = sum(firsts[0][number] == number for number in range(queries))
    near = 4 * np.sqrt(error * (1 - error) / queries) + 1e-9 + (error > 0) / 100  # another word by chance is right
    assert abs(raw / queries - (1 - error)) <= near
    assert abs(right / queries - (1 - error) ** 2) <= 2 * near
    if 0 < error < 0.5:
        assert right / len(expected) >= 0.97 > raw / sum(said is not None for said in firsts[0].values())


def test_what_is_asked_back_is_what_was_not_asked_for() -> None:
    oracle = Oracle(WORDS, 0.4)
    _, (only,) = mined(oracle, 400, rounds=0)
    (_, words), (phase, back) = oracle.asked
    assert phase == "back-0"
    assert len(words) == len(set(words)) == 800
    assert words[0] == f"The English word {made_word(0, 0)} in Hindi is:"
    assert words[400] == f"The Hindi word {made_word(0, 1)} in English is:"
    assert not set(words) & set(back)
    assert len(back) == len(set(back)) == sum(only.asked_back)
    wanted = {first_word(oracle, 0, number) for number in range(400)} - {None}
    assert only.asked_back[1] == len({number for number in wanted if number is not None and number >= 400})


def test_a_round_with_examples() -> None:
    """They come of the round before, nearest first, never the word itself; what is found later says so."""
    oracle = Oracle(WORDS, 0.4, error_with_shots=0.1)
    mining, (zero, one) = mined(oracle, 600, rounds=1)
    phases = dict(oracle.asked)
    known = {pair.src: pair for pair in zero.pairs}
    order = {word: place for place, word in enumerate(mining.sides[0].words)}
    for word, prompt in zip(mining.sides[0].words[:600], phases["words-1"], strict=False):
        *lines, last = prompt.split("\n")
        assert last == f"The English word '{word}' in Hindi is"
        sources = [line.split("'")[1] for line in lines]
        assert lines == [f"The English word '{src}' in Hindi is {known[src].tgt}." for src in sources]
        near = [round(float(np.cos(3 / (WORDS - 1) * (order[src] - order[word]))), 6) for src in known if src != word]
        got = [round(float(np.cos(3 / (WORDS - 1) * (order[src] - order[word]))), 6) for src in sources]
        assert word not in sources
        assert got == pytest.approx(sorted(near, reverse=True)[:5], abs=2e-6)
    before, after = ({(pair.src, pair.tgt) for pair in done.pairs} for done in (zero, one))
    assert len(after) > len(before)
    assert {(pair.src, pair.tgt): pair.iteration for pair in one.pairs} == {p: int(p not in before) for p in after}
    assert {pair.rank_f for pair in one.pairs} == {pair.rank_b for pair in one.pairs} == {1}
    assert {pair.score for pair in one.pairs} <= {0.9048, 0.7408, 0.6065, 0.5488, 0.4493, 0.5}


def test_more_answers_back_confirm_more() -> None:
    oracle = Oracle(WORDS, 0.5)
    few, many = (mined(oracle, 500, rounds=0, agree=agree)[1][-1].pairs for agree in (1, 3))
    assert {(pair.src, pair.tgt) for pair in few} < {(pair.src, pair.tgt) for pair in many}
    assert {pair.rank_b for pair in many} == {1, 2}


def test_nothing_confirmed_ends_the_rounds() -> None:
    _, rounds = mined(Oracle(WORDS, 1.0), 3, rounds=4)
    assert [one.number for one in rounds] == list(range(len(rounds)))
    assert len(rounds) == 1 or rounds[0].pairs


def test_every_queried_word_is_in_a_pair_or_has_a_reason() -> None:
    oracle = Oracle(WORDS, 0.4)
    mining, rounds = mined(oracle, 700, rounds=0)
    queries = (mining.sides[0].words[:700], mining.sides[1].words[:700])
    result = result_of(mining.sides, queries, rounds, "mined", keep_text=True)
    decisions = result.decisions
    assert decisions is not None
    said = {(row["lang"], row["text"]): row["reason"] for row in decisions.to_pylist()}
    assert len(said) == decisions.num_rows == len({row["doc_id"] for row in decisions.to_pylist()})
    for side, lang in enumerate(LANGS):
        paired = {row[("src", "tgt")[side]] for row in result.rows.to_pylist()}
        for number, word in enumerate(queries[side]):
            answers = oracle.says(side, number)
            if word in paired:
                reason = None
            elif first_word(oracle, side, number) is None:
                reason = "out_of_vocabulary" if answers else "no_answer"
            else:
                reason = "not_confirmed"
            assert said.get((lang, word)) == reason
    bands = bands_of(mining.sides, queries, rounds[-1])
    assert [(one.begin, one.end, one.queried) for one in bands] == [(1, 100, 100), (101, 500, 400), (501, 1000, 200)]
    assert sum(one.confirmed for one in bands) == len({row["src"] for row in result.rows.to_pylist()} & {*queries[0]})
    assert HUBS < bands[0].confirmed < 100


def test_known_pairs_are_examples_of_every_round() -> None:
    """Written as the dictionary has them, found as the texts have them, from either side; no pair is mined by them."""
    oracle, sides = Oracle(WORDS, 0.9, error_with_shots=0.1), gold_sides(WORDS)
    seeds = [(made_word(number, 0).upper(), made_word(number, 1)) for number in (10, 20, 900)]
    mining = Mining(sides, WordPrompts(LANGS, vectors), oracle, DECODING, Rules(rounds=1))
    zero, one = mining.rounds((sides[0].words[:200], sides[1].words[:200]), seeds)
    phases = dict(oracle.asked)
    lines = {src: f"The English word '{src}' in Hindi is {tgt}." for src, tgt in seeds}
    at_12, at_10 = phases["words-0"][12].split("\n"), phases["words-0"][10].split("\n")
    assert at_12 == [*lines.values(), f"The English word '{made_word(12, 0)}' in Hindi is"]
    assert at_10[:-1] == [lines[seeds[1][0]], lines[seeds[2][0]]]
    back = f"The Hindi word '{made_word(10, 1)}' in English is {seeds[0][0]}."
    assert phases["words-0"][200 + 12].split("\n")[0] == back
    assert any(back in prompt for prompt in phases["words-1"])
    assert len(zero.pairs) > 150
    assert {pair.iteration for pair in one.pairs} == {0}


def test_equal_words() -> None:
    """A model that repeats words confirms all of them: dropped unless they are wanted."""
    words = ("hotel", "taxi", "haus")
    sides = (Vocabulary("eng_Latn", words, (3, 2, 1)), Vocabulary("deu_Latn", words, (3, 2, 1)))

    def repeats(phase: str, prompts: list[str], decoding: Decoding) -> list[Answered]:
        return [Answered((Answer(prompt.split()[3]),)) for prompt in prompts]

    prompts = WordPrompts(("eng_Latn", "deu_Latn"), vectors)
    for keep in (False, True):
        mining = Mining(sides, prompts, repeats, DECODING, Rules(rounds=0, keep_equal=keep))  # type: ignore[arg-type]
        (only,) = mining.rounds((words, words))
        assert (only.equal, [pair.src for pair in only.pairs]) == ((0, [*words]) if keep else (3, []))
        reasons = decisions_of(sides, (words, words), only).column("reason").to_pylist()
        assert reasons == ([] if keep else ["equal_sides"] * 6)
    assert {pair.score for pair in only.pairs} == {None}


@pytest.mark.parametrize(
    ("lang", "text", "answer", "word"),
    [
        ("deu_Latn", "Das Haus ist groß.", " Haus. The English", "haus"),
        ("deu_Latn", "Das Haus ist groß.", '"GROẞ", oder', "groß"),
        ("deu_Latn", "Das Haus ist groß.", '"Haus", oder', "haus"),
        ("deu_Latn", "Das Haus ist groß.", " Häuser", None),
        ("deu_Latn", "Das Haus ist groß.", "", None),
        ("deu_Latn", "Das Haus ist groß.", " . Haus", None),
        ("deu_Latn", "Zum Beispiel", " zum-Beispiel", None),
        ("tur_Latn", "Işık IŞIK ılık İnek", " IŞIK.", "ışık"),
        ("tur_Latn", "Işık IŞIK ılık İnek", " İNEK", "inek"),
        ("ell_Grek", "ο σοφός είπε", " ΣΟΦΌΣ", "σοφός"),
        ("hin_Deva", "घर बड़ा है।", " घर। The", "घर"),
        ("hin_Deva", "बड़ा", "बड़ा".replace("ड़", "\u0921\u093c"), "बड\u093cा"),
        ("urd_Arab", "یہ گھر ہے", " گھر۔", "گھر"),
        ("amh_Ethi", "ቤት ትልቅ ነው።", "ቤት።", "ቤት"),
        ("hye_Armn", "տունը մեծ է։", "տունը։", "տունը"),
        ("fra_Latn", "C’est l’eau", " l'eau.", "l'eau"),
        ("fra_Latn", "C’est l’eau", " L’EAU", "l'eau"),
        ("yor_Latn", "ilé ńlá", " ile\u0301", "ilé"),
    ],
)
def test_the_word_that_an_answer_names(lang: str, text: str, answer: str, word: str | None) -> None:
    vocabulary = Vocabulary.of(lang, by_frequency([words_in(pa.array([text]), lang, None)]))
    assert vocabulary.named([answer]) == [word]


class Cutter:
    """A word breaker that knows two words."""

    name, version, scripts = "two", "1", frozenset({"Thai", "Hans"})

    def cuts(self, run: str) -> list[int]:
        """Where one of them begins or ends."""
        found = [(run.find(word), len(word)) for word in ("บ้าน", "散步") if word in run]
        return sorted({place for at, size in found for place in (at, at + size)} - {0, len(run)})


@pytest.mark.parametrize(
    ("lang", "text", "answer", "word"),
    [
        ("tha_Thai", "แม่กลับบ้านแล้ว", " บ้าน", "บ้าน"),
        ("tha_Thai", "แม่กลับบ้านแล้ว", " บ้านแล้ว เป็น", "บ้าน"),
        ("tha_Thai", "แม่กลับบ้านแล้ว", " แล้วบ้าน", "แล้ว"),
        ("zho_Hans", "我们在河边散步", " 散步。这", "散步"),
        ("zho_Hans", "我们在河边散步", " 我们", None),
    ],
)
def test_the_word_of_an_answer_without_spaces(lang: str, text: str, answer: str, word: str | None) -> None:
    vocabulary = Vocabulary.of(lang, by_frequency([words_in(pa.array([text]), lang, Cutter())]), Cutter())
    assert vocabulary.named([answer]) == [word]


def test_a_vocabulary_is_by_frequency_and_without_numbers() -> None:
    texts = pa.array(["Nyumba mbili, nyumba 3.", "2019 nyumba kubwa x2"])
    table = by_frequency([words_in(part, "swh_Latn", None) for part in (texts[:1], texts[1:])])
    found = Vocabulary.of("swh_Latn", table)
    assert (found.words, found.counts) == (("nyumba", "kubwa", "mbili"), (3, 1, 1))
    assert table.equals(by_frequency([words_in(texts, "swh_Latn", None)]))


def test_an_answer_of_one_word_twice_counts_by_its_best() -> None:
    into = Vocabulary("deu_Latn", ("haus", "heim"), (2, 1))
    given = [Answered((Answer("x", -0.1), Answer(" Haus", -1.0), Answer(" haus.", -2.0), Answer("Heim", -3.0)))]
    (said,) = read_answers(given, into)
    assert said.words == (("haus", -1.0), ("heim", -3.0))
    assert (said.first, said.place("heim"), said.place("hof"), said.score("heim")) == ("haus", 2, None, -3.0)


def test_neighbours_are_those_of_all_by_cosine() -> None:
    draw = random.Random(5)
    words = [f"w{number}" for number in range(40)]
    matrix = np.array([[draw.gauss(0, 1) for _ in range(4)] for _ in words], dtype=np.float32)
    table = Vectors(words, np.ones(40, dtype=np.int64), matrix)
    known = [*draw.sample(words, 15), "unseen"]
    found = nearest_examples([*words, "new"], known, table, 4)

    def cosine(one: str, other: str) -> float:
        if not {one, other} <= set(words):
            return 0.0
        a, b = (matrix[words.index(word)].astype(float) for word in (one, other))
        return round(float(a @ b / np.sqrt((a @ a) * (b @ b))), 6)

    for word, places in zip([*words, "new"], found, strict=True):
        others = [place for place, one in enumerate(known) if one != word]
        assert places == sorted(others, key=lambda place: (-cosine(word, known[place]), place))[:4]
    assert found[-1] == [0, 1, 2, 3]


def test_names_of_languages() -> None:
    prompts = WordPrompts(("srp_Cyrl", "srp_Latn"), vectors)
    assert prompts(0, ["реч"], []) == ["The Serbian (Cyrillic) word реч in Serbian (Latin) is:"]
    assert prompts(1, ["reč"], []) == ["The Serbian (Latin) word reč in Serbian (Cyrillic) is:"]


def test_examples_that_do_not_fit_are_left_out() -> None:
    oracle = Oracle(WORDS, 0.2)
    mining, (zero,) = mined(oracle, 50, rounds=0)

    def fit(shots: Sequence[Sequence[str]], build: Build) -> Fitted:
        return fitting(Scripted({}, length=30), shots, build, DECODING)

    whole, cut = WordPrompts(LANGS, vectors), WordPrompts(LANGS, vectors, fit=fit)
    words, known = mining.sides[0].words[:20], [(one.src, one.tgt) for one in zero.pairs]
    for one, other in zip(whole(0, words, known), cut(0, words, known), strict=True):
        *examples, last = one.split("\n")
        assert other.split("\n") == [*examples[:2], last]  # 8 words each, and 7 and 5 new tokens
    assert (whole.dropped, cut.dropped) == (0, 60)
    with pytest.raises(UserError, match="without any example"):
        WordPrompts(LANGS, vectors, SHOTS_TEMPLATE, "word " * 30 + "{word} {answer}", fit=fit)(0, words, known)


def test_what_is_refused() -> None:
    for pair, message in (("eng_Latn", "no two languages"), ("eng_Latn:eng_Latn", "both sides"), (":", "no language")):
        with pytest.raises(UserError, match=message):
            languages_of(pair)
    with pytest.raises(UserError, match=r"no document is in 'swg_Latn'; did you mean 'swh_Latn'"):
        languages_of("swg_Latn:eng_Latn", ["swh_Latn", "eng_Latn", ""])
    assert languages_of("swh_Latn:eng_Latn", ["swh_Latn", "eng_Latn"]) == ("swh_Latn", "eng_Latn")
    check_templates("{word} = ", "{word} = {answer}")
    with pytest.raises(UserError, match=r"does not write \{answer\}"):
        check_templates("{word} = ", "{word} = ")
    with pytest.raises(UserError, match=r"does not write \{word\}"):
        check_templates("{src_name} = ", "{word} = {answer}")
    with pytest.raises(UserError, match="'wort'"):
        check_templates("{wort} = ", "{word} = {answer}")
