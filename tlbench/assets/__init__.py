"""Data sets and checkpoints: downloads, the Hugging Face hub, and readers of file formats."""

from tlbench.assets.checkpoints import find, is_folder, remembered
from tlbench.assets.readers.audio import common_rate, read_sound
from tlbench.assets.readers.cells import number_cells
from tlbench.assets.readers.conll import Sentence, read_conll
from tlbench.assets.readers.embedded import Embedded, identity, read_embedded
from tlbench.assets.readers.features import Encoding, Record, by_table, read_records
from tlbench.assets.readers.folders import (
    IMAGES,
    SOUNDS,
    TABLES,
    all_files,
    class_files,
    class_sides,
    entries,
    file_parts,
    files_read,
    number,
    place,
)
from tlbench.assets.readers.hub import on_hub
from tlbench.assets.readers.idx import read_idx
from tlbench.assets.readers.images import as_pixels, read_image, read_images, read_mask, read_npz
from tlbench.assets.readers.labelled import (
    Labelled,
    Parts,
    common_labels,
    hold_out,
    label_names,
    make_side,
    published,
    transductive,
)
from tlbench.assets.readers.masks import mask_sides
from tlbench.assets.readers.objects import COLUMNAR
from tlbench.assets.readers.series import read_series, windows
from tlbench.assets.readers.tables import check_columns, read_table, read_texts, table_files, table_parts, with_labels
from tlbench.assets.weight_files import read_weights, weights_of
from tlbench.assets.weights import check_coverage, check_finite, coverage, further_blocks, load_into, without_prefix

__all__ = [
    "COLUMNAR",
    "IMAGES",
    "SOUNDS",
    "TABLES",
    "Embedded",
    "Encoding",
    "Labelled",
    "Parts",
    "Record",
    "Sentence",
    "all_files",
    "as_pixels",
    "by_table",
    "check_columns",
    "check_coverage",
    "check_finite",
    "class_files",
    "class_sides",
    "common_labels",
    "common_rate",
    "coverage",
    "entries",
    "file_parts",
    "files_read",
    "find",
    "further_blocks",
    "hold_out",
    "identity",
    "is_folder",
    "label_names",
    "load_into",
    "make_side",
    "mask_sides",
    "number",
    "number_cells",
    "on_hub",
    "place",
    "published",
    "read_conll",
    "read_embedded",
    "read_idx",
    "read_image",
    "read_images",
    "read_mask",
    "read_npz",
    "read_records",
    "read_series",
    "read_sound",
    "read_table",
    "read_texts",
    "read_weights",
    "remembered",
    "table_files",
    "table_parts",
    "transductive",
    "weights_of",
    "windows",
    "with_labels",
    "without_prefix",
]
