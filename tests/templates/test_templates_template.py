"""Templates read once: both ways of writing, what is wrong with one, and the same rows by Arrow and one by one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import pairs
from xlcorpus.errors import UserError
from xlcorpus.templates import sandbox, traced
from xlcorpus.templates.rendered import Rendered
from xlcorpus.templates.template import parse, read_source, rendered_rows

SWAHILI, GREEK = "Mvua imenyesha tangu alfajiri.", "Βρέχει από το πρωί."


def rows(**more: Any) -> pa.RecordBatch:
    batch = pairs([(GREEK, SWAHILI)], "ell_Grek", "swh_Latn")
    for name, values in more.items():
        batch = batch.append_column(name, pa.array(values))
    return batch


def written(found: Rendered) -> list[list[str]]:
    """The pieces of each row: texts, and special tokens as <<name>>, what is trained on in capitals."""
    pieces = found.pieces
    shown = [
        f"<<{found.names[number].name}>>" if number >= 0 else text
        for text, number in zip(pieces.texts.to_pylist(), pieces.specials.tolist(), strict=True)
    ]
    if pieces.trained is not None:
        shown = [text.upper() if one else text for text, one in zip(shown, pieces.trained.tolist(), strict=True)]
    bounds = pieces.offsets.tolist()
    return [shown[start:end] for start, end in pairwise(bounds)]


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("{src}\n{tgt}", f"{GREEK}\n{SWAHILI}"),
        ("{src}\\t{tgt}\\n", f"{GREEK}\t{SWAHILI}\n"),
        ("{tgt} ({src})", f"{SWAHILI} ({GREEK})"),
        ("[{src_lang}] {src} [{tgt_lang}] {tgt}", f"[ell_Grek] {GREEK} [swh_Latn] {SWAHILI}"),
        ("{src}{tgt}={tgt}", GREEK + SWAHILI + "=" + SWAHILI),
        ("{{ '{' }}{{ src }}{{ '}' }}\\n", f"{{{GREEK}}}\n"),
        ("{{ src | upper }}{# not written #}", GREEK.upper()),
        ("{% if tgt is string %}{{ tgt[:4] }}{% endif %}", SWAHILI[:4]),
        (
            "{% for word in tgt.split() %}{{ word }}{% if loop.last %}{% break %}{% endif %}|{% endfor %}",
            "|".join(SWAHILI.split()),
        ),
        ("{{ row['src'] ~ row.tgt }}", GREEK + SWAHILI),
        ("{{ number }} {{ share }} {{ tags | join(', ') }} {{ tags | tojson }}", '7 0.5 α, β ["α", "β"]'),
        ("{% for name in row %}{% if name == 'number' %}{{ row[name] }}{% endif %}{% endfor %}", "7"),
        (
            "{{ none }}{{ none | upper }}{{ none ~ src }}{{ none | default('x', true) }}{{ none | tojson }}",
            GREEK + "xnull",
        ),
    ],
)
def test_texts(template: str, rendered: str) -> None:
    batch = rows(number=[7], share=[0.5], tags=[["α", "β"]], none=pa.array([None], pa.string()))
    assert parse(template).render(batch).texts().to_pylist() == [rendered]
    assert parse(template).render(batch.slice(0, 0)).texts().to_pylist() == []


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("", "uses no column"),
        ("no column", "uses no column"),
        ("{{ eos }}", "uses no column"),
        ("{src} {}", "there is no field ''"),
        ("{src} {0}", "there is no field '0'"),
        ("{src.upper}", r"there is no field 'src\.upper'"),
        ("{src!r}", "there is no field 'src!r'"),
        ("{src:>90}", "there is no field 'src:>90'"),
        ("{src} {tgt", "expected '}' before end of string"),
        ("{src} } {tgt}", "Single '}' encountered"),
        ("{{ src", "line 1: unexpected end of template"),
        ("{{ src }}\n{% if x %}", "line 2: Unexpected end of template"),
        ("{{ src | uper }}", "No filter named 'uper'. did you mean 'upper'?"),
        ("{{ src is strin }}", "No test named 'strin'. did you mean 'string'?"),
        ("{{ special(src) }}", "special is not called as it must be"),
        ("{{ special('<' ~ src) }}", "special is not called as it must be"),
        ("{% set f = special %}{{ src }}", "special is not called as it must be"),
        ("{{ [src] | map('special') }}{{ special }}", "special is not called as it must be"),
        ("{% set eos = src %}{{ eos }}", "'eos' has a meaning of its own"),
        ("{% macro eos() %}x{% endmacro %}{{ src }}{{ eos() }}", "'eos' has a meaning of its own"),
        ("{{ lang_token(src_lang, 'nlb') }}{{ src }}", "no such convention; did you mean 'nllb'?"),
        ("{{ lang_token(src_lang, convention='x') }}{{ src }}", "no such convention"),
        ("{{ lang_token(src_lang, src) }}{{ src }}", "no such convention"),
        ("{{ '\\ud800' }}{{ src }}", "half a surrogate"),
        ("\udcff{{ src }}", "half a surrogate"),
        ("\udcff{src}", "half a surrogate"),
        ("{{ first_tokens(src, 3) | upper }}", "first_tokens is not called, or something alters"),
        ("{{ src }}{{ [first_tokens(src, 3)] | join }}", "first_tokens is not called, or something alters"),
        ("{{ src }}{{ last_tokens }}", "last_tokens is not called, or something alters"),
        ("{% include 'x' %}{{ src }}", "a template is one file"),
        ("{{ src }}{% import 'os' as os %}", "a template is one file"),
        ("{{ src | random }}", "No filter named 'random'"),
    ],
)
def test_what_is_wrong_with_a_template(template: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(template)
    assert message.replace("\\.", ".") in caught.value.message
    assert "--template" in caught.value.message
    assert "{src}" in str(caught.value.remedy) or "name" in str(caught.value.remedy)


def test_columns_are_checked_before_anything_is_read() -> None:
    for template in ("{srx}", "{{ srx | upper }}", "{{ row['srx'] }}"):
        with pytest.raises(UserError, match=r"no column 'srx' in here, which --template uses \(did you mean 'src'\?\)"):
            parse(template).check(rows().schema, "here")
    with pytest.raises(UserError, match=r"\{src\} is text in Jinja, and src is a column of here"):
        parse("{src}{{ eos }}{{ tgt }}").check(rows().schema, "here")
    parse("{other}{{ '{src}' }}{{ tgt }}").check(rows().schema, "here")
    assert parse("{{ src }}{% set x = tgt %}{{ x }}{{ range(2) | length }}{{ bos }}").columns == ("src", "tgt")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ src }}", "1,000,000 steps"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}{{ src }}", "calls itself without end"),
        ("{% for a in range(99) %}{{ src * 99999 }}{% endfor %}", "more than 64 M characters"),
        ("{{ 'x' * 10 ** 12 }}{{ src }}", "more than 64 M characters"),
        ("{{ [src] * 10 ** 9 }}", "1,000,000 steps"),
        ("{{ (src * 9000) | replace('', src * 9000) }}", "more than 64 M characters"),
        (
            "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ src }}",
            "steps",
        ),
        ("{% for a in range(9) %}{% set x = [src] | batch(9999) | list %}{% endfor %}{{ src }}", "1,000,000 steps"),
        ("{% set x = src * 9999 %}{% for a in range(999) %}{% set y = x | upper %}{% endfor %}{{ src }}", "steps"),
        ("{% set x = src * 9999 %}{% for a in range(999) %}{% set y = x.upper() %}{% endfor %}{{ src }}", "steps"),
    ],
)
def test_templates_without_an_end_name_the_row(monkeypatch: pytest.MonkeyPatch, template: str, message: str) -> None:
    monkeypatch.setattr(sandbox, "MOST_STEPS", 10_000)
    monkeypatch.setattr(traced, "_LONGEST", 1 << 20)
    batch = rows()
    with pytest.raises(UserError) as caught:
        parse(template).render(batch)
    assert message in caught.value.message
    assert batch.column("doc_id")[0].as_py().hex() in caught.value.message
    assert batch.column("origin")[0].as_py()["file"] in caught.value.message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ src.nothing }}", "no attribute 'nothing'"),
        ("{{ tags[7] }}", "no element 7"),
        ("{{ tags }}", "a list has no form as text: write for example"),
        ("{{ raise_exception('roles must alternate') }}{{ src }}", "roles must alternate"),
        ("{{ src.__class__ }}", "unsafe"),
        ("{{ src.center(10 ** 9) }}", "unsafe"),
        ("{{ '%99999999d' % 1 }}{{ src }}", "too wide"),
        ("{{ '{:99999999}'.format(1) }}{{ src }}", "too wide"),
        ("{{ src | indent(10 ** 9) }}", "a number above"),
        ("{{ 2 ** 99 }}{{ src }}", "a power above 64"),
        ("{% set n = namespace(x=7) %}{% for a in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}{{ src }}", "bits"),
        ("{{ (10 ** 64) ** 64 }}{{ src }}", "a number of more than 4,096 bits"),
        ("{{ ('[' * 99999) | fromjson }}{{ src }}", "nested too deep"),
        ("{{ ('[' * 99999) | turns }}{{ src }}", "nested too deep"),
        ("{{ tags.append(1) }}", "unsafe"),
        ("{{ eos | tojson }}{{ src }}", "a special token went through"),
        ("{{ lang_token(none) }}{{ src }}", "the label is empty"),
        ("{{ src + 1 }}", "TypeError"),
        ("{{ first_tokens(src, 0) }}", "at least 1 token, not 0"),
        ("{{ first_tokens(src, src) }}", "at least 1 token, not"),
        ("{{ first_tokens(src ~ eos, 9) }}", "special tokens stand in a text that is to be cut"),
    ],
)
def test_a_row_for_which_a_template_fails_is_named_and_the_others_go_on(template: str, message: str) -> None:
    two = pa.Table.from_batches([rows(tags=[["α"]], none=pa.array([None], pa.string()))] * 2).combine_chunks()
    found = parse(template).render(two.to_batches()[0])
    assert [(one.row, one.reason) for one in found.failed] == [(0, "template_failed"), (1, "template_failed")]
    assert message in found.failed[0].message or message == "TypeError"
    assert len(found.pieces.texts) == 0


def test_a_template_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "pairs.jinja").write_text("{% if src %}\n{{ src }}{{ eos }}\n{% endif %}\n", encoding="utf-8")
    source = read_source(str(tmp_path / "pairs.jinja"))
    assert written(parse(source).render(rows())) == [[GREEK, "<<eos>>", "\n"]]


def test_special_tokens_are_pieces_and_text_is_text() -> None:
    template = parse(
        "{{ bos }}{{ special('<2swh>') }}</s>{{ src | lines_to(eos) }}"
        "{% generation %}{{ tgt }}{{ eos }}{% endgeneration %}"
    )
    batch = pairs([("a\nb\r\nc", "x </s>"), ("", "ሰላም")], "ell_Grek", "swh_Latn")
    assert written(template.render(batch)) == [
        ["<<bos>>", "<<<2swh>>>", "</s>", "a", "<<eos>>", "b", "<<eos>>", "c", "X </S>", "<<EOS>>"],
        ["<<bos>>", "<<<2swh>>>", "</s>", "", "ሰላም", "<<EOS>>"],
    ]
    assert {one.name for one in template.specials} == {"bos", "eos", "<2swh>"}
    assert template.trains


def test_turns_of_both_usual_forms() -> None:
    batch = rows(
        conversations=[[{"from": "human", "value": "ምን?"}, {"from": "gpt", "value": "ውሻ"}]],
        told=['[{"role": "user", "content": "wer?"}, {"role": "tool", "content": "x", "name": null}]'],
    )
    template = "{% for turn in COLUMN | turns %}{{ turn.role }}: {{ turn.content }}{{ eos }}{% endfor %}"
    found = [written(parse(template.replace("COLUMN", name)).render(batch)) for name in ("conversations", "told")]
    assert found == [
        [["user: ምን?", "<<eos>>", "assistant: ውሻ", "<<eos>>"]],
        [["user: wer?", "<<eos>>", "tool: x", "<<eos>>"]],
    ]


def test_prompts_with_examples() -> None:
    shots = [[{"q": "1 + 1", "a": "2"}, {"q": "2 + 2", "a": "4"}, {"q": "3 + 3", "a": "6"}]]
    template = (
        "{% for shot in shots[:2] %}Q: {{ shot.q }}\\nA: {{ shot.a }}\\n\\n{% endfor %}"
        "Q: {{ src }}\\nA:{% generation %} {{ tgt }}{{ eos }}{% endgeneration %}"
    )
    (found,) = written(parse(template).render(rows(shots=shots)))
    assert "".join(found) == (
        f"Q: 1 + 1\nA: 2\n\nQ: 2 + 2\nA: 4\n\nQ: {GREEK}\nA: {SWAHILI}".replace(SWAHILI, SWAHILI.upper()) + "<<EOS>>"
    )


OPS = st.lists(
    st.sampled_from(
        [
            "{{ src }}", "{{ tgt }}", "{{ n }}", "{{ bos }}", "{{ eos }}", "{{ special('<x>') }}", "text", "\n",
            "{{ src | lines_to(eos) }}", "{{ lang_token(src_lang) }}", "{{ '</s>' }}", "{{ src ~ ' ' ~ tgt }}",
            "{% generation %}{{ tgt }}{{ eos }}{% endgeneration %}", "{{ row['tgt'] }}",
        ]
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip
TEXTS = st.none() | st.text(st.sampled_from("aሰ😀\n</s>\r \ufdd0"), max_size=8)


@settings(max_examples=25)
@given(OPS, st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from([None, "", "ell_Grek", "swh_Latn"])), max_size=5))
def test_arrow_and_the_sandbox_write_the_same(ops: list[str], values: list[tuple[str | None, ...]]) -> None:
    template = parse("{{ src }}" + "".join(ops))
    assert template.by_arrow
    batch = pa.RecordBatch.from_pydict(
        {
            "src": pa.array([one[0] for one in values], pa.string()),
            "tgt": pa.array([one[1] for one in values], pa.large_string()),
            "src_lang": pa.array([one[2] for one in values], pa.string()).dictionary_encode(),
            "n": pa.array(range(len(values)), pa.int16()),
        }
    )
    fast, slow = template.render(batch), rendered_rows(template, batch)
    assert list(fast.failed) == list(slow.failed)
    assert fast.texts().to_pylist() == slow.texts().to_pylist()

    def merged(found: Rendered) -> list[list[Any]]:
        shown: list[list[Any]] = []
        for row in written(found):
            shown.append([])
            for piece in filter(None, row):
                if shown[-1] and not piece.startswith("<<") and not shown[-1][-1].endswith(">>"):
                    shown[-1][-1] += piece
                else:
                    shown[-1].append(piece)
        return shown

    assert merged(fast) == merged(slow)
