"""How a text file is laid out: found where that is clear, refused with the option where not."""

import gzip
import warnings

import pytest

from fastnn.data.cells import Reading
from fastnn.data.statistics import DataNote
from fastnn.data.storage import MEMORY, OnDisk
from fastnn.errors import ArgumentError, DataError
from fastnn.reading import csv_text
from fastnn.reading.csv_layout import layout_of
from fastnn.reading.csv_text import read_csv
from fastnn.reading.files import read_table

ROWS = [["size", "town", "price"], ["1.5", "Ulm", "7"], ["2.5", "Bonn", "9"], ["3", "Ulm", "8"]]


@pytest.fixture
def write(tmp_path):
    def make(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        data = text if isinstance(text, bytes) else text.encode(encoding)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make


def lines(sign, rows=ROWS, end="\n"):
    return "".join(sign.join(row) + end for row in rows)


def read(path, **reading):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns, _ = read_csv(path, reading=Reading(**reading))
    return {name: values.tolist() for name, values in columns.items()}


STORAGES = pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
EXPECTED = {"size": [1.5, 2.5, 3], "town": ["Ulm", "Bonn", "Ulm"], "price": [7, 9, 8]}


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.data", "t.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found(write, sign, name, end):
    assert read(write(lines(sign, end=end), name)) == EXPECTED


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a;b\n1,5;2,5\n1,5;3\n", ";"),  # decimal commas, none in the header
        ('"a,b";c\n1;2\n', ";"),  # quoted
        ("a,b;c\n1,2\n1,2\n", ","),  # once, in the header
        ("a,tags\n1,x|y\n2,z\n", ","),
        ("a,b|c\n1,2|3\n4,6\n7\n", ","),  # ragged: more rows agree with the comma
        ("a\n1\n2\n", ","),
        ("sep=;\na,b;c,d\n1,2;3,4\n", ";"),
        ('"SEP=|"\r\na,b|c,d\r\n1,2|3,4\r\n', "|"),
    ],
)
def test_which_delimiter(write, text, sign):
    assert layout_of(write(text)).sign == sign


def test_tabs_go_first_in_tsv(write):
    text = "a,b\tc,d\n1,2\t3,4\n"
    assert layout_of(write(text, "t.tsv")).sign == "\t"
    with pytest.raises(
        DataError,
        match=r"both ',' and '\\t' may part the columns, into 3 and 2 columns; "
        r"say delimiter=',' or delimiter='\\t'$",
    ):
        layout_of(write(text))
    assert layout_of(write(text), Reading(delimiter=",")).names == ("a", "b\tc", "d")


def test_a_delimiter_that_is_given_counts(write):
    with pytest.raises(DataError, match=r"header 'a;b' is one column; if ';' .*say delimiter=';'"):
        layout_of(write("a;b\n1;2\n"), Reading(delimiter=","))
    assert layout_of(write("sep=;\na|b\n1|2\n"), Reading(delimiter="|")).skip == 2


def test_spaces_between_columns_are_named(write):
    path = write("a b\n1 2\n3 4\n", "t.data")
    with pytest.raises(DataError, match="if ' ' separates the columns, say delimiter=' '"):
        layout_of(path)
    assert read(path, delimiter=" ") == {"a": [1, 3], "b": [2, 4]}
    with pytest.raises(DataError, match=r"if runs of spaces .*, say delimiter='whitespace'"):
        layout_of(write("a  b\n1  2\n3  4\n"))
    path = write("street name\nElm 5\nOak 7\n")
    assert layout_of(path, Reading(delimiter=",")).names == ("street name",)
    assert layout_of(write("full name\nAnn Lee\nBo Li\n")).names == ("full name",)


@pytest.mark.parametrize(
    ("text", "names", "skip", "left_out"),
    [
        ("# made by a machine\n#on a day\nsize,price\n1,2\n", ("size", "price"), 3, "2 lines are"),
        ("\n# source, a book\n\nsize,price\n1,2\n", ("size", "price"), 4, "a line is"),
        ("sep=;\n# by me\na;b\n1;2\n", ("a", "b"), 3, "a line is"),
        ("# notes\n# a,b\n1,2\n", ("a", "b"), 2, "a line is"),
    ],
)
def test_comments_before_the_header(write, text, names, skip, left_out):
    path = write(text)
    with pytest.warns(DataNote, match=f": {left_out} left out before the header as a comment: '#"):
        found = layout_of(path)
    assert (found.names, found.skip) == (names, skip)
    with pytest.warns(DataNote):
        columns, place = read_csv(path)
    assert columns[names[1]].tolist() == [2]
    assert place(0) == f"line {skip + 1} of '{path}'"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# a,b\n1,2\n", ("a", "b")),  # as numpy.savetxt writes it
        ("#id,town\n1,Ulm\n", ("#id", "town")),
        ("#,town\n1,Ulm\n", ("#", "town")),
        ("#a,b\n#1,2\n", ("#a", "b")),
        ("a,b\n#1,2\n", ("a", "b")),  # only before the header are they comments
    ],
)
def test_a_header_that_begins_like_a_comment(write, text, names):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layout_of(write(text)).names == names


def test_a_comment_that_may_be_the_header(write):
    with pytest.raises(DataError, match="'#name,town' may be a comment or the header; remove"):
        layout_of(write("#name,town\nAnn,Ulm\nBo,Bonn\n"))


WIDE = (
    "# made by hand\n\n  size  town \t price\n"
    '1.5     Ulm     7  \n 2.5\tBonn    9\n3       "Neu \t Ulm"   8\n'
)


@pytest.mark.parametrize("name", ["t.data", "t.txt.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@STORAGES
def test_runs_of_spaces_and_tabs(write, name, encoding, storage):
    path = write(WIDE.replace("Ulm  ", "Köln "), name, encoding)
    with pytest.warns(DataNote, match="a line is left out before the header as a comment"):
        table = read_table(path, storage=storage, delimiter="whitespace")
    assert table.column("size").tolist() == [1.5, 2.5, 3]
    assert table.column("price").tolist() == [7, 9, 8]
    assert table.column("town").tolist() == ["Köln", "Bonn", "Neu \t Ulm"]


@STORAGES
def test_a_bad_cell_among_runs_of_spaces_is_told_with_its_line(write, storage):
    path = write("a   b\n1   2\n3   4x\n" + "5 6\n" * 40, "t.data")
    with pytest.raises(DataError, match=r"column 'b', line 3 of .*: '4x' is not a number"):
        read_table(path, delimiter="whitespace", storage=storage)
    with pytest.raises(DataError, match="line 3: 1 cell where the header has 2 columns"):
        read_table(write("a  b\n1  2\n3\n"), delimiter="whitespace", storage=storage)


def test_runs_of_spaces_are_named_where_a_tab_does_not_part_the_columns(write):
    with pytest.raises(DataError, match=r"line 2: 2 cells .*; if runs of spaces .*'whitespace'"):
        read_csv(write('a\tb c\tname\n1  2  3\t"x y"\n', "t.data"))
    with pytest.raises(DataError, match=r"line 2: 2 cells .*; if runs of spaces .*'whitespace'"):
        read_csv(write('a\tb\tc\tname\n1  2  3\t"x y"\n', "t.data"))
    for text in (
        "a,b,c\n1,2,3\n# end of file\n",
        "first name,b,c\n1,2,3\nend of file\n",
        "first name\tb\n1\t2\n# end of\n",
        "a\tb\n1\t2\n# end of file\n",
        "a,b,c\n1\t2\t3\n",
    ):
        with pytest.raises(DataError, match=r"line .: 1 cells? where the header has") as caught:
            read_csv(write(text))
        assert "whitespace" not in str(caught.value)
    with pytest.raises(ArgumentError, match="delimiter must be one character or 'whitespace', fo"):
        Reading(delimiter="spaces")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_encodings_that_are_found(write, encoding, name):
    text = "größe,Ort\n1,Köln\n2,東京\n"
    path = write("\ufeff" * (encoding == "utf-16-be") + text, name, encoding)
    assert read(path) == {"größe": [1, 2], "Ort": ["Köln", "東京"]}


@pytest.mark.parametrize("encoding", ["latin1", "cp1252", "utf_16_le", "utf8", "mac-roman"])
def test_encodings_that_are_given(write, encoding):
    path = write("größe,Ort\n1,Köln\n2,Rom\n", encoding=encoding)
    assert read(path, encoding=encoding) == {"größe": [1, 2], "Ort": ["Köln", "Rom"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("n_before", [0, 40_000])
def test_the_wrong_encoding_is_told_with_its_cell(write, end, n_before):
    before = f"1,Ulm,x{end}" * n_before
    path = write(f"n,town,c{end}{before}2,Köln,y{end}", encoding="latin1")
    with pytest.raises(
        DataError,
        match=rf"line {n_before + 2}, column 'town': this is not UTF-8 text; if the cell is 'Köln',"
        " say encoding='cp1252', else the encoding",
    ):
        read_csv(path)


def test_the_wrong_encoding_of_a_header(write):
    with pytest.raises(DataError, match="line 1: this is not UTF-8 text; if the cell is 'größe'"):
        read_csv(write("größe,b\n1,2\n", encoding="latin1"))


def test_the_wrong_encoding_that_was_given(write):
    with pytest.raises(
        DataError, match=r"line 2, column 'b': this is not ascii text .*; say another encoding"
    ):
        read_csv(write("a,b\n1,ü\n"), reading=Reading(encoding="ascii"))
    with pytest.raises(
        ArgumentError, match=r"encoding='latin1': .* the mark of utf-16 text; leave encoding out"
    ):
        read_csv(write("a,b\n1,2\n", encoding="utf-16"), reading=Reading(encoding="latin1"))
    with pytest.raises(ArgumentError, match=r"encoding must be one that Python knows.*'utf9'"):
        Reading(encoding="utf9")
    with pytest.raises(ArgumentError, match="encoding must be one that Python knows"):
        Reading(encoding="base64")


@pytest.mark.parametrize("encoding", ["utf-16", "UTF16", "utf_32"])
def test_an_encoding_whose_mark_is_not_there_is_named(write, encoding):
    name = "utf-32" if "32" in encoding else "utf-16"
    said = rf"encoding='{encoding}': file .* the mark of {name} text.* say {name}-le or {name}-be"
    with pytest.raises(ArgumentError, match=said):
        read_csv(write("a,b\n1,2\n", encoding=f"{name}-le"), reading=Reading(encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named(write, encoding):
    path = write(lines(","), encoding=encoding)
    with pytest.raises(
        DataError, match=f"looks like UTF-16 .*; if it is, say encoding='{encoding}'"
    ):
        read_csv(path)
    assert read(path, encoding=encoding) == EXPECTED


NO_HEADER = "5.1,3.5,setosa\n4.9,3.0,setosa\n6.2,2.9,virginica\n"


def test_names_in_single_quotes(write):
    assert layout_of(write("'age'\t'town'\n3\t4\n")).names == ("age", "town")
    assert layout_of(write("'age',size\n3,4\n")).names == ("'age'", "size"), "only if all are"


def test_no_header(write):
    path = write(NO_HEADER, "iris.data")
    columns = {"x0": [5.1, 4.9, 6.2], "x1": [3.5, 3, 2.9], "x2": ["setosa", "setosa", "virginica"]}
    assert read(path, header=False) == columns
    _, place = read_csv(path, reading=Reading(header=False))
    assert place(0) == f"line 1 of '{path}'"
    with pytest.raises(DataError, match=r"line 3: 2 cells where the first row has 3"):
        read_csv(write("1,2,3\n1,2,3\n1,2\n"), reading=Reading(header=False))
    with pytest.raises(ArgumentError, match="header must be True or False, found 'no'"):
        Reading(header="no")


def test_comments_without_a_header(write):
    with pytest.warns(DataNote, match="left out before the header as a comment"):
        columns, _ = read_csv(write("# a,b\n1,2\n"), reading=Reading(header=False))
    assert columns["x1"].tolist() == [2]


@pytest.mark.parametrize(
    "text",
    [
        NO_HEADER,
        "1.5,2\n3,4\n",
        "7,8\n3,4\n",
        "B,1\nA,2\nB,3\n",
        "0,0,1\n0,1,1\n",  # the same name twice
        "x,x\nx,y\n",
        "male,5,rural,yes\nmale,,urban,yes\nfemale,7,rural,no\n",  # numbers with a gap
        "male,5,rural,yes\nmale,NA,urban,yes\n",
        "red,yes\nblue,yes\nred,no\n",  # text alone
        "red, yes\nblue,yes\n red,no\n",
        "k1,red,yes\nk2,blue,yes\nk3,red,no\n",  # beside an index
        "red,yes\nred,yes\nblue,yes\nred,no\n",
        "a,b,c,d,e,f,g,h,i,j,k\n" + "a,b,c,d,e,f,g,h,i,j,x\n" * 3,  # nearly all
        "red,yes\n" + "blue,yes\n" * 500 + "red,no\n",
    ],
)
def test_a_first_line_that_is_a_row_is_refused(write, text):
    with pytest.raises(DataError, match="; if the file has no header line, say header=False"):
        layout_of(write(text))


def test_decimal_commas_in_the_first_line(write):
    path = write("5,1;3,5\n4,9;3,0\n")
    say = Reading(delimiter=";", decimal=",")
    with pytest.raises(DataError, match="holds values, not column names"):
        layout_of(path, say)
    assert read(path, delimiter=";", decimal=",", header=False)["x0"] == [5.1, 4.9]


@pytest.mark.parametrize(
    "text",
    [
        "0,1,2\n5,6,7\n",
        "1,2\n5,6\n",
        "sample,1100.5,1101\nA,0.1,0.2\nB,0.1,0.3\n",  # a spectrum
        "year,2019,2020\nUlm,1,2\n",
        "a,b\na,b2\n",
        "x,y\nx,1\n",
        "x,y\nx,1\nz,\n",
        "a,b\na,b\nc,d\n",  # twice, which is told when all rows are read
        "colour,kind,is\nred,kind,yes\nred,b,yes\n",
        "colour,is\nred,yes\nred,yes\n",
        "a,b\n,\n,\n",
    ],
)
def test_headers_with_numbers_or_text_that_comes_again(write, text):
    assert layout_of(write(text)).skip == 1


def test_a_header_that_looks_like_a_row_can_be_said_to_be_one(write):
    path = write("1.5,2\n3,4\n")
    assert read(path, header=True) == {"1.5": [3], "2": [4]}


@pytest.mark.parametrize("index", [["0", "1", "2"], ["1", "2", "3"], ["a", "b", "c"]])
@STORAGES
def test_an_index_column_is_left_out(write, index, storage):
    rows = [[i, *row] for i, row in zip(["", *index], ROWS, strict=True)]
    path = write(lines(",", rows))
    with pytest.warns(DataNote, match=r"the first column has no name.* it is left out") as told:
        table = read_table(path, storage=storage)
    assert len(told) == 1
    assert list(table.names) == ROWS[0]
    assert layout_of(path).place()(2).startswith("line 4 of")


@pytest.mark.parametrize("index", [["0", "1", "1"], ["0", "", "2"], ["a", "", "c"]])
@STORAGES
def test_a_column_without_a_name_that_is_no_index(write, index, storage):
    rows = [[i, *row] for i, row in zip(["", *index], ROWS, strict=True)]
    with pytest.raises(DataError, match="column 1 has no name, and its cells are no index"):
        read_table(write(lines(",", rows)), storage=storage)


def test_content_without_a_name_that_comes_late_is_refused(write, monkeypatch):
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 200)
    rows = [["size", ""], *[["1.5", ""]] * 500, ["2.5", "note"], *[["1.5", ""]] * 500]
    with pytest.raises(DataError, match="column 2 has no name, and its cells are no index"):
        read_table(write(lines(",", rows)), storage=OnDisk())


@STORAGES
def test_a_delimiter_at_the_end_of_each_line(write, storage):
    with pytest.warns(DataNote, match="the last column has neither a name nor a cell"):
        table = read_table(write(lines(",", [[*row, ""] for row in ROWS])), storage=storage)
    assert list(table.names) == ROWS[0]
    with pytest.raises(DataError, match="column 4 has no name"):
        read_table(
            write(lines(",", [[*row, "" if row is ROWS[0] else "5"] for row in ROWS])),
            storage=storage,
        )
    ends = lines(",", [ROWS[0], *([*row, ""] for row in ROWS[1:])])
    with pytest.raises(DataError, match=r"line 2: 4 cells .*; it ends with ',', after which"):
        read_csv(write(ends))


def test_mixed_delimiters_are_told(write):
    text = lines(",") + "4;Ulm;7\n"
    with pytest.raises(
        DataError, match="line 5: 1 cell where the header has 3 columns; ';' parts its columns and"
    ):
        read_csv(write(text))


@pytest.mark.parametrize("rows", [ROWS, [[f"{c}x" for c in row] for row in ROWS]])
@pytest.mark.parametrize("sign", [",", " , "])
@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_a_header_in_the_middle_is_told(write, rows, sign, storage):
    path = write(lines(sign, [*rows[:3], rows[0], *rows[3:]]))
    with pytest.raises(
        DataError, match=r"^line 4 of .* is the header again; if several files.* say header=F"
    ):
        read_table(path, storage=storage)
    with pytest.raises(DataError, match=r"leave out the header of all but the first$"):
        read_table(path, storage=storage, header=True)


def test_spaces_around_names_are_none_of_theirs(write):
    text = 'size , town\t,"price"\n1.5,Ulm,7\n2.5,Bonn,9\n3,Ulm,8\n'
    assert read(write(text)) == EXPECTED
    with pytest.raises(DataError, match="two columns are called 'size'"):
        read_csv(write("size, size\n1,2\n"))


@pytest.mark.parametrize("line", [1, 2, 3000])
def test_nul_bytes_are_told(write, line):
    data = [b"a,b"] + [b"1,2"] * 3000
    data[line - 1] = b"1,\0"
    with pytest.raises(DataError, match=f"line {line}: there is a NUL byte, which no text has"):
        read_csv(write(b"\n".join(data)))
    path = write("a,b\n1,\0\n", encoding="utf-16")
    with pytest.raises(DataError, match="line 2: there is a NUL byte"):
        read_csv(path)


def test_a_very_wide_file(write):
    names = [f"column_{j}" for j in range(30_000)]  # more than is looked at first
    path = write(f"{';'.join(names)}\n{';'.join('1' for _ in names)}\n")
    found = layout_of(path)
    assert (found.sign, found.names) == (";", tuple(names))


def test_a_header_that_is_longer_than_a_block_of_arrow(write):
    names = [letter * 10**5 for letter in "abcdefghijkl"]
    assert list(read(write(f"{','.join(names)}\n{'1,' * 11}1\n"))) == names


def test_a_title_before_the_names(write):
    with pytest.raises(
        DataError,
        match=r"line 3: 2 cells where the header has 1 column; if the names .* later line",
    ):
        read_csv(write("All prices\n\na,b\n1,2\n"))


def test_cells_that_the_csv_module_refuses(write):
    assert len(read(write('a,b\n"' + "x" * 200_000 + '",1\n'))["a"][0]) == 200_000
    with pytest.raises(DataError, match="its first line cannot be parted"):
        layout_of(write('"' + "x" * 200_000 + '",b\n1,2\n'))


@pytest.mark.parametrize("storage", [MEMORY, OnDisk()])
def test_bad_rows_are_left_out_and_counted_if_that_is_asked_for(write, storage):
    path = write("a,b,c\n1,2,3\n4,5\n6,7,8\n9,10,11,12\n\n13,x,15\n")
    with pytest.raises(DataError, match="line 3: 2 cells where the header has 3 columns"):
        read_table(path, storage=storage)
    with pytest.warns(DataNote, match="2 rows of another number of cells than the 3 columns left"):
        table = read_table(path, bad_rows="skip", storage=storage, categorical=["b"])
    assert table.column("a").tolist() == [1, 6, 13]
    assert list(table.column("b")) == ["2", "7", "x"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        with pytest.raises(DataError, match=r"line 7 of .*: 'x' is not a number"):
            read_table(path, bad_rows="skip", storage=storage, numeric=["b"])
    with pytest.raises(ArgumentError, match="bad_rows must be 'error' or 'skip', found 'drop'"):
        read_table(path, bad_rows="drop")
    with pytest.raises(ArgumentError, match="bad_rows has no effect here: only text files"):
        read_table({"a": [1]}, bad_rows="skip")


def test_bad_rows_in_a_file_with_line_breaks_in_cells(write):
    path = write('a,b\n1,"two\nlines"\n2\n3,"x"\n4,5,6\n')
    with pytest.warns(DataNote, match="2 rows of another number"):
        assert read_table(path, bad_rows="skip").column("a").tolist() == [1, 3]
