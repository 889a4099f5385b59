"""One pairing: its stages, what was asked for beside them, and the row that they make."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from tlbench.engine.contents import row_part
from tlbench.engine.diagnostics import row_fields_of, run_diagnostics
from tlbench.engine.draft import Draft, Found
from tlbench.engine.job import job_of
from tlbench.engine.pipeline import NotComputed, run_stages
from tlbench.engine.store import Store, StoredStage
from tlbench.engine.tuning import tuned
from tlbench.errors import NotApplicable, StageError, UsageError, describe
from tlbench.planning.catalog import Catalog
from tlbench.planning.guard import log_traceback, pass_signal, same_folder
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.results.row import Row


def run_pairing(pairing: Pairing, catalog: Catalog, settings: Settings, store: Store) -> Draft:
    """Return the pairing's row without baselines and latency, and the stages that it is made of.

    Raises `NotComputed` if the store only finds, and lacks a stage.
    """
    fields = job_of(pairing, catalog, settings).fields
    if pairing.skip:
        return without_score(fields, pairing.published, status="skipped", reason=pairing.skip)
    try:
        # What a plugin prints must not end up in the JSON that a program reads.
        with same_folder(), redirect_stdout(sys.stderr):
            settled, chosen = tuned(pairing, settings, store)
            stages = run_stages(settled, settings, store)
            found = run_diagnostics(settled, settings, store, stages)
        row = _assemble({**fields, **chosen}, stages, found)
        return Draft(row=row, published=pairing.published, stages=stages, found=found)
    except NotComputed:
        raise
    except BaseException as error:  # noqa: BLE001 - a failure of one pairing must not cost the others theirs
        pass_signal(error)
        if isinstance(error.__cause__, NotApplicable):
            return without_score(fields, pairing.published, status="skipped", reason=str(error.__cause__))
        trace = log_traceback(pairing.title, settings.cache)
        return without_score(fields, pairing.published, trace, status="failed", **failure(error))


def without_score(fields: Mapping[str, Any], published: bool, traceback: str = "", **why: Any) -> Draft:
    """Return the draft of a pairing that failed or was skipped."""
    return Draft(row=Row(**{**fields, **why}), published=published, traceback=traceback)


def failure(error: BaseException) -> dict[str, Any]:
    """Return the row's fields on what failed: the sentence of an error of ours, the type too of any other."""
    cause = error.__cause__ or error if isinstance(error, StageError) else error
    return {
        "stage": error.stage if isinstance(error, StageError) else "host",
        "reason": describe(cause),
        "bad_input": isinstance(cause, UsageError),
    }


def _assemble(fields: Mapping[str, Any], stages: Mapping[str, StoredStage], found: Found) -> Row:
    """Return the union of what was asked for and what the stages say."""
    known = {name: value for stage in stages.values() for name, value in row_part(stage.folder).items()}
    seconds = {**{name: stage.seconds for name, stage in stages.items()}, **found.seconds}
    return Row(**{**fields, **known, **row_fields_of(found)}, status="ok", seconds=seconds)
