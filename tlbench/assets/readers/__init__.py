"""Readers of common file layouts, for tasks on files.

Every module is light: libraries such as numpy are imported by the functions that need them. What cannot be read raises
a `BadInputError` that names it.
"""
