from __future__ import annotations

import threading

import pytest
from support import run_python

from tlbench.api.functions import own_strategies
from tlbench.engine.planned import PlanRequest, unpacked_request
from tlbench.errors import UsageError
from tlbench.planning.settings import Settings


def request_with(value: object, tmp_path) -> PlanRequest:
    def mine(request):
        return value

    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board")
    return PlanRequest(settings=settings, own=own_strategies([mine]))


def test_a_function_travels_with_its_values_and_its_identity(tmp_path):
    request = request_with([1.5, "a"], tmp_path)
    (sent,), (received,) = request.own, unpacked_request(request.packed()).own
    assert received.spec.adapt(None) == [1.5, "a"]
    assert (received.code, received.spec.adapt.identity) == (sent.code, sent.spec.adapt.identity)


def test_what_cannot_travel_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r'"mine".*inline'):
        request_with(threading.Lock(), tmp_path).packed()


def test_a_module_beside_the_session_is_found_in_another_process(tmp_path):
    (tmp_path / "beside_the_session.py").write_text("NUMBER = 7\n")
    code = f"""
import sys
sys.path.append({str(tmp_path)!r})
import beside_the_session
from tlbench.api.functions import own_strategies
from tlbench.engine.planned import PlanRequest
from tlbench.planning.settings import Settings

def mine(request):
    return beside_the_session.NUMBER

print(PlanRequest(settings=Settings(), own=own_strategies([mine]), path=sys.path).packed())
"""
    text = run_python(code).stdout.strip()
    reader = "import sys; from tlbench.engine.planned import unpacked_request; "
    done = run_python(reader + "print(unpacked_request(sys.argv[1]).own[0].spec.adapt(None))", text)
    assert done.stdout.strip() == "7", done.stderr
