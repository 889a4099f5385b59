from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from site_rows import ABOUT, WIDE

from tlbench import cli
from tlbench.leaderboard.site import page as pages
from tlbench.leaderboard.site.data import site_data
from tlbench.results.row import Row

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def tlbench_command(monkeypatch, capsys):
    """Call `tlbench` in this process; return (status, standard output, errors)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["tlbench", *map(str, words)])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def row(blobs, settings):
    """Make an ok row of a strategy with some access."""

    def make(strategy: str, seed: int, score: float | None, access=("target-labels",), **changes) -> Row:
        fields = {**blobs.row_fields(settings), "strategy": strategy, "seed": seed, "access": access}
        interval = {} if score is None else {"score_low": score - 0.02, "score_high": score + 0.02, "test_size": 100}
        filled = {
            "status": "ok",
            "score": score,
            "seconds": {"adapt": 1.5},
            "p50_ms": 0.5,
            "p50_ratio": 2.0,
            **interval,
        }
        return Row(**{**fields, **filled, **changes})

    return make


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with api.sync_playwright() as started:
        if path is None and not Path(started.chromium.executable_path).is_file():
            pytest.skip("there is no Chromium: apt-get install chromium, or playwright install chromium")
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page of rows; whatever it logs, raises, asks for or opens is an error of the test."""
    contexts, wrong = [], []

    def call(rows, fragment="", viewport=WIDE, board=None, about=ABOUT, **options):
        path = tmp_path / "index.html"
        start = options.pop("start", None)
        path.write_text(pages.page(site_data(rows, board, about, "Board", start=start, whole=True)), encoding="utf-8")
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        shown = context.new_page()
        shown.on("console", lambda message: wrong.append(f"console: {message.text}"))
        shown.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        shown.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        shown.on("popup", lambda popup: wrong.append(f"window: {popup.url}"))
        asked = lambda request: request.url.split("#")[0] == path.as_uri() or wrong.append(f"request: {request.url}")  # noqa: E731
        shown.on("request", asked)
        shown.goto(f"{path.as_uri()}{fragment}")
        shown.wait_for_selector("h1")  # the data are unpacked after the page is loaded
        return shown

    yield call
    for context in contexts:
        context.close()
    assert not wrong
