"""Data sets and checkpoints: downloads, the Hugging Face hub, and readers of file formats."""

from tlbench.assets.checkpoints import cached_json, find_checkpoint, is_local_checkpoint
from tlbench.assets.limits import check_file, check_limit
from tlbench.assets.readers.audio import common_rate, read_sound
from tlbench.assets.readers.cells import number_cells
from tlbench.assets.readers.conll import TaggedSentence, read_conll
from tlbench.assets.readers.divided import SplitColumns, by_file, divide, keep_published, split_columns, with_fields
from tlbench.assets.readers.domains import (
    common_labels,
    label_names,
    make_side,
    task_data,
    task_labels,
    transductive_data,
    unmatched,
)
from tlbench.assets.readers.embedded import EmbeddedImage, image_group, read_embedded_images
from tlbench.assets.readers.feature_tables import (
    TableUse,
    feature_decimals,
    missing_option,
    names_option,
    read_features,
)
from tlbench.assets.readers.features import FeatureEncoding, TableRow, all_rows, read_records, rows_by_table
from tlbench.assets.readers.folders import (
    IMAGE_SUFFIXES,
    SOUND_SUFFIXES,
    TABLE_SUFFIXES,
    class_files,
    class_sides,
    example_files,
    file_parts,
    files_read,
    has_source,
    integer_option,
    option_path,
)
from tlbench.assets.readers.hub import is_hub_place
from tlbench.assets.readers.idx import read_idx
from tlbench.assets.readers.image_file import as_pixels, image_reader
from tlbench.assets.readers.images import read_image, read_images, read_mask, read_npz, scale_mask
from tlbench.assets.readers.labelled import (
    Labelled,
    Parts,
    hold_out,
    join_examples,
    named_parts,
    named_split,
    published_parts,
    quoted,
    split_word,
    worded_parts,
)
from tlbench.assets.readers.listed import split_by_table
from tlbench.assets.readers.masks import mask_sides, note_empty_masks
from tlbench.assets.readers.objects import COLUMNAR_SUFFIXES, nested_records
from tlbench.assets.readers.resampling import resampled
from tlbench.assets.readers.series import read_series, rising_channels, series_decimals, sliding_windows
from tlbench.assets.readers.served import record_reader, series_reader, sound_reader, text_reader
from tlbench.assets.readers.spans import read_spans
from tlbench.assets.readers.spellings import common_spelling
from tlbench.assets.readers.tables import (
    Table,
    check_columns,
    label_rows,
    read_table,
    read_texts,
    side_tables,
    table_files,
    table_parts,
)
from tlbench.assets.readers.tagged import read_tagged
from tlbench.assets.readers.text_tables import read_text_table
from tlbench.assets.readers.volumes import VOLUME_SUFFIXES, Volume, read_volume
from tlbench.assets.readers.walk import leads_outside, list_folder
from tlbench.assets.readers.words import context_words
from tlbench.assets.weight_files import log_once, read_weights, reading_weights
from tlbench.assets.weights import (
    check_coverage,
    check_finite_weights,
    further_blocks,
    load_into,
    strip_prefix,
    weight_coverage,
)

__all__ = [
    "COLUMNAR_SUFFIXES",
    "IMAGE_SUFFIXES",
    "SOUND_SUFFIXES",
    "TABLE_SUFFIXES",
    "VOLUME_SUFFIXES",
    "EmbeddedImage",
    "FeatureEncoding",
    "Labelled",
    "Parts",
    "SplitColumns",
    "Table",
    "TableRow",
    "TableUse",
    "TaggedSentence",
    "Volume",
    "all_rows",
    "as_pixels",
    "by_file",
    "cached_json",
    "check_columns",
    "check_coverage",
    "check_file",
    "check_finite_weights",
    "check_limit",
    "class_files",
    "class_sides",
    "common_labels",
    "common_rate",
    "common_spelling",
    "context_words",
    "divide",
    "example_files",
    "feature_decimals",
    "file_parts",
    "files_read",
    "find_checkpoint",
    "further_blocks",
    "has_source",
    "hold_out",
    "image_group",
    "image_reader",
    "integer_option",
    "is_hub_place",
    "is_local_checkpoint",
    "join_examples",
    "keep_published",
    "label_names",
    "label_rows",
    "leads_outside",
    "list_folder",
    "load_into",
    "log_once",
    "make_side",
    "mask_sides",
    "missing_option",
    "named_parts",
    "named_split",
    "names_option",
    "nested_records",
    "note_empty_masks",
    "number_cells",
    "option_path",
    "published_parts",
    "quoted",
    "read_conll",
    "read_embedded_images",
    "read_features",
    "read_idx",
    "read_image",
    "read_images",
    "read_mask",
    "read_npz",
    "read_records",
    "read_series",
    "read_sound",
    "read_spans",
    "read_table",
    "read_tagged",
    "read_text_table",
    "read_texts",
    "read_volume",
    "read_weights",
    "reading_weights",
    "record_reader",
    "resampled",
    "rising_channels",
    "rows_by_table",
    "scale_mask",
    "series_decimals",
    "series_reader",
    "side_tables",
    "sliding_windows",
    "sound_reader",
    "split_by_table",
    "split_columns",
    "split_word",
    "strip_prefix",
    "table_files",
    "table_parts",
    "task_data",
    "task_labels",
    "text_reader",
    "transductive_data",
    "unmatched",
    "weight_coverage",
    "with_fields",
    "worded_parts",
]
