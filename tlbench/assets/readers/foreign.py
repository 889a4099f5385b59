"""Files that are no table in text: workbooks, archives, arrays and the like, named by their contents or ending."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tlbench.assets.limits import check_file
from tlbench.errors import BadInputError

AS_TEXT = "save it as CSV UTF-8"
UNPACKED = "unpack it, and use the table in it"
RECORDS = "save its records as CSV, JSON lines or Parquet"
ZIP = b"PK\x03\x04"
CONTENTS: Mapping[bytes, tuple[str, str]] = {
    ZIP: (
        "a ZIP archive, as workbooks (.xlsx, .ods) and NumPy files (.npz) are",
        f"{AS_TEXT} in the program that wrote it, or unpack it",
    ),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Excel workbook, or another Office document", AS_TEXT),
    b"\x1f\x8b": ("a gzip archive", UNPACKED),
    b"BZh91AY&SY": ("a bzip2 archive", UNPACKED),
    b"\xfd7zXZ\x00": ("an xz archive", UNPACKED),
    b"\x28\xb5\x2f\xfd": ("a Zstandard archive", UNPACKED),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", UNPACKED),
    b"Rar!": ("a RAR archive", UNPACKED),
    b"\x93NUMPY": ("a NumPy array", RECORDS),
    b"PAR1": ("a Parquet table", "name it FILE.parquet"),
    b"ARROW1": ("an Arrow or Feather file", "save it as Parquet, and name it FILE.parquet"),
    b"\x89HDF": ("an HDF5 file", RECORDS),
    b"SQLite format 3": ("an SQLite database", RECORDS),
    b"%PDF": ("a PDF document", RECORDS),
    b"<!doctype html": ("a web page", "download the file itself"),
    b"<html": ("a web page", "download the file itself"),
    b"version https://git-lfs.github.com": ("a pointer of Git LFS", "get the file itself with git lfs pull"),
}
"""First bytes in lower case if they are letters -> what the file is, and what to do."""
ENDINGS: Mapping[tuple[str, ...], tuple[str, str]] = {
    (".xlsx", ".xls", ".xlsm", ".xlsb", ".xltx"): ("an Excel workbook", AS_TEXT),
    (".ods", ".fods"): ("an OpenDocument workbook", AS_TEXT),
    (".numbers",): ("a Numbers workbook", AS_TEXT),
    (".gz", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".7z", ".rar", ".tar"): ("an archive", UNPACKED),
    (".npz", ".npy"): ("a NumPy file", RECORDS),
    (".pkl", ".pickle", ".joblib"): ("a pickle, which can run code", RECORDS),
    (".h5", ".hdf5", ".hdf", ".mat", ".nc"): ("a file of arrays", RECORDS),
    (".dta", ".sav", ".sas7bdat", ".xpt", ".rds", ".rda", ".rdata"): ("a file of a statistics program", RECORDS),
    (".db", ".sqlite", ".sqlite3"): ("a database", RECORDS),
    (".feather", ".orc", ".avro", ".arff"): ("a table in a format that is not read", RECORDS),
    (".pdf", ".doc", ".docx", ".html", ".htm", ".xml"): ("a document", RECORDS),
}


def refuse_foreign(path: Path, read: tuple[bytes, ...] = ()) -> None:
    """Raise `BadInputError` with what to do if a file is not in a format of tables.

    `read` are the first bytes that the caller can read. Contents count before the ending.
    """
    check_file(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise BadInputError(f'"{path}" cannot be read ({error.strerror}): check the path.') from error
    if start.startswith(read):
        return
    named = next((known for endings, known in ENDINGS.items() if path.suffix.lower() in endings), None)
    for first, (what, advice) in CONTENTS.items():
        # Many formats are ZIP archives, of which the ending says more.
        if (start.startswith(first) or start.lstrip().lower().startswith(first)) and not (named and first == ZIP):
            raise BadInputError(f'"{path}" is {what}: {advice}.')
    if named:
        raise BadInputError(f'"{path}" is {named[0]} by its ending "{path.suffix}": {named[1]}.')
