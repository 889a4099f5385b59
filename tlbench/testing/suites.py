"""The checks as pytest classes: subclass one, give it a name, and pytest runs a test for each check.

`test_` and a check's name is the test; a subclass that sets it to None leaves it out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from tlbench.contract.options import OptionValue
from tlbench.contract.specs import EMPTY
from tlbench.errors import MissingDataError, NotApplicable
from tlbench.planning.catalog import Catalog, Spec, load_catalog
from tlbench.testing import analyses, backbones, domains, estimators, families, strategies, tasks
from tlbench.testing.bench import Bench
from tlbench.testing.toy import toy_candidate


class Suite:
    """Base of the suites. It needs no conftest: catalog, cache and board are made here, in pytest's own folders."""

    name: ClassVar[str]
    """The spec's name."""
    options: ClassVar[Mapping[str, OptionValue]] = EMPTY
    """Options of the spec: for speed, such as `{"steps": 5}`, or to name the files that a task reads."""
    checks: ClassVar[Sequence[Callable[[Any, Bench], str | None]]] = ()
    _bench: ClassVar[Bench | None] = None

    def __init_subclass__(cls) -> None:
        for check in vars(cls).get("checks", ()):
            setattr(cls, f"test_{check.__name__}", _test_of(check))
        cls._bench = None

    def _spec(self, catalog: Catalog) -> Spec:
        """Return the spec that is checked."""
        raise NotImplementedError

    def bench(self, tmp_path_factory: Any) -> Bench:
        """Return what the tests of this class share."""
        if self._bench is None:
            type(self)._bench = Bench(
                catalog=self.catalog(), folder=self.folder(tmp_path_factory), options=self.options
            )
        assert self._bench is not None
        return self._bench

    def catalog(self) -> Catalog:
        """Return the specs of the installed plugins and of the toy."""
        return load_catalog(also=[toy_candidate()])

    def folder(self, tmp_path_factory: Any) -> Path:
        """Return the folder for cache and board."""
        return Path(tmp_path_factory.mktemp("conformance"))


def _test_of(check: Callable[[Any, Bench], str | None]) -> Callable[[Suite, Any], None]:
    def test(self: Suite, tmp_path_factory: Any) -> None:
        __tracebackhide__ = True
        bench = self.bench(tmp_path_factory)
        try:
            note = check(self._spec(bench.catalog), bench)
        except (MissingDataError, NotApplicable) as error:
            raise SkipTest(str(error)) from None
        if note:
            warnings.warn(note, stacklevel=1)

    test.__doc__ = check.__doc__
    return test


class DomainSuite(Suite):
    """Checks of the domain `name`."""

    checks = domains.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.domain(self.name)


class TaskSuite(Suite):
    """Checks of the task `name`."""

    checks = tasks.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.task(self.name)


class BackboneSuite(Suite):
    """Checks of the backbone `name`, on small samples of its modality."""

    checks = backbones.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.backbone(self.name)


class FamilySuite(Suite):
    """Checks of the family of backbones `name`; `BackboneSuite` checks one that it finds, by its whole name."""

    checks = families.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.families[self.name]


class StrategySuite(Suite):
    """Checks of the strategy `name`, on the toy's tasks."""

    checks = strategies.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.strategy(self.name)


class EstimatorSuite(Suite):
    """Checks of the estimator `name`, on the toy's tasks."""

    checks = estimators.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.estimator(self.name)


class AnalysisSuite(Suite):
    """Checks of the analysis `name`, on the toy's tasks."""

    checks = analyses.CHECKS

    def _spec(self, catalog: Catalog) -> Spec:
        return catalog.analysis(self.name)
