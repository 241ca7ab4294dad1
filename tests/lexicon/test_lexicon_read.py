"""Dictionary files: formats, languages, faults on purpose, the real dictionaries."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lexicon.lexicon_files import found_in, langs, pairs, write
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.errors import UserError
from xlcorpus.lexicon.contents import sizes_of, translations
from xlcorpus.lexicon.dictionaries import fingerprint_of_dictionaries, into_partners, open_index, read_entries
from xlcorpus.lexicon.dictionary_file import read_dictionary
from xlcorpus.lexicon.formats import codes_of_name, source_names
from xlcorpus.lexicon.index import Direction

DOGS = [("dog", "Hund"), ("cat", "Katze")]


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("en-de.txt", "dog Hund\ncat Katze\n", "muse"),
        ("en-de.0-5000.txt", "dog\tHund\ncat Katze", "muse"),
        ("eng_Latn-deu_Latn.txt", "\ufeffdog Hund\r\n\r\n  \t \r\ncat\t Katze \r\n", "muse"),
        ("en-de.tsv", "en\tde\ndog\tHund\ncat\tKatze\n", "tsv"),
        ("en-de.tsv", "en\tde\tpos\ndog\tHund\tn\ncat\tKatze\tn\n", "tsv"),
        ("animals.tsv", "eng\tdeu\ndog\tHund\ncat\tKatze\n", "tsv"),
        ("animals.tsv", "eng_Latn\tdeu_Latn\ndog\tHund\ncat\tKatze\n", "tsv"),
        ("en-de.tsv", "TGT\tsrc\nHund\tdog\nKatze\tcat\n", "tsv"),
        ("animals.csv", "src_lang,src,tgt_lang,tgt,score\neng-000,dog,deu-000,Hund,\nen,cat,de,Katze,\n", "csv"),
        ("en-de.csv", 'word,translation\n"dog","Hund"\n\ncat,"Katze"\n', "csv"),
        ("en-de.csv", "en;de\ndog;Hund\ncat;Katze\n", "csv"),
    ],
)
def test_text_formats(tmp_path: Path, name: str, content: str, format: str) -> None:
    path = write(tmp_path, name, content)
    packed = write(tmp_path, f"packed/{name}.gz", gzip.compress(content.encode()))
    unnamed = write(tmp_path, f"bz2/{name}", bz2.compress(content.encode()))
    for one in (path, packed, unnamed):
        read = read_dictionary(one)
        assert (pairs(read.entries), read.format, read.rows) == (DOGS, format, 2)
        assert langs(read.entries) == {("eng_Latn", "deu_Latn")}
        assert read.entries["source"].to_pylist() == [name.split(".")[0]] * 2
        assert read.entries["score"].null_count == 2


def test_scores(tmp_path: Path) -> None:
    muse = write(tmp_path, "en-de.txt", "dog Hund 0.5\ncat\tKatze\t1e2\nfish Fisch\n")
    assert read_dictionary(muse).entries["score"].to_pylist() == [0.5, 100.0, None]
    named = write(tmp_path, "en-de.csv", "src,tgt,freq,source\ndog,Hund,7,panlex|x\ncat,Katze,,\n")
    entries = read_dictionary(named).entries
    assert entries["score"].to_pylist() == [7.0, None]
    assert entries["source"].to_pylist() == ["panlex|x", ""]


def test_a_header_is_not_an_entry_and_an_entry_no_header(tmp_path: Path) -> None:
    # `is` and `est` are also codes of languages
    path = write(tmp_path, "en-fr.txt", "is\test\nto\tà\n")
    assert pairs(read_dictionary(path).entries) == [("is", "est"), ("to", "à")]
    path = write(tmp_path, "dictionary.txt", "is\test\nto\tà\n")
    assert pairs(read_dictionary(path, src="en", tgt="fr").entries) == [("is", "est"), ("to", "à")]
    assert pairs(read_dictionary(path, src="en", tgt="fr", format="muse").entries) == [("is", "est"), ("to", "à")]


def test_languages_from_options_names_and_texts(tmp_path: Path) -> None:
    path = write(tmp_path, "words.txt", "dog собака\ncat кошка\n")
    assert langs(read_dictionary(path, src="en", tgt="rus_Cyrl").entries) == {("eng_Latn", "rus_Cyrl")}
    # the script is that of the texts where the code leaves it open
    assert langs(read_dictionary(path, src="en", tgt="sr").entries) == {("eng_Latn", "srp_Cyrl")}
    serbian = write(tmp_path, "en-sr.txt", "dog pas\ncat mačka\n")
    assert langs(read_dictionary(serbian).entries) == {("eng_Latn", "srp_Latn")}
    # a language without a known script, and one whose name says it
    assert langs(read_dictionary(write(tmp_path, "en-aii.txt", "dog ܟܠܒܐ\n")).entries) == {("eng_Latn", "aii_Syrc")}
    assert codes_of_name(Path("en-pa-Arab.tsv.gz")) == ("en", "pa-Arab")
    assert codes_of_name(Path("en-apd-SD.tsv.gz")) == ("en", "apd-SD")
    assert codes_of_name(Path("sat-Latn-en.tsv")) == ("sat-Latn", "en")
    assert codes_of_name(Path("dictionary.tsv")) is None
    assert codes_of_name(Path("en-en.tsv")) is None


def test_languages_have_codes_and_names_of_every_usual_kind(tmp_path: Path) -> None:
    words = "dog mbwa\ncat paka\n"
    for src, tgt in [("English", "Swahili"), ("english", "swh_Latn"), ("en-GB", "sw-KE"), ("eng", "Kiswahili")]:
        read = read_dictionary(write(tmp_path, "words.txt", words), src=src, tgt=tgt)
        assert langs(read.entries) == {("eng_Latn", "swh_Latn")}
    named = write(tmp_path, "words.tsv", "English\tSwahili\ndog\tmbwa\n")
    assert langs(read_dictionary(named).entries) == {("eng_Latn", "swh_Latn")}
    rows = "English,dog,Swahili,mbwa\neng-000,dog,als-000,qen\neng-000,dog,zyb-001,ma\nen,dog,zh-TW,狗\n"
    table = write(tmp_path, "all.csv", "src_lang,src,tgt_lang,tgt\n" + rows)
    assert {tgt for _, tgt in langs(read_dictionary(table).entries)} == {
        "swh_Latn", "als_Latn", "zyb_Latn", "zho_Hant"
    }  # fmt: skip
    with pytest.raises(UserError, match=r"'als' is no language: it may be als_Latn \(Tosk Albanian\) or gsw_Latn"):
        read_dictionary(write(tmp_path, "en-als.txt", "dog qen\n"))
    assert langs(read_dictionary(write(tmp_path, "en-cpf.tsv", "en\tcpf\ndog\tchyen\n")).entries) == {
        ("eng_Latn", "cpf_Latn")
    }
    # a first line that names two languages other than those of the file's name is an entry
    path = write(tmp_path, "en-de.tsv", "German\tDeutsch\nEnglish\tEnglisch\n")
    assert pairs(read_dictionary(path).entries)[0] == ("German", "Deutsch")


def test_lexicons_of_another_version_are_refused(tmp_path: Path) -> None:
    table = pa.table({name: ["a"] for name in ("src", "tgt", "src_lang", "tgt_lang")})
    pq.write_table(table.replace_schema_metadata({b"xlcorpus.schema": b"lexicon-1"}), tmp_path / "old.parquet")
    with pytest.raises(UserError, match=r"its schema is lexicon-1, not lexicon-2\n  remedy: build it again"):
        read_entries([tmp_path / "old.parquet"])


def test_chinese_is_split_by_its_characters(tmp_path: Path) -> None:
    path = write(tmp_path, "en-zh.tsv", "en\tzh\nhorse\t马\nhorse\t馬\nperson\t人\n")
    entries = read_entries([path]).table
    found = sorted(zip(entries["tgt_lang"].to_pylist(), entries["tgt"].to_pylist(), strict=True))
    assert found == [("zho_Hans", "人"), ("zho_Hans", "马"), ("zho_Hant", "人"), ("zho_Hant", "馬")]
    one = read_entries([path], tgt="zho_Hant").table
    assert langs(one) == {("eng_Latn", "zho_Hant")}
    assert one.num_rows == 3  # who names the script is believed


def test_rows_of_other_languages_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "all.csv", "src_lang,src,tgt_lang,tgt\nen,dog,de,Hund\nen,dog,sw,mbwa\n")
    read = read_entries([path], src="eng_Latn", tgt="swh_Latn")
    assert (pairs(read.table), read.left_out) == ([("dog", "mbwa")], {"other_language": 1})
    assert pairs(read_entries([path], tgt="de").table) == [("dog", "Hund")]
    with pytest.raises(UserError, match=r"no entry for --tgt German; known: swh_Latn"):
        read_entries([write(tmp_path, "x.csv", "src_lang,src,tgt_lang,tgt\nen,dog,sw,mbwa\n")], tgt="German")
    with pytest.raises(UserError, match=r"'deu_Latm' is no language"):
        read_entries([path], tgt="deu_Latm")


@pytest.mark.parametrize(
    ("name", "text", "unread"),
    [
        ("d.tsv", "en\tfr\tde\nhouse\tmaison\tHaus\ncat\tchat\tKatze\n", ["de"]),
        ("d.csv", "en,ru,uk,pos\nhouse,дом,дім,n\ncat,кот,кіт,n\n", ["uk", "pos"]),
        ("d.csv", "English;हिन्दी;اردو\nhouse;घर;گھر\ncat;बिल्ली;بلی\n", ["اردو"]),
        ("d.tsv", "src\ttgt\tsrc_lang\ttgt_lang\tsw\nhouse\tmaison\ten\tfr\tnyumba\ncat\tchat\ten\tfr\tpaka\n", ["sw"]),
    ],
)
def test_columns_that_are_not_read_are_said(tmp_path: Path, name: str, text: str, unread: list[str]) -> None:
    """A third language is neither the second nor gone without a word."""
    path = write(tmp_path, name, text)
    read = read_entries([path])
    assert (read.table.num_rows, dict(read.left_out)) == (2, {f"column {one}": 2 for one in unread})
    assert {f"column {one}": 2 for one in unread}.items() <= open_index([path]).unused.items()


def test_cleaning_and_identical_translations(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "en-fr.tsv",
        "en\tfr\nHotel\thôtel\nhotel\tHotel\ncafe\u0301\tCAFÉ\nsee\tvoir (verbe)\nice  cream\tglace\n",
    )
    read = read_entries([path])
    assert pairs(read.table) == [("Hotel", "hôtel"), ("ice cream", "glace"), ("see", "voir")]
    assert read.left_out == {"identical": 2, "notes": 1}


def test_mined_words(tmp_path: Path) -> None:
    shared = {"src_lang": "eng_Latn", "tgt_lang": "swh_Latn", "src": "dog", "rank_b": 1, "iteration": 0}
    rows = [shared | {"tgt": "mbwa", "rank_f": 1, "score": None}, shared | {"tgt": "jibwa", "rank_f": 2, "score": 0.5}]
    schema = pa.schema([(name, pa.string()) for name in ("src_lang", "tgt_lang", "src", "tgt")])
    for name, kind in (
        ("rank_f", pa.int32()),
        ("rank_b", pa.int32()),
        ("score", pa.float32()),
        ("iteration", pa.int32()),
    ):
        schema = schema.append(pa.field(name, kind))
    table = pa.Table.from_pylist(rows, schema=schema)
    path = tmp_path / "mined.parquet"
    pq.write_table(table, path)
    read = read_dictionary(path)
    assert (read.format, read.entries["score"].to_pylist()) == ("mined", [1.0, 0.5])
    full = table.set_column(6, "score", pa.array([0.25, 0.5], pa.float32()))
    pq.write_table(full, path)
    assert pairs(read_entries([path]).table) == [("dog", "jibwa"), ("dog", "mbwa")]
    folder = tmp_path / "mined"
    with ShardWriter(folder, "data", "part", schema) as writer:
        writer.write(full.to_batches()[0])
        shards = tuple(writer.close())
    Manifest("mined_word-1", schema, (), {}, "", "", 0, shards, (), (), ()).save(folder)
    assert read_entries([folder]).table.equals(read_entries([path]).table)
    assert found_in(open_index([folder]), ["Dog"], "eng_Latn", "swh_Latn") == [["jibwa", "mbwa"]]
    assert fingerprint_of_dictionaries([folder]) != fingerprint_of_dictionaries([path])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("en-de.txt", b"dog Hund\n\nHund\n", r"en-de\.txt, line 3: one column only\n  remedy: .* TAB"),
        ("en-de.tsv", b"en\tde\ndog\tHund\nHund\n", r"line 3: one column only"),
        ("en-de.csv", b"src,tgt\ndog,Hund\nHund\n", r"line 3: one column only"),
        ("en-de.txt", b"dog Hund\nK\xe4se cheese\n", r"line 2: byte 0xe4 is not UTF-8\n  remedy: .*iconv"),
        ("en-de.txt", b"\xff\xfed\0o\0g\0", r"line 1: byte 0xff is not UTF-8"),
        ("en-de.txt", b"", r"en-de\.txt is empty\n  remedy: leave it out"),
        ("en-de.txt", b" \n\r\n", r"en-de\.txt is empty"),
        ("en-de.tsv", b"en\tde\n", r"holds no entry: it ends after the header"),
        ("en-de.csv", b"src,tgt\n", r"holds no entry: it ends after the header"),
        ("en-de.txt", b"dog\tHund\ncat\t \n", r"line 2: the target side is empty\n  remedy: fill it in"),
        ("en-de.txt", b"dog\tHund\n\tKatze\n", r"line 2: the source side is empty"),
        ("en-de.txt", "dog\tHund\ncat\t\u3000\n".encode(), r"line 2: the target side is empty"),
        ("en-de.csv", b"src,tgt\ndog,Hund\n,Katze\n", r"line 3: the source side is empty"),
        ("en-de.txt", b"dog Hund\nice cream Eis\n", r"line 2: where does the translation begin\?.*"),
        ("en-de.txt", b"dog\tHund\tn\n", r"line 1: more than two columns, and the third is not a score"),
        ("en-de.tsv", b"en\tde\tpos\ndog\tHund\tn\ncat\tKatze\n", r"line 3: not 3 columns, as the header has"),
        ("en-de.csv", b"src,tgt\ndog,Hund,x\n", r"line 2: 3 columns, not 2 as the header has"),
        ("en-de.csv", b'src,tgt\ndog,"Hund\n', r"line 2: .*\n  remedy: close the quotes"),
        ("en-de.csv", b"dog,Hund\n", r"line 1: 'dog', 'Hund' name no columns of a dictionary.*\n  remedy: begin"),
        ("en-de.csv", b"src,tgt,score\ndog,Hund,high\n", r"line 2: the score is not a number"),
        ("en-de.csv", b"src,tgt,score\ndog,Hund,1e999\n", r"line 2: the score is not finite"),
        ("en-de.csv", b"src,tgt,src_lang\ndog,Hund,englsh\n", r"line 2: 'englsh' is no language"),
        ("en-de.csv", b"src,tgt,src_lang\ndog,Hund,en\ncat,Katze,\n", r"line 3: '' is no language: it says"),
        ("words.txt", b"dog Hund\n", r"nothing says what language its source side is\n  remedy: give --src"),
        ("words.csv", b"src,tgt,src_lang\ndog,Hund,en\n", r"what language its target side is\n  remedy: give --tgt"),
        ("de-deu.txt", b"dog Hund\n", r"both sides of 1 entries are deu_Latn"),
        ("en-de.txt", b"hotel Hotel\n", r"nothing is left of .*en-de\.txt \(identical 1\)"),
        ("en-de.txt.gz", gzip.compress(b"dog Hund\n" * 9, mtime=0)[:-12], r"line \d+: gzip data"),
        ("en-de.parquet", b"PAR1 and then nothing", r"no Parquet file"),
    ],
)  # fmt: skip
def test_faults_name_the_file_and_the_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(UserError, match=message) as caught:
        read_entries([path])
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_faults_of_options_and_paths(tmp_path: Path) -> None:
    path = write(tmp_path, "en-hi.tsv", "en\thi\nhouse\tघर\n")
    with pytest.raises(UserError, match=r"the header says hi \(hin\), --tgt says deu_Latn"):
        read_entries([path], tgt="deu_Latn")
    labelled = write(tmp_path, "labelled.tsv", "deu_Latn\tfra_Latn\nHaus\tmaison\n")
    with pytest.raises(UserError, match=r"the header says deu_Latn \(deu\), --src says eng_Latn"):
        read_entries([labelled], src="eng_Latn", tgt="hin_Deva")
    with pytest.raises(UserError, match=r"--src: 'english!' is no language"):
        read_entries([write(tmp_path, "x.txt", "a b\n")], src="english!", tgt="de")
    with pytest.raises(UserError, match=r"does not exist"):
        read_entries([tmp_path / "absent.tsv"])
    with pytest.raises(UserError, match=r"there is no format 'mus'; did you mean 'muse'"):
        read_entries([path], format="mus")
    with pytest.raises(UserError, match=r"no dictionary file"):
        read_entries([])
    with pytest.raises(UserError, match=r"is not a dataset"):
        read_entries([tmp_path])
    table = tmp_path / "other.parquet"
    pq.write_table(pa.table({"text": ["a"]}), table)
    with pytest.raises(UserError, match=r"no columns src and tgt, but text"):
        read_entries([table])
    pq.write_table(pa.table({"src": ["a", None], "tgt": ["b", "c"]}), table)
    with pytest.raises(UserError, match=r"row 2: the source side is empty"):
        read_entries([table], src="en", tgt="de")
    with pytest.raises(UserError, match=r"was not made by xlcorpus lexicon"):
        read_entries([table], format="lexicon")


def test_names_of_sources() -> None:
    paths = [Path("/a/gatitos/en-hi.tsv.gz"), Path("/a/wiktionary/en-hi.tsv.gz"), Path("/a/en-de.txt"), Path("x|y.txt")]
    assert source_names(paths) == ["gatitos/en-hi", "wiktionary/en-hi", "en-de", "x_y"]


@pytest.mark.parametrize(
    ("name", "pair", "rows", "word", "expected"),
    [
        ("gatitos/en-hi.tsv.gz", ("eng_Latn", "hin_Deva"), 4000, "Abandoned", "त्यागा हुआ"),
        ("gatitos/en-pa-Arab.tsv.gz", ("eng_Latn", "pan_Arab"), 4000, "water", "پانی"),
        ("gatitos/en-sat-Latn.tsv.gz", ("eng_Latn", "sat_Latn"), 4000, "water", None),
        ("gatitos/en-aii.tsv.gz", ("eng_Latn", "aii_Syrc"), 3000, "water", None),
        ("wiktionary/en-hi.tsv.gz", ("eng_Latn", "hin_Deva"), 9000, "ABACUS", "गिनतारा"),
        ("wiktionary/en-zh.tsv.gz", ("eng_Latn", "zho_Hant"), 30000, "aachen", "亞琛"),
        ("wiktionary/en-zh.tsv.gz", ("eng_Latn", "zho_Hans"), 30000, "aachen", "亚琛"),
        ("wiktionary/en-id.tsv.gz", ("eng_Latn", "ind_Latn"), 5000, "house", "rumah"),
    ],
)
def test_real_dictionaries(
    shared_data: Path, name: str, pair: tuple[str, str], rows: int, word: str, expected: str | None
) -> None:
    path = shared_data / "dict" / name
    table = read_entries([path]).table
    sizes = {size.direction: size for size in sizes_of(table)}
    assert sizes[Direction(*pair)].entries > rows * 0.6
    found = [one.text for one in translations(table, word, [Direction(*pair)])]
    assert found
    assert expected is None or expected in found
    assert set(found_in(open_index([path], candidates=100), [word], *pair)[0]) <= set(found)
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        assert read_dictionary(path).rows == sum(1 for line in stream if line.strip()) - 1


@pytest.mark.parametrize(
    ("code", "words", "labels"),
    [
        ("sr", ["кућа", "kuća", "пас"], ["srp_Cyrl", "srp_Latn", "srp_Cyrl"]),
        ("uz", ["kitob", "китоб", "کتاب"], ["uzn_Latn", "uzn_Cyrl", "uzn_Arab"]),
        ("pa", ["ਘਰ", "گھر"], ["pan_Guru", "pan_Arab"]),
        ("uzn_Latn", ["kitob", "китоб"], ["uzn_Latn"] * 2),
        ("ja", ["犬", "いぬ", "イヌ"], ["jpn_Jpan"] * 3),
        ("sr", ["DVD", *["кућа"] * 30], ["srp_Cyrl"] * 31),
        ("mn", ["ном", "DVD"], ["khk_Cyrl"] * 2),
    ],
)
def test_words_of_a_language_of_several_scripts_have_each_its_own(
    tmp_path: Path, code: str, words: list[str], labels: list[str]
) -> None:
    header = write(tmp_path, f"x-{code}.tsv", f"en\t{code}\n" + "".join(f"word\t{word}\n" for word in words))
    rows = "".join(f"word\t{word}\ten\t{code}\n" for word in words)
    columns = write(tmp_path, "y.tsv", f"src\ttgt\tsrc_lang\ttgt_lang\n{rows}")
    for file in (header, columns):
        table = read_dictionary(file).entries
        assert table["tgt"].to_pylist() == words
        assert table["tgt_lang"].to_pylist() == labels


def test_a_macrolanguage_is_split_by_script_and_offered_as_its_members(tmp_path: Path) -> None:
    words = [("house", "kuća"), ("house", "кућа"), ("water", "voda"), ("water", "вода"), ("dog", "pas [zool.]")]
    path = write(tmp_path, "en-sh.tsv", "en\tsh\n" + "".join(f"{one}\t{other}\n" for one, other in words))
    table = read_dictionary(path).entries
    assert langs(table) == {("eng_Latn", "hbs_Latn"), ("eng_Latn", "hbs_Cyrl")}
    for partner, wanted in [
        ("srp_Latn", [("srp_Latn", "kuća"), ("srp_Latn", "voda"), ("srp_Latn", "pas")]),
        ("srp_Cyrl", [("srp_Cyrl", "кућа"), ("srp_Cyrl", "вода")]),
        ("hr", [("hrv_Latn", "kuća"), ("hrv_Latn", "voda"), ("hrv_Latn", "pas")]),
        ("bos_Cyrl", [("bos_Cyrl", "кућа"), ("bos_Cyrl", "вода")]),
        ("hbs_Cyrl", [("hbs_Cyrl", "кућа"), ("hbs_Cyrl", "вода")]),
    ]:
        chosen = into_partners(table, [partner])
        assert list(zip(chosen["tgt_lang"].to_pylist(), chosen["tgt"].to_pylist(), strict=True)) == wanted
    found = into_partners(table, ["srp", "hbs_Latn"])["tgt_lang"].unique().to_pylist()
    assert found == ["hbs_Latn", "srp_Cyrl", "srp_Latn"]
    with pytest.raises(UserError, match="slv_Latn"):
        into_partners(table, ["slv_Latn"])
