"""Readers of common file layouts, for tasks on files.

`labelled`, `folders`, `listed`, `tables`, `objects`, `embedded`, `hub` and `conll` are light and may be used in a
task's `files`; `images`, `audio`, `series` and `features` import numpy or more: use them in `load`. A file that cannot
be read raises `BadInputError` with its name.
"""
