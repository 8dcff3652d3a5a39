"""Texts that have broken systems elsewhere, by class; written for Fairlead, a few of each class."""

from __future__ import annotations

NAUGHTY: dict[str, list[str]] = {
    "words of programs": [
        *("undefined", "undef", "null", "NULL", "nil", "None", "true", "false", "True", "hasOwnProperty", "constructor"),
        *("__proto__", "then", "NaN", "Infinity", "-Infinity", "\\", "\\\\", "(null)", "void 0", "[object Object]"),
    ],
    "numbers that are texts": [
        *("0", "1", "-1", "1.00", "$1.00", "1/2", "1E2", "1E+02", "1e309", "-0", "0.0", "+0", "0x0", "0xffffffff"),
        *("1,000.00", "1 000", "1'000", "1_000", "٣", "１２３", "¼", "₀₁₂", "9" * 70, "2147483648", "1#INF", "08", "0b1"),
    ],
    "dates and paths": [
        *("2026-02-30", "1/2/2026", "24:00", "10:30", "../../../../etc/passwd", "C:\\Windows\\x", "file:///etc/hosts"),
        *("CON", "PRN", "aux.txt", ".", "..", "/dev/null", "~root", "$HOME", "%PATH%", "`id`", "$(id)", "| id", "; id"),
    ],
    "signs": [
        *(",./;'[]-=", '<>?:"{}|_+', "!@#$%^&*()`~", "'", '"', "''", '"""', "`", "´", "‘’“”", "–—…", "§¶†‡", "¡™£¢∞"),
        *("Ω≈ç√∫˜µ≤≥÷", "åß∂ƒ©˙∆˚¬…æ", "ÅÍÎÏ˝ÓÔÒÚÆ☃", "⁰⁴⁵", "␡", "﷽", "＜script＞", "､｡･ﾟ", "%s%n%x", "%%", "{0}", "{}", "{{"),
    ],
    "scripts of the world": [
        *("田中さんにあげて下さい", "パーティーへ行かないか", "和製漢語", "部落格", "사회과학원 어학연구소", "찦차를 타고 온 펲시맨"),
        *("𠜎𠜱𠝹𠱓", "Ѐ Ђ ж", "Ωμέγα", "שָׁלוֹם", "مُحَمَّد"),
        *("בְּרֵאשִׁית", "᚛ᚄᚓᚐᚋᚒᚄ᚜", "Ț̗̺͖̹̯͓Ṯ̤͍̥͇͈h̲́e", "ก็็็็็็", "देवनागरी", "ⴰⴱⴳ", "龘靐齉爩"),
    ],
    "signs that join and turn": [
        *("👨‍👩‍👧‍👦", "👩🏽‍🚀", "🇨🇳🇺🇸", "👾 🙇 💁", "✋🏿", "❤️", "1️⃣", "e\u0301" * 10, "a\u0308\u0323", "\u202eabc"),
        *("\u2066x\u2069", "x\u200by"),
        *("\u200ex", "­soft", "x\u00a0y", "x\u3000y", "\u2060x", "ﬁrst", "ﷺ", "ß", "İstanbul", "ıI", "Ǆǅǆ", "K", "Å"),
    ],
    "for a database": [
        *("' OR 1=1 --", "'; DROP TABLE deal; --", "1); DELETE FROM sys_event; --", '" OR ""="', "%", "_", "\\%", "a%b_c"),
        *("/* x */", "--", "#", "E'\\\\x00'", "$$x$$", ":name", "?", "@x", "\\N", "\\.", "NULL--", "x' AND SLEEP(5)='"),
    ],
    "for a browser": [
        *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg/onload=alert(1)>", "javascript:alert(1)"),
        *("<b>x", "</textarea>", "<!--", "-->", "]]>", "<![CDATA[x]]>", "&lt;", "&#0;", "&amp;amp;", "<a hx-get='/x'>", "${7*7}"),
        *("' onfocus=x autofocus='", "{{7*7}}", "{% raw %}", "<%= x %>", "#{x}", "<plaintext>", "＜img＞", "<iframe src=//x>"),
    ],
    "for a sheet and a mail": [
        *("=1+1", "+1", "-1+1", "@SUM(1)", "=HYPERLINK(\"http://x\")", "=cmd|' /C calc'!A0"),
        "a@b.c%0d%0aBcc: x@y.z",
        *("x, y", "x;y", "x\ty", "\"quoted\"", "Re: Re: Re:", "(｡◕ ∀ ◕｡)", "┬─┬ノ( º _ ºノ)", "(╯°□°）╯︵ ┻━┻"),
    ],
    "words that filters stumble over": ["Scunthorpe", "Penistone", "medieval erection of parapets", "Mr. O'Neil-d’Arc", "Null", "Test"],
}  # fmt: skip

FLAT = [text for texts in NAUGHTY.values() for text in texts]
