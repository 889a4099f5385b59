"""Options that tasks on files share."""

from __future__ import annotations

from tlbench import LoadRequest, Option


def places(source: str, target: str, *, alone: bool = False) -> tuple[Option, Option]:
    """Return the options that name the files of the two domains; `alone` says that the source may be left out."""
    described = f"{source}. Empty: no source domain" if alone else source
    return Option(name="source", default="", summary=described), Option(name="target", default="", summary=target)


FEATURES = (
    Option(name="leave_out", default="", summary="columns that are not used, separated by commas (optional)"),
    Option(
        name="missing",
        default="refuse",
        summary="cells without a number (empty, NaN, infinite): refuse, drop (their rows) or fill (the mean of the "
        "training rows of the source, or without a source of the target)",
    ),
)
"""Which columns of a table are features, and what becomes of missing numbers."""


def used_columns(request: LoadRequest, *columns: str) -> tuple[str, ...]:
    """Return the columns that options name, these and those to leave out, for a check before a run."""
    from tlbench.assets import missing_option, names_option

    missing_option(request)
    return (*columns, *names_option(request, "leave_out"))


QUOTES = Option(
    name="quotes", default=True, summary="CSV: quotation marks enclose cells; false: they are ordinary characters"
)
"""How the quotation marks of a table of texts are read."""

DROPPED = Option(name="missing", default="refuse", summary="rows with an empty text or label: refuse or drop")
"""What becomes of rows of a table of texts that lack one."""
