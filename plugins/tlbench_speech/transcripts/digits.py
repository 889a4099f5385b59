"""The words of digits, and the letters that they are written with."""

from __future__ import annotations

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ALPHABET = (" ", *sorted(set("".join(DIGITS))))
