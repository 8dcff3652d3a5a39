"""Text, markup, patterns and choices."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from fairlead.fields.folding import fold, pinyin_keys, sounds
from fairlead.fields.kind import FieldProblem
from fairlead.fields.patterns import compile_pattern, matches
from fairlead.fields.registry import KINDS
from fairlead.fields.spec import Field
from fairlead.fields.text import plain_text, sanitise
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT

Make = Callable[..., Field]


@pytest.mark.parametrize("raw", [5, 1.5, True, ["a"], {"a": 1}])
@pytest.mark.parametrize(
    "kind", ["text", "long_text", "rich_text", "email", "phone", "url", "choice", "date", "time"]
)
def test_text_is_text(make: Make, kind: str, raw: object) -> None:
    """A-M07."""
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS[kind].parse(raw, make(kind))


def test_length_counts_code_points(make: Make) -> None:
    field = make("text", max_length=3)
    assert KINDS["text"].parse("🏠🏠🏠", field) == "🏠🏠🏠"
    with pytest.raises(FieldProblem, match=r"too_long: At most 3 characters; this is 4\."):
        KINDS["text"].parse("🏠🏠🏠🏠", field)
    with pytest.raises(FieldProblem, match="too_long"):
        KINDS["long_text"].parse("x" * 5_000_000, make("long_text"))


def test_one_line_has_no_second(make: Make) -> None:
    with pytest.raises(FieldProblem):
        KINDS["text"].parse("Hello\r\nBcc: x@y.org", make("text"))
    assert KINDS["long_text"].parse_form("one\r\ntwo", make("long_text")) == "one\ntwo"


def test_pattern_with_its_own_sentence(make: Make) -> None:
    field = make("text", pattern="[A-Z]{2}[0-9]{6}", pattern_message={"en": "Two letters, six digits."})
    assert KINDS["text"].parse("AB123456", field) == "AB123456"
    with pytest.raises(FieldProblem, match="Two letters, six digits"):
        KINDS["text"].parse("AB1234567", field)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        r"(\w+)\s\1",
        "(a|aa)*c",
        "(|a|ab)+c",
        r"(\d+,)*\d+",
        ".*.*.*x",
        r"(?=.*\d)x",
        "(?<!a)b",
        "(x{0,16}){0,16}",
        "(a?){50}a{50}",
        r"(?P<q>a)(?P=q)",
        "(a*)*",
        "((a{1,5}){1,5}){1,5}",
        "(.|.)+",
        "a?" * 30 + "a" * 30,
        "a{0,16}" * 6,
        "(a|aa)" * 30,
        "(?:ab|ba|abc){30}",
        "x" * 501,
    ],
)
def test_patterns_that_could_hang(pattern: str) -> None:
    """A-X01, A-X02."""
    with pytest.raises(FieldProblem, match="unsafe_pattern"):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["[", "(", "*", r"\p{L}", "a{2,1}", "(?P<1>a)"])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(FieldProblem, match="invalid_pattern"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[A-Z]{2}\d{6}", "AB123456", "AB12345"),
        (r"[\w.]+@[\w.]+\.\w+", "a.b@c.org", "a.b.c"),
        (r"(foo|bar)+", "foobar", "fobar"),
        (r"(\d{3}-)*\d{3}", "123-456", "12-345"),
        (r"\d{3}-?\d{4}", "1234567", "123--4567"),
        (r"(?i)abc", "ABC", "abd"),
        (r"[^\s,]+", "x", "a b"),
        (r".*中文.*", "有中文的", "none"),
        (r"(foo|four|far)-(x|xy)?z", "four-xyz", "fo-z"),
        (r"[A-Z]{1,3}\d{0,4}[A-Z0-9]*", "AB12C", "1AB"),
        (r"1[3-9]\d{9}", "13800138000", "12800138000"),
        (r"[1-9]\d{5}(18|19|20)\d{2}(0[1-9]|1[0-2])\d{5}[\dX]", "110101199001011234", "110101199013011234"),
    ],
)
def test_patterns_of_every_day(pattern: str, good: str, bad: str) -> None:
    assert matches(compile_pattern(pattern), good)
    assert not matches(compile_pattern(pattern), bad)


@given(
    pattern=st.from_regex(
        r"([a-c.]|\[ab\]|\\d)([*+?]|\{1,3\}|\{0,20\}|)(\((a|b|ab|a\|b|a\|ab|a\*)\)[*+?]?|[ab][*+]?){0,4}",
        fullmatch=True,
    )
)
def test_accepted_patterns_are_fast(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except FieldProblem:
        return
    for text in ("a" * 1000, "ab" * 500, "1" * 999 + "x", "b" * 999 + "c"):
        began = time.process_time()
        matches(compiled, text)
        assert time.process_time() - began < 0.5


def test_texts_for_patterns_are_short(make: Make) -> None:
    with pytest.raises(FieldProblem, match="too_long"):
        matches(compile_pattern(".*"), "x" * 1001)


# ---------------------------------------------------------------- markup


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("<p onclick=alert(1)>x</p>", "<p>x</p>"),
        ("a<script>alert(1)</script>b", "ab"),
        ("<SCRIPT/x>alert(1)</SCRIPT >b", "b"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<a href='javascript:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href=' java\nscript:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href=&#106;avascript:x>x</a>", "<a>x</a>"),
        (
            '<a href="https://a.cn/?x=1&amp;y=2" style="position:fixed">x</a>',
            '<a href="https://a.cn/?x=1&amp;y=2" rel="noopener noreferrer nofollow">x</a>',
        ),
        ("<div hx-post=/x><b>y</b></div>", "<b>y</b>"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("<p>one<ul><li>two", "<p>one<ul><li>two</li></ul></p>"),
        ("</p></b>x", "x"),
        ("<!-- x -->y", "y"),
        ("<!DOCTYPE html>y", "y"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
    ],
)
def test_markup_is_rebuilt_from_a_short_list(dirty: str, clean: str) -> None:
    """A-W03, A-W09."""
    assert sanitise(dirty) == clean


_MARKUP = st.lists(
    st.sampled_from(
        ["<", ">", "/", "b", "a href=", "script", "&lt;", "&", '"', "'", " ", "onload=", "javascript:", "<b>", "</b>",
         "<a href='https://x.cn'>", "<script>", "</script>", "<!--", "-->", "\n", "p", "=", "#60;", "<svg", "x"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(text=_MARKUP)
def test_clean_markup_stays_as_it_is(text: str) -> None:
    clean = sanitise(text)
    assert sanitise(clean) == clean
    tags = re.findall(r"<[^>]*>?", clean)
    assert all(re.fullmatch(r"</?[a-z0-9]+>|<a href=\"https://x\.cn\" rel=\"[a-z ]+\">", tag) for tag in tags)
    assert "<" not in re.sub(r"<[^>]*>", "", clean)


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "<script>", '<a href="', "&", "<p>", "</b>", " href="])
def test_broken_markup_costs_no_time(piece: str) -> None:
    began = time.process_time()
    sanitise(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 2


def test_words_of_markup(make: Make) -> None:
    assert plain_text("<p>one <b>two</b></p><ul><li>a &amp; b</li></ul>") == "one two\na & b"
    assert KINDS["rich_text"].parse("<p> <br></p>", make("rich_text")) is None


# ---------------------------------------------------------------- choices


def test_choices_are_the_configured_ones(make: Make) -> None:
    """A-M09."""
    with pytest.raises(FieldProblem, match=r"not_an_option.*Did you mean web"):
        KINDS["choice"].parse("webb", make("choice"))
    with pytest.raises(FieldProblem, match="too_many"):
        KINDS["multi_choice"].parse(["web"] * 10_000, make("multi_choice"))
    assert KINDS["multi_choice"].parse(["web", "web"], make("multi_choice")) == ("web",)


def test_files_may_say_the_label(make: Make) -> None:
    assert KINDS["choice"].import_parse(" 展会 ", make("choice")) == "fair"
    assert KINDS["choice"].import_parse("WEBSITE", make("choice")) == "web"
    assert KINDS["multi_choice"].import_parse("展会，Website", make("multi_choice")) == ("fair", "web")
    with pytest.raises(FieldProblem, match="not_an_option"):
        KINDS["choice"].import_parse("mail", make("choice"))


def test_boxes_and_words_for_yes(make: Make) -> None:
    field = make("boolean")
    for yes in ("on", "1", "Yes", "是", ["false", "true"]):
        assert KINDS["boolean"].parse_form(yes, field) is True
    for no in ("off", "0", "no", "否", ["false"]):
        assert KINDS["boolean"].parse_form(no, field) is False
    for raw in (1, 0, "yes", "1"):
        with pytest.raises(FieldProblem):
            KINDS["boolean"].parse(raw, field)
    assert KINDS["boolean"].display(True, field, "zh") == "是"
    assert KINDS["boolean"].display(False, field, "en") == "No"


def test_tags_are_words(make: Make) -> None:
    field = make("tags")
    assert KINDS["tags"].parse_form("VIP, vip，老客户、 ,", field) == ("VIP", "老客户")
    with pytest.raises(FieldProblem, match="too_long"):
        KINDS["tags"].parse(["x" * 41], field)
    with pytest.raises(FieldProblem, match="too_many"):
        KINDS["tags"].parse([str(n) for n in range(101)], field)


# ---------------------------------------------------------------- folding


def test_folding() -> None:
    """A-Q13."""
    assert fold("ＡＢＣ  公司　ﬁrst") == "abc 公司 first"
    assert fold("ÉCOLE") == fold("école") == fold("e\u0301cole")
    assert fold("Straße") == fold("STRASSE")


@given(text=st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(
    st.lists(
        st.sampled_from(sorted(PHRASES_DICT)) | st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5),
        max_size=6,
    )
)
def test_words_sounded_one_by_one_sound_as_the_whole_text_does(parts: list[str]) -> None:
    text = "".join(part for part in parts if all("\u4e00" <= sign <= "\u9fa5" for sign in part))
    assert list(sounds(text)) == lazy_pinyin(text, style=Style.NORMAL)


def test_sounds_of_chinese() -> None:
    assert pinyin_keys("重庆") == ("chongqing", "cq")
    assert pinyin_keys("上海科技 2号 ABC") == ("shanghaikeji2haoabc", "shkj2habc")
    assert "shanxiongxin" in pinyin_keys("单雄信")
    assert "danwei" in pinyin_keys("单位")
    assert pinyin_keys("Acme") == ()
