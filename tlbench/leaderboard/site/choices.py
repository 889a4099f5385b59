"""The numbers by which the page recommends strategies: the rules are those of `leaderboard/advice`.

`js/advice.js` has the rules once more, for limits that a person moves; a test compares the two. Means and half-widths
are rounded as the sentences show them; whether a difference is significant is decided here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tlbench.leaderboard.advice import words
from tlbench.leaderboard.advice.case import RIVALS, Case, best_first, cases, costs
from tlbench.leaderboard.advice.limits import DIGITS, Limits, barred, forgets, forgetting, not_measured
from tlbench.leaderboard.advice.rules import DOUBTS, WITHOUT, WORTH_TRYING, half_width, said
from tlbench.leaderboard.advice.verdict import conditions
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.ranks import Difference, difference
from tlbench.leaderboard.site.columnar import Texts
from tlbench.leaderboard.wording import number
from tlbench.results.baselines import requested_budget

Gap = tuple[float | None, float | None, int, int]
"""Mean (None for exactly 0, and without common seeds), half-width of its 95 % interval or None, common seeds, and 1 or
-1 if it is significantly above or below 0, else 0."""
Remarks = list[list[list[Any]]]
"""What the data cannot tell, and what is worth trying: sentences as `Texts.pattern` has them."""
OF_OTHERS = ("unpaired", "first-seeds", "more-seeds", "more-test-data", "keep-source")
"""Rules whose sentences also depend on what else can be recommended, so that limits change them."""


def case_records(everything: Sequence[Entry], texts: Texts) -> list[dict[str, Any]]:
    """Return a record for each case of each task: see `leaderboard/advice/case`. Entries are named by their places.

    `said` are the remarks on the case without limits, and those on each entry that no limit changes.
    """
    entries, left = ([one for one in everything if (one.first.status == "ok") is ok] for ok in (True, False))
    numbers = {id(entry): number for number, entry in enumerate(everything)}
    records = []
    for of_task in cases(entries, left, Limits()):
        told = conditions(of_task)
        records += [_record(case, told[id(case)], numbers, texts) for case in of_task]
    return records


def _record(case: Case, condition: str, numbers: Mapping[int, int], texts: Texts) -> dict[str, Any]:
    first = case.members[0]
    row = first.first
    baselines = {
        id(found): found for entry in case.members for name in RIVALS if (found := case.rival(name, entry)) is not None
    }
    everyone = [*case.members, *baselines.values()]
    places = {id(entry): place for place, entry in enumerate(everyone)}
    orders = {id(entry): order for order, entry in enumerate(sorted(everyone, key=best_first))}
    return {
        "task": row.task,
        "access": list(first.access),
        "given": words.given(first),
        "condition": condition,
        "budget": f"{requested_budget(row)} {row.budget_unit}" if "target-labels" in row.access else "",
        "labels": row.label_budget if "target-labels" in row.access else None,
        "members": len(case.members),
        "entries": [
            {
                **_entry(case, entry, places),
                "id": numbers[id(entry)],
                "order": orders[id(entry)],
                "said": _remarks(case, entry, texts, leave_out=OF_OTHERS),
            }
            for entry in everyone
        ],
        "said": _remarks(case, case.use, texts),
        "failed": {name: text for name, text in case.left_out.items() if name in _failed(case)},
        "gaps": [[_gap(difference(a, b)) for b in everyone[place + 1 :]] for place, a in enumerate(everyone)],
    }


def _remarks(case: Case, use: Entry | None, texts: Texts, leave_out: Sequence[str] = ()) -> Remarks:
    if use is None:
        found = [{}, said(WITHOUT, case, case.members[0])]
    else:
        found = [said(DOUBTS, case, use), said(WORTH_TRYING, case, use)]
    return [[texts.pattern(text) for rule, text in one.items() if rule not in leave_out] for one in found]


def _failed(case: Case) -> set[str]:
    """Return the names of the strategies of a case that have no score."""
    return {case.name(entry) for entry in case.failed} - {case.name(entry) for entry in case.members}


def _entry(case: Case, entry: Entry, places: Mapping[int, int]) -> dict[str, Any]:
    lost, latency = forgetting(entry), entry.mean("p50_ms")
    found = {} if entry.first.baseline else {name: case.rival(name, entry) for name in RIVALS}
    return {
        "name": case.name(entry),
        "bar": barred(entry, Limits()),
        "forgetting": None if lost is None else round(lost, DIGITS),
        "keeps": lost is not None and not forgets(entry, 0),
        "unmeasured": not_measured(entry) if lost is None else "",
        "ms": None if latency is None else round(latency, DIGITS),
        "costs": [value if math.isfinite(value) else None for value in costs(entry)],
        "seconds": words.seconds(entry),
        "score": number(entry.mean("score")),
        "rivals": {name: places[id(rival)] for name, rival in found.items() if rival is not None},
    }


def _gap(gap: Difference) -> Gap:
    # A mean of exactly 0 has no sign: turned round, it must not become -0.000.
    mean = None if not gap.mean or math.isnan(gap.mean) else round(gap.mean, 3)
    width = half_width(gap)
    sign = 0 if not gap.decided else 1 if gap.mean > 0 else -1
    return mean, None if width is None else round(width, 3), gap.seeds, sign
