"""The rows of a file as texts: CSV in the encodings that people's programs write, and XLSX.

A file is looked through once before anything is imported. What is wrong with the file itself (its encoding, a
quotation mark that is never closed, a workbook that unpacks to more than we read) is said then, with its line.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label, did_you_mean

MAX_CELL = 4 * 1024 * 1024
"""Characters of one cell of a CSV file."""

MAX_COLUMNS = 1_000
MAX_UNPACKED = 200 * 1024 * 1024
"""Bytes of a workbook, unpacked. Larger ones come as CSV, which is read row by row."""

MAX_CELLS = 4_000_000
"""Cells of the area that a sheet's values span: all of them are held while it is read."""

Row = tuple[int, list[str]]
"""The line in the file at which a row begins, and its cells, as many as the header has or more."""

_DELIMITERS = ",;\t|"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that can be read from its first row to its last, more than once."""

    header: tuple[str, ...]
    count: int
    """How many rows it has that are not blank, the header left out."""
    rows: Callable[[Mapping[int, str]], Iterator[Row]]
    """Yield the rows; the argument says in which pattern dates of a column are written, where they are no texts."""


def open_sheet(path: Path, *, encoding: str = "auto", name: str | None = None) -> Sheet:
    """Look through a file and return it, ready to be read.

    Args:
        path: CSV or XLSX, whatever it is called.
        encoding: Of a CSV file; `auto` finds it out. A mark at the file's beginning is believed before this.
        name: Of a sheet in the workbook; the first one that shows otherwise.

    Raises:
        Invalid: It cannot be read; the error says where.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        return _open_workbook(path, name)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise broken("file.old-excel", {
            "en": "This is a workbook of an old kind. Save it as .xlsx or CSV.",
            "zh": "旧版 Excel 文件，请另存为 .xlsx 或 CSV。",
        })  # fmt: skip
    return _open_csv(path, _encodings(start, encoding))


def broken(code: str, texts: Mapping[str, str], **values: object) -> Invalid:
    """Return the failure of a file as a whole."""
    return Invalid([FieldError("file", code, Label(texts).format(**values))])


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    header = [cell.strip().removeprefix("\ufeff") for cell in cells]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise broken("file.empty", {"en": "The file is empty.", "zh": "文件为空。"})
    if len(header) > MAX_COLUMNS:
        raise broken("file.too-many-columns", {
            "en": "The file has more than {most} columns.", "zh": "文件超过 {most} 列。",
        }, most=MAX_COLUMNS)  # fmt: skip
    return tuple(header)


# ---------------------------------------------------------------- CSV


def _encodings(start: bytes, wanted: str) -> tuple[str, ...]:
    if start.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig",)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    return ("utf-8", "gb18030") if wanted == "auto" else (wanted,)


def _open_csv(path: Path, encodings: tuple[str, ...]) -> Sheet:
    # The limit is one of the whole process; ours is above what anybody else here could want.
    csv.field_size_limit(MAX_CELL)
    line = 1
    for encoding in encodings:
        try:
            delimiter = _delimiter(path, encoding)
            found = _csv_rows(path, encoding, delimiter)
            header = _header(next(found, (1, []))[1])
            count = 0
            for row in found:
                line = row[0]
                count += 1
        except UnicodeError:
            continue

        return Sheet(header, count, partial(_csv_again, path, encoding, delimiter, len(header)))
    raise broken("file.encoding", {
        "en": "After line {line} there are bytes that are not {names}. Save the file as UTF-8.",
        "zh": "第 {line} 行之后的内容不是 {names} 编码，请将文件另存为 UTF-8。",
    }, line=line, names=", ".join(encodings))  # fmt: skip


def _csv_again(path: Path, encoding: str, delimiter: str, width: int, _: Mapping[int, str]) -> Iterator[Row]:
    rows = _csv_rows(path, encoding, delimiter)
    next(rows, None)
    for line, cells in rows:
        yield line, cells + [""] * (width - len(cells)) if len(cells) < width else cells


def _delimiter(path: Path, encoding: str) -> str:
    """Return what parts the cells: whatever cuts the first line into most pieces."""
    with path.open(encoding=encoding, newline="") as file:
        line = file.readline(MAX_CELL)
    # The first of equals wins, and that is the comma.
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows that are not blank.

    Raises:
        Invalid: A quotation mark that is not closed, a cell without end; the line is named.
        UnicodeError: It is in another encoding.
    """
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise broken("file.csv", {
                    "en": "The row that begins in line {line} cannot be read: a quotation mark is not closed, or not "
                          "doubled inside of a quoted cell ({error}).",
                    "zh": "从第 {line} 行开始的行无法读取：引号未闭合，或引号内的引号未成对（{error}）。",
                }, line=line, error=str(error)) from None  # fmt: skip
            if any(cells) and not all(map(str.isspace, filter(None, cells))):
                yield line, cells
            line = reader.line_num + 1


# ---------------------------------------------------------------- XLSX


@dataclass(slots=True)
class _Extent:
    """The area that the values of a sheet span."""

    top: int = 1 << 62
    left: int = 1 << 62
    bottom: int = 0
    right: int = 0
    row: int = 0
    column: int = 0

    def add(self, row: int, column: int) -> None:
        self.row, self.column = row, column
        self.top, self.bottom = min(self.top, row), max(self.bottom, row)
        self.left, self.right = min(self.left, column), max(self.right, column)

    @property
    def cells(self) -> int:
        return (self.bottom - self.top + 1) * (self.right - self.left + 1) if self.bottom else 0


_PART = re.compile(rb"<(?:\w+:)?(row|c)\b([^<>]*)>")
_PLACE = re.compile(rb"""\br=["']([A-Z]{0,3})([0-9]{1,7})["']""")


def _measure(path: Path) -> None:
    """Refuse a workbook that unpacks to more than we read, by unpacking it into nothing.

    What an archive says of its own sizes is not believed.

    Raises:
        Invalid: Too large, or broken.
    """
    unpacked = 0
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > 2_000:
            raise _too_large()
        for member in members:
            # Otherwise reading stops at the size that the archive claims, while other readers go on.
            member.file_size = MAX_UNPACKED * 2
            extent = _Extent() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", member.filename) else None
            rest = b""
            with archive.open(member) as file:
                while chunk := file.read(1 << 20):
                    unpacked += len(chunk)
                    if unpacked > MAX_UNPACKED:
                        raise _too_large()
                    if extent is not None:
                        rest = _look(rest + chunk, extent)


def _look(text: bytes, extent: _Extent) -> bytes:
    """Note where the cells of a part of a sheet lie; return what may belong to the part that follows."""
    for found in _PART.finditer(text):
        rest = found[2]
        place = _PLACE.search(rest)
        if found[1] == b"row":
            extent.row = int(place[2]) if place else extent.row + 1
            extent.column = 0
        elif rest.endswith(b"/"):
            extent.column = _column(place[1]) if place else extent.column + 1  # a format without a value
        elif place:
            extent.add(int(place[2]), _column(place[1]))
        else:
            extent.add(extent.row, extent.column + 1)
    if extent.cells > MAX_CELLS:
        raise broken("file.too-many-cells", {
            "en": "The values of the sheet span more than {most} cells: one may stand far out. Save the file as CSV.",
            "zh": "工作表数据范围超过 {most} 个单元格，可能有孤立的单元格，请另存为 CSV。",
        }, most=f"{MAX_CELLS:,}")  # fmt: skip
    cut = text.rfind(b"<")
    return text[cut:] if 0 <= len(text) - cut < 4096 and b">" not in text[cut:] else b""


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _too_large() -> Invalid:
    return broken("file.too-large", {
        "en": "The workbook unpacks to more than {most} MB. Save it as CSV.",
        "zh": "工作簿解压后超过 {most} MB，请另存为 CSV。",
    }, most=MAX_UNPACKED // 1024 // 1024)  # fmt: skip


def _open_workbook(path: Path, name: str | None) -> Sheet:
    import zlib

    from python_calamine import CalamineError, SheetVisibleEnum, load_workbook

    try:
        _measure(path)
        with load_workbook(str(path)) as book:
            names = [one.name for one in book.sheets_metadata if one.visible == SheetVisibleEnum.Visible]
            if name is not None and name not in book.sheet_names:
                hint = did_you_mean(name, names)
                raise broken("file.no-such-sheet", {
                    "en": "There is no sheet {name}." + (" Did you mean {hint}?" if hint else ""),
                    "zh": "没有工作表 {name}。",
                }, name=repr(name), hint=repr(hint))  # fmt: skip
            chosen = name or (names or book.sheet_names or [""])[0]
            sheet = book.get_sheet_by_name(chosen)
            values = _Cells(sheet.iter_rows())
            header = _header(values.header())
            count = sum(1 for _ in values.rest())
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        CalamineError,
    ) as error:
        raise broken("file.xlsx", {
            "en": "The workbook cannot be read: {error}.", "zh": "无法读取工作簿：{error}。",
        }, error=str(error)[:200]) from None  # fmt: skip

    def rows(patterns: Mapping[int, str]) -> Iterator[Row]:
        with load_workbook(str(path)) as book:
            sheet = book.get_sheet_by_name(chosen)
            again = _Cells(sheet.iter_rows())
            again.header()
            for line, cells in again.rest():
                texts = [
                    cell if type(cell) is str else cell_text(cell, patterns.get(place))
                    for place, cell in enumerate(cells)
                ]
                yield line, texts + [""] * (len(header) - len(texts))

    return Sheet(header, count, rows)


@dataclass
class _Cells:
    """The rows of a sheet that are not blank, the first of them being the header."""

    rows: Iterator[list[Any]]
    line: int = 1
    """Of the row that comes next; blank rows before the first are counted too."""

    def header(self) -> list[str]:
        for cells in self.rows:
            self.line += 1
            if any(cell != "" for cell in cells):
                return [cell_text(cell) for cell in cells]
        return []

    def rest(self) -> Iterator[tuple[int, list[Any]]]:
        for line, cells in enumerate(self.rows, self.line):
            if any(cell != "" and not (type(cell) is str and cell.isspace()) for cell in cells):
                yield line, cells


def cell_text(cell: object, pattern: str | None = None) -> str:
    """Return what a cell holds as a text, as it would stand in a CSV file.

    Args:
        cell: What a workbook gave.
        pattern: How dates are written in this column; ISO 8601 otherwise.
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # Workbooks know no whole numbers.
        return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, date):
        if pattern is not None:
            return write_pattern(cell, pattern)
        if isinstance(cell, datetime) and cell.time() == time():
            return cell.date().isoformat()
        return cell.isoformat(*((" ",) if isinstance(cell, datetime) else ()))
    if isinstance(cell, time):
        return cell.isoformat()
    return "" if cell is None else str(cell)


_TOKEN = re.compile("YYYY|YY|MMM|MM|M|DD|D|HH|H|hh|h|mm|ss|A")


def write_pattern(day: date, pattern: str) -> str:
    """Return a date or a moment in a pattern such as `M/D/YYYY`, as `fields.dates.read_pattern` reads it."""
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    twelve = moment.hour % 12 or 12
    parts = {
        "YYYY": f"{moment.year:04}", "YY": f"{moment.year % 100:02}", "MMM": _MONTHS[moment.month - 1],
        "MM": f"{moment.month:02}", "M": str(moment.month), "DD": f"{moment.day:02}", "D": str(moment.day),
        "HH": f"{moment.hour:02}", "H": str(moment.hour), "hh": f"{twelve:02}", "h": str(twelve),
        "mm": f"{moment.minute:02}", "ss": f"{moment.second:02}", "A": "AM" if moment.hour < 12 else "PM",
    }  # fmt: skip
    return _TOKEN.sub(lambda found: parts[found[0]], pattern)
