"""Files of all sorts become rows of texts, or are refused with a place and a reason."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from fairlead.base.errors import Invalid
from fairlead.fields.dates import read_pattern
from fairlead.work import sheets
from fairlead.work.sheets import cell_text, open_sheet, write_pattern


def read(path: Path, **options: Any) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    found = open_sheet(path, **options)
    rows = list(found.rows({}))
    assert found.count == len(rows)
    return found.header, rows


def refused(path: Path) -> str:
    with pytest.raises(Invalid) as failure:
        open_sheet(path)
    return f"{failure.value.errors[0].code}: {failure.value.errors[0].to_json()['message']}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("姓名,金额\r\n张伟,1\r\n".encode(encoding))
    assert read(path) == (("姓名", "金额"), [(2, ["张伟", "1"])])


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'a{mark}"b,c"{mark}d\n1{mark}2{mark}3\n')
    assert read(path) == (("a", "b,c", "d"), [(2, ["1", "2", "3"])])


def test_mixed_line_ends_blank_rows_and_short_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b,\r\n1,2\n\r\n , \r3\n"4\n5",6,7\n')
    assert read(path) == (("a", "b"), [(2, ["1", "2"]), (5, ["3", ""]), (6, ["4\n5", "6", "7"])])


def test_a_very_long_cell_and_a_nul_are_kept_for_the_field_to_judge(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "x" * 300_000 + ",n\0n\n")
    _, ((_, cells),) = read(path)
    assert (len(cells[0]), cells[1]) == (300_000, "n\0n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n3,\"4\n5,6\n", "file.csv: The row that begins in line 3"),
        (b"a,b\n1,2\n3,\"4\" x,6\n", "file.csv: The row that begins in line 3"),
        (b"a,b\n1,2\n\xff\xff\xff,4\n", "file.encoding: After line"),
        (b"", "file.empty"),
        (b"\n\n", "file.empty"),
        (b"\xd0\xcf\x11\xe0abc", "file.old-excel"),
        (b"PK\x03\x04 nothing of the kind", "file.xlsx"),
        (b",".join([b"a"] * 1001), "file.too-many-columns"),
    ],
)  # fmt: skip
def test_a_broken_file_says_where(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert refused(path).startswith(said)


# ---------------------------------------------------------------- workbooks


def workbook(path: Path, rows: list[list[Any]], *, at: tuple[int, int] = (0, 0)) -> Path:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("Deals")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(number + at[0], column + at[1], cell)
    book.add_worksheet("Empty")
    book.close()
    return path


def test_numbers_dates_and_truths_of_a_workbook_are_texts(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [
        ["name", "n", "day", "moment", "yes"],
        ["张伟", 12, date(2026, 3, 31), datetime(2026, 3, 31, 9, 30), True],
        ["b", 0.1, "3/31/2026", "", False], [],
        ["c"],
    ])  # fmt: skip
    header, rows = read(path)
    assert header == ("name", "n", "day", "moment", "yes")
    assert rows == [
        (2, ["张伟", "12", "2026-03-31", "2026-03-31", "true"]),
        (3, ["b", "0.1", "3/31/2026", "", "false"]), (5, ["c", "", "", "", ""]),
    ] or rows[0][1][3].startswith("2026-03-31 09:30")  # fmt: skip
    (first, *_) = open_sheet(path).rows({2: "M/D/YYYY"})
    assert first[1][2] == "3/31/2026"


def test_a_table_may_begin_anywhere(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["name"], ["x"]], at=(4, 2))
    assert read(path) == (("name",), [(6, ["x"])])


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["name"]])
    with pytest.raises(Invalid) as failure:
        open_sheet(path, name="Deal")
    assert "Did you mean 'Deals'?" in failure.value.errors[0].to_json()["message"]


def rewritten(path: Path, member: str, content: bytes, *, claimed: int | None = None) -> Path:
    """Replace a part of a workbook; `claimed` is the size that the archive then states."""
    source = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.infolist():
            new.writestr(one.filename, content if one.filename == member else old.read(one.filename))
    if claimed is not None:
        data = bytearray(path.read_bytes())
        for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            start = -1
            while (start := data.find(mark, start + 1)) >= 0:
                if data[start : start + 100].find(member.encode()) >= 0:
                    data[start + place : start + place + 4] = claimed.to_bytes(4, "little")
        path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("claimed", [None, 1000])
def test_a_workbook_that_unpacks_to_far_more_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claimed: int | None
) -> None:
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 5_000_000)
    path = workbook(tmp_path / "a.xlsx", [["name"], ["x"]])
    rewritten(path, "xl/sharedStrings.xml", b"<sst>" + b" " * 20_000_000 + b"</sst>", claimed=claimed)
    assert path.stat().st_size < 100_000
    assert refused(path).startswith("file.too-large")


SHEET = b"""<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1" t="str"><v>name</v></c></row>
<row r="2"><c r="A2" t="str"><v>x</v></c></row>%s</sheetData>
<mergeCells count="1"><mergeCell ref="A3:XFD1048576"/></mergeCells></worksheet>"""


def test_what_a_sheet_claims_to_span_does_not_matter(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["name"]])
    rewritten(path, "xl/worksheets/sheet1.xml", SHEET % b"")
    assert read(path) == (("name",), [(2, ["x"])])


def test_one_value_far_out_would_fill_the_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["name"]])
    rewritten(
        path, "xl/worksheets/sheet1.xml", SHEET % b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )
    assert refused(path).startswith("file.too-many-cells")


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize("pattern", ["M/D/YYYY", "YYYY-MM-DD HH:mm:ss", "DD MMM YY", "D.M.YYYY h:mm A"])
def test_a_date_written_in_a_pattern_is_read_again(pattern: str) -> None:
    moment = datetime(2026, 3, 1, 13, 5, 9)
    back = read_pattern(write_pattern(moment, pattern), pattern)
    assert back.date() == moment.date()


@pytest.mark.parametrize(
    ("cell", "text"),
    [(3.0, "3"), (-0.5, "-0.5"), (1e15, "1000000000000000.0"), (True, "true"), (None, ""), (date(2026, 1, 2), "2026-01-02"),
     (datetime(2026, 1, 2), "2026-01-02"), (datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00")],
)  # fmt: skip
def test_cells(cell: object, text: str) -> None:
    assert cell_text(cell) == text
