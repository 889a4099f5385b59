"""A strategy for each way in which a plugin can harm the process, the machine or the results of others.

Each adapts nothing: what counts is what it does before it returns the model.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tlbench import Access, ContractError, StrategySpec, hookimpl

TLBENCH_API = 2
MARK = "hostile-grandchild"
held: list[Any] = []


class Strange(BaseException):
    """No `Exception`."""


class UnprintableError(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def raises(error: BaseException) -> Callable[[Any], None]:
    def act(request: Any) -> None:
        raise error

    return act


def never_ends(request: Any) -> None:
    while True:
        try:
            time.sleep(0.05)
        except BaseException:  # noqa: BLE001
            continue


def forks(request: Any) -> None:
    if os.fork() == 0:
        return


def forks_and_raises(request: Any) -> None:
    if os.fork() == 0:
        raise RuntimeError("in the copy")
    time.sleep(0.5)


def grandparent() -> int:
    return int(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])


def writes_messages(request: Any) -> None:
    strange = [{"name": "stage-finished", "stage": [1]}, {"name": "pairing-finished"}]
    messages = [{"events": strange[:1]}, {"events": strange[1:]}, {"ended": float("inf")}, {"draft": {}}, {"worker": 1}]
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, "".join(f"{json.dumps(message)}\n" for message in messages).encode())


def leaves_processes(request: Any) -> None:
    command = [sys.executable, "-c", f"import time; time.sleep(300)  # {MARK}"]
    subprocess.Popen(command)
    subprocess.Popen(command, start_new_session=True)


def changes_environment(request: Any) -> None:
    os.environ.update(PYTHONPATH="/nowhere", PYTHONHOME="/nowhere", TLBENCH_CACHE="/nowhere")


def prints_much(request: Any) -> None:
    for _ in range(100):
        print("x" * 100_000)


def closes_output(request: Any) -> None:
    os.close(1)
    os.close(2)


def opens_everything(request: Any) -> None:
    try:
        while True:
            held.append(open(os.devnull))  # noqa: SIM115
    except OSError:
        pass


def takes_memory(request: Any) -> None:
    held.append(bytearray(1 << 40))


def removes_cache(request: Any) -> None:
    shutil.rmtree(os.environ["TLBENCH_CACHE"], ignore_errors=True)


def removes_board(request: Any) -> None:
    shutil.rmtree(os.environ["HOSTILE_BOARD"], ignore_errors=True)


def ignores_signals(request: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def exits_at_the_end(request: Any) -> None:
    atexit.register(os._exit, 0)


def patches_json(request: Any) -> None:
    json.dumps = lambda *_, **__: "{}"  # type: ignore[assignment]


def leaves_thread(request: Any) -> None:
    import torch

    def spin() -> None:
        while True:
            for one in gc.get_objects():
                if isinstance(one, torch.nn.Linear):
                    one.weight.data.mul_(1.5)
            time.sleep(0.01)

    threading.Thread(target=spin).start()


def patches_torch(name: str, value: Any) -> Callable[[Any], None]:
    def act(request: Any) -> None:
        import torch

        getattr(torch, name)(value)

    return act


def set_float64(request: Any) -> None:
    import torch

    torch.set_default_dtype(torch.float64)


def patches_seeds(request: Any) -> None:
    import numpy as np
    import torch

    torch.manual_seed = lambda seed: torch.Generator()  # type: ignore[assignment]
    np.random.default_rng = lambda *_: np.random.Generator(np.random.PCG64(1))  # type: ignore[assignment]


def patches_loss(request: Any) -> None:
    import torch

    real = torch.nn.functional.cross_entropy
    torch.nn.functional.cross_entropy = lambda *args, **more: real(*args, **more) * 0  # type: ignore[assignment]


def patches_metrics(request: Any) -> None:
    import tlbench.learning.metrics.classification as metrics

    for name in list(vars(metrics)):
        if "accuracy" in name:
            setattr(metrics, name, lambda *_, **__: 1.0)


def raises_in_numpy(request: Any) -> None:
    import numpy as np

    np.seterr(all="raise")


def fills_with(value: float) -> Callable[[Any], None]:
    def act(request: Any) -> None:
        for parameter in request.model.parameters():
            parameter.data.fill_(value)

    return act


def writes_into_inputs(request: Any) -> None:
    request.target.train.targets.values[:] = 0


def poisons_cache(request: Any) -> None:
    import numpy as np

    for path in Path(os.environ["TLBENCH_CACHE"]).glob("prepare/*/*/*target*.npy"):
        path.chmod(0o644)
        values = np.load(path)
        np.save(path, values * 0)


def kills(process: Callable[[], int]) -> Callable[[Any], None]:
    return lambda request: os.kill(process(), signal.SIGKILL)


def hands_over_another(request: Any) -> Any:
    return request.model.double()


DEEDS: dict[str, Callable[[Any], Any]] = {
    "raises": raises(ValueError("no")),
    "raises-without-text": raises(Exception()),
    "raises-unprintable": raises(UnprintableError()),
    "raises-strange": raises(Strange("x")),
    "raises-keyboard-interrupt": raises(KeyboardInterrupt()),
    "raises-markup": raises(ContractError('=HYPERLINK("http://x")\n| a | <script>alert(1)</script>\x1b[2J\u202e')),
    "raises-50-mb": raises(ValueError("y" * 50_000_000)),
    "exits-0": lambda request: sys.exit(0),
    "exits-3": lambda request: sys.exit(3),
    "ends-0": lambda request: os._exit(0),
    "ends-at-the-end": exits_at_the_end,
    "crashes": lambda request: ctypes.string_at(0),
    "is-killed": kills(os.getpid),
    "kills-parent": kills(os.getppid),
    "hangs": lambda request: time.sleep(3600),
    "never-ends": never_ends,
    "forks": forks,
    "forks-and-raises": forks_and_raises,
    "writes-messages": writes_messages,
    "kills-server": kills(grandparent),
    "stops-parent": lambda request: os.kill(os.getppid(), signal.SIGSTOP),
    "leaves-processes": leaves_processes,
    "leaves-thread": leaves_thread,
    "changes-folder": lambda request: os.chdir("/"),
    "changes-environment": changes_environment,
    "ignores-signals": ignores_signals,
    "prints-much": prints_much,
    "closes-output": closes_output,
    "opens-everything": opens_everything,
    "takes-memory": takes_memory,
    "limits-recursion": lambda request: sys.setrecursionlimit(60),
    "raises-on-warnings": lambda request: warnings.simplefilter("error"),
    "removes-cache": removes_cache,
    "removes-board": removes_board,
    "poisons-cache": poisons_cache,
    "patches-json": patches_json,
    "patches-seeds": patches_seeds,
    "patches-loss": patches_loss,
    "patches-metrics": patches_metrics,
    "without-gradients": patches_torch("set_grad_enabled", False),
    "default-dtype": set_float64,
    "default-device": patches_torch("set_default_device", "meta"),
    "threads": patches_torch("set_num_threads", 4),
    "nondeterministic": patches_torch("use_deterministic_algorithms", False),
    "denormals": patches_torch("set_flush_denormal", True),
    "raises-in-numpy": raises_in_numpy,
    "returns-nan": fills_with(float("nan")),
    "returns-infinity": fills_with(float("inf")),
    "returns-nothing": lambda request: "nothing",
    "returns-float64": hands_over_another,
    "writes-into-inputs": writes_into_inputs,
}
"""Name -> what is done; a deed that returns something returns it in place of the model."""


def adapt(deed: str, request: Any) -> Any:
    return DEEDS[deed](request) or request.model


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name=f"hostile-{name}",
            title="Hostile",
            summary="Does harm.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            adapt=partial(adapt, name),
        )
        for name in DEEDS
    ]
