from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tlbench.errors import BadInputError, ContractError, UsageError
from tlbench.planning.guard import (
    Terminated,
    check_signal,
    guarded,
    log_traceback,
    only_here,
    pass_signal,
    same_folder,
    signals_raise,
)


class Panic(BaseException):
    pass


class MuteError(Exception):
    def __str__(self):
        raise Panic("no message")


@pytest.fixture
def handled():
    """Signals handled as `tlbench` does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with signals_raise():
        yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(0), "SystemExit: 0"),
        (GeneratorExit(), "GeneratorExit: "),
        (Panic("out of bounds"), "Panic: out of bounds"),
        (StopIteration(), "StopIteration: "),
        (MuteError(), "MuteError: its message cannot be read (Panic)"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
    ],
)
def test_whatever_a_plugin_raises_is_an_error_that_says_what_failed_and_where(handled, error, message):
    with pytest.raises(ContractError) as caught, guarded('"files" of the task "toy/blobs"'):
        raise error
    assert str(caught.value).startswith(f'"files" of the task "toy/blobs" failed in "{__file__}", line ')
    assert str(caught.value).endswith(message)


def test_a_file_that_cannot_be_read_is_bad_input_and_errors_of_ours_pass():
    with pytest.raises(BadInputError, match="IsADirectoryError"), guarded("files"):
        Path("/").read_text()
    with pytest.raises(UsageError, match=r"^no such thing$"), guarded("files"):
        raise UsageError("no such thing")


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_passes_also_where_a_plugin_swallows_or_wraps_it(handled, number, raised):
    with pytest.raises(raised), guarded("files"):
        os.kill(os.getpid(), number)
    with pytest.raises(raised):
        check_signal()
    with pytest.raises(raised):
        pass_signal(RuntimeError("the training was interrupted"))


@pytest.fixture
def ignored():
    """Ctrl-C ignored, as a shell's background jobs do."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def test_where_python_handles_ctrl_c_it_is_no_error_of_a_plugin(ignored):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), guarded("files"):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_background_job_goes_on_ignoring_ctrl_c(ignored):
    with signals_raise():
        os.kill(os.getpid(), signal.SIGINT)
        check_signal()


@pytest.mark.parametrize("ending", [None, Terminated])
def test_handlers_are_those_of_before_again(ending):
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with suppress(Terminated), signals_raise():
        assert [signal.getsignal(number) for number in numbers] != before
        if ending:
            os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(number) for number in numbers] == before
    check_signal()


def test_the_current_folder_is_the_same_again_also_after_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def walk_away():
        os.chdir("/")
        raise Panic

    with pytest.raises(Panic), same_folder():
        walk_away()
    assert Path.cwd() == tmp_path


def log_of(cache):
    try:
        raise ValueError("caf\udce9.wav")
    except ValueError:
        log_traceback("toy/blobs", cache)


def test_a_log_takes_any_message_and_one_that_cannot_be_written_ends_nothing(tmp_path):
    log_of(tmp_path / "new")
    assert r"ValueError: caf\udce9.wav" in (tmp_path / "new" / "tlbench.log").read_text()
    (tmp_path / "file").touch()
    log_of(tmp_path / "file")
    log_of(Path("/proc/nowhere"))
    (tmp_path / "cache" / "tlbench.log").mkdir(parents=True)
    log_of(tmp_path / "cache")


@pytest.mark.parametrize("end", [lambda: None, lambda: exec("raise RuntimeError")])
def test_a_copy_that_a_plugin_forked_ends_with_the_block_and_cleans_up_nothing(tmp_path, end):
    cleaned_up = tmp_path / "cleaned-up"
    here = os.getpid()
    try:
        with only_here():
            copy = os.fork()
            if not copy:
                end()
    finally:
        if os.getpid() != here:
            cleaned_up.touch()
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 1
    assert not cleaned_up.exists()
