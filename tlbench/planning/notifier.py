"""Passes the events of a run to plugins."""

from __future__ import annotations

import pluggy

from tlbench.contract.events import Event
from tlbench.errors import describe
from tlbench.planning.guard import check_signal, pass_signal


class Notifier:
    """Calls every `tlbench_event`. A listener that raises is reported once and then removed."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._listeners = list(manager.hook.tlbench_event.get_hookimpls())

    def __call__(self, event: Event) -> None:
        check_signal()
        for listener in list(self._listeners):
            try:
                listener.function(*(event for _ in listener.argnames))
            except BaseException as error:  # noqa: BLE001 - a listener must not stop a run
                pass_signal(error)
                import warnings

                self._listeners.remove(listener)
                warnings.warn(f"A tlbench_event listener failed and was removed: {describe(error)}", stacklevel=2)
