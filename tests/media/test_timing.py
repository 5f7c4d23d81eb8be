"""Timestamps that rise, sampling by time, and the pace of what arrives in bursts."""

import numpy as np
import pytest

from mien.media import timing
from mien.media.timing import Clock, Sampler


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param([0, 0.04, 0.08], [0, 0.04, 0.08], id="regular"),
        pytest.param([5, 5.04, 9], [0, 0.04, 4], id="offset and a gap"),
        pytest.param([0, None, None], [0, 0.1, 0.2], id="lost"),
        pytest.param([0, 0, 0.5], [0, 0.1, 0.5], id="repeated"),
        pytest.param([0, 0.5, 0.45, 0.7], [0, 0.5, 0.6, 0.7], id="jitter"),
        pytest.param([0, 30, 0, 1], [0, 30, 30.1, 31.1], id="counts anew"),
    ],
)
def test_clock(seconds, expected):
    clock = Clock(seconds[0], 0.1)
    assert [clock.at(second) for second in seconds] == pytest.approx(expected)


def test_sampler_takes_no_more_than_asked_for_however_the_frames_come():
    times = np.sort(np.random.default_rng(0).uniform(0, 20, 500))
    sampler = Sampler(7.0)
    taken = [time for time in times if sampler.takes(time)]
    assert np.bincount(np.floor(np.array(taken) * 7).astype(int)).max() == 1
    assert len(taken) > 130


def test_pace(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    pace = timing.Pace()
    assert pace.wait(5.0) == 0
    assert pace.wait(6.0) == pytest.approx(1)
    now[0] = 103
    assert pace.wait(6.5) == 0
    assert pace.wait(9.0) == pytest.approx(1)
    assert pace.wait(5000.0) == 0  # another count
    assert pace.wait(5001.0) == pytest.approx(1)
