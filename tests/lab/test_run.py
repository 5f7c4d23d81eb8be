import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from mien.lab.run import Training, fit, make_fabric, predict

HOW = Training(epochs=6, steps=4, batch=16, rate=0.1, decay=0.0, average=0.9)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(4, 2), nn.BatchNorm1d(2))


def batches(_, __, generator):
    for _ in range(4):
        images = torch.rand((16, 1, 2, 2), generator=generator)
        yield images, (images.mean((1, 2, 3)) > 0.5).long()


def loss(net, x, y):
    return nn.functional.cross_entropy(net(x), y)


def run(how=HOW, **options):
    return fit(network(), batches, loss, how, make_fabric("cpu"), **options)


def weights(net):
    return torch.cat([value.flatten() for value in net.parameters()]).detach()


def test_it_learns():
    images, labels = next(batches(0, 0.0, torch.Generator().manual_seed(9)))
    told = predict(run(replace(HOW, epochs=40)), images, make_fabric("cpu")).argmax(1)
    assert float((told == labels).float().mean()) >= 0.8


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(tmp_path):
    whole = run()

    class Stopped(Exception):
        pass

    def stop(epoch, _):
        if epoch == 3:
            raise Stopped

    with pytest.raises(Stopped):
        run(checkpoint=tmp_path / "a.ckpt", progress=stop)
    told = []
    resumed = run(checkpoint=tmp_path / "a.ckpt", progress=lambda epoch, _: told.append(epoch))
    assert told == [4, 5, 6]
    assert torch.equal(weights(whole), weights(resumed))
    assert not list(tmp_path.glob("*.partial"))


def test_a_run_by_the_clock_ends_in_time():
    told = []
    run(replace(HOW, epochs=10**6, seconds=0.3), progress=lambda epoch, value: told.append(value))
    assert len(told) > 1
    assert all(math.isfinite(value) for value in told)


def test_averaging_begins_with_a_short_memory():
    # With a long one from the start, what is kept after a few steps would be the fresh weights.
    long = run(replace(HOW, average=0.9999))
    assert float((weights(long) - weights(network())).abs().max()) > 0.01
