"""How long those may stay who do not log in, in minutes that really pass."""
import time

import pytest
from pop3 import has_asan


@pytest.mark.slow
@pytest.mark.limit(240)
def test_a_minute_of_silence_and_three_minutes_in_all(host):
    if has_asan():
        pytest.skip("once is enough")
    silent = host.connect("--idle-timeout=600")
    busy = host.connect("--idle-timeout=600")
    began = time.monotonic()
    ended = {}
    while busy.process.poll() is None:
        if silent.process.poll() is not None:
            ended.setdefault("silent", time.monotonic() - began)
        if time.monotonic() - began < 179:
            busy.ok("CAPA")
            busy.hear_text()
        time.sleep(1)  # the time that passes is what is tested
    assert 59 < ended["silent"] < 75
    assert 179 < time.monotonic() - began < 200
    silent.closed()
    busy.expect("-ERR The login took too long")
