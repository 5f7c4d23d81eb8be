"""The models' queue, over networks that do what the test says and over the real ones."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from PIL import Image as Pillow

import mien
from mien.errors import ImageTooLarge, UnreadableImage
from mien.server.work import Busy, Work
from mien.types import Faces


class Networks:
    """Finds no faces; remembers the batches, each image known by the value of its pixels."""

    def __init__(self, broken=()):
        self.batches = []
        self.broken = set(broken)

    def find_decoded(self, photos, indices):
        assert indices == [0] * len(photos)  # each is its request's only image
        self.batches.append([int(photo.image[0, 0, 0]) for photo in photos])
        if self.broken & set(self.batches[-1]):
            raise RuntimeError("the network")
        return [Faces.of(np.empty((0, 4)), [], np.empty((0, 5, 2)), photo.image.shape[1::-1]) for photo in photos]

    def __call__(self):
        return self


def image(number, side=1):
    return np.full((side, side, 3), number, np.uint8)


@pytest.fixture
def work(request):
    made = Work(**{"limit": 64, "threads": 1, **getattr(request, "param", {})})
    yield made
    made.close()


class Held:
    """Keeps the only thread of a queue busy until it is let go, so that what comes then has to wait."""

    def __init__(self, work):
        self._work = work
        self._begun, self._release = threading.Event(), threading.Event()

    async def __aenter__(self):
        self._task = asyncio.ensure_future(self._work.run(self._hold, "who holds it"))
        while not self._begun.is_set():
            await asyncio.sleep(0.001)
        return self

    async def __aexit__(self, *_):
        self._release.set()
        await self._task

    def _hold(self):
        self._begun.set()
        assert self._release.wait(30)


async def sent(*requests):
    """Tasks of requests that are waiting in the queue, in this order."""
    tasks = [asyncio.ensure_future(one) for one in requests]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize(
    ("waiting", "sides", "batches"),
    [(1, 1, [1]), (8, 1, [8]), (11, 1, [8, 3]), (3, 3000, [2, 1])],
    ids=["one", "a batch", "more than one", "large photos"],
)
def test_images_that_wait_at_the_same_time_are_one_batch(work, waiting, sides, batches):
    networks = Networks()

    async def use():
        async with Held(work):
            looks = await sent(*(work.look(image(n, sides), "a", networks) for n in range(waiting)))
        assert [len(faces) for faces in await asyncio.gather(*looks)] == [0] * waiting

    asyncio.run(use())
    assert [len(batch) for batch in networks.batches] == batches


def test_holders_take_turns_however_many_one_sends(work):
    networks = Networks()

    async def use():
        async with Held(work):
            greedy = [work.look(image(n), "greedy", networks) for n in range(20)]
            modest = [work.look(image(100 + n), "modest", networks) for n in range(2)]
            looks = await sent(*greedy, *modest, work.look(image(200), "late", networks))
        await asyncio.gather(*looks)

    asyncio.run(use())
    assert networks.batches[0] == [0, 100, 200, 1, 101, 2, 3, 4]
    assert [len(batch) for batch in networks.batches] == [8, 8, 7]


def test_other_work_takes_its_turn_between_images(work):
    networks, order = Networks(), []

    async def use():
        async with Held(work):
            looks = [work.look(image(n), "a", networks) for n in range(2)]
            call = work.run(lambda: order.append([*networks.batches]), "b")
            waiting = await sent(*looks, call)
        await asyncio.gather(*waiting)

    asyncio.run(use())
    assert order == [[[0]]]
    assert networks.batches == [[0], [1]]


@pytest.mark.parametrize("work", [{"limit": 12}], indirect=True)
@pytest.mark.parametrize(
    ("sent_by", "accepted"),
    [
        ("aaaaaaaaaaaa", {"a": 6}),
        ("aaaaaaaaaaaab", {"a": 6, "b": 1}),
        ("abababababababab", {"a": 4, "b": 4}),
        ("aaaaaaaaaaaabbbbbbbbbc", {"a": 6, "b": 3, "c": 1}),
    ],
)
def test_a_holder_has_as_many_places_as_are_left_free(work, sent_by, accepted):
    release, places = threading.Event(), dict.fromkeys(sent_by, 0)

    async def use():
        tasks = await sent(*(work.run(lambda: release.wait(30), holder) for holder in sent_by))
        await asyncio.sleep(0.01)
        refused = [task.done() and isinstance(task.exception(), Busy) for task in tasks]
        release.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        for holder, no in zip(sent_by, refused, strict=True):
            places[holder] += not no
        assert work.waiting == 0
        assert await work.run(lambda: "room again", "a") == "room again"

    asyncio.run(use())
    assert places == accepted


def test_what_is_wrong_with_an_image_concerns_nobody_else(work):
    networks = Networks(broken=[3])

    async def use():
        async with Held(work):
            sources = [image(1), b"no image", image(2), image(3), image(4)]
            looks = await sent(*(work.look(source, "a", networks) for source in sources))
        return await asyncio.gather(*looks, return_exceptions=True)

    told = asyncio.run(use())
    assert [type(one) for one in told] == [Faces, UnreadableImage, Faces, RuntimeError, Faces]


@pytest.mark.parametrize("work", [{"max_pixels": 99}], indirect=True)
def test_an_image_of_too_many_pixels_is_not_decoded(work, tmp_path):
    networks = Networks()
    for side in (9, 10):
        Pillow.new("RGB", (side, side)).save(tmp_path / f"{side}.png")

    async def use():
        assert not len(await work.look(tmp_path / "9.png", "a", networks))
        with pytest.raises(ImageTooLarge):
            await work.look(tmp_path / "10.png", "a", networks)

    asyncio.run(use())
    assert len(networks.batches) == 1


def test_retry_after_follows_the_measured_rate(work, monkeypatch):
    clock = iter(range(0, 10_000, 20))  # every call takes 20 seconds
    monkeypatch.setattr("mien.server.work.time.perf_counter", lambda: next(clock))
    told = []

    async def use():
        for _ in range(80):
            await work.run(lambda: None, "a")
        work.limit = 2
        async with Held(work):
            await sent(work.run(lambda: None, "b"))
            with pytest.raises(Busy) as busy:
                await work.run(lambda: None, "b")
            told.append(busy.value.retry_after)

    asyncio.run(use())
    assert 38 <= told[0] <= 40  # for the two that have places


def test_who_goes_away_before_their_turn_gives_the_place_back(work):
    networks = Networks()

    async def use():
        async with Held(work):
            gone, stays = await sent(*(work.look(image(n), "a", networks) for n in range(2)))
            gone.cancel()
            await asyncio.sleep(0)
            assert work.waiting == 2
        await stays
        assert work.waiting == 0

    asyncio.run(use())
    assert networks.batches == [[1]]


def test_closing_finishes_what_was_accepted_and_refuses_the_rest():
    work, done = Work(64, threads=1), []

    async def use():
        async with Held(work):
            accepted = await sent(*(work.run(lambda n=n: done.append(n), "a") for n in range(5)))
            closing = asyncio.ensure_future(asyncio.to_thread(work.close))
            while not work.closed:
                await asyncio.sleep(0.001)
            with pytest.raises(Busy):
                await work.run(lambda: done.append("too late"), "b")
        await asyncio.gather(closing, *accepted)

    asyncio.run(use())
    assert done == [0, 1, 2, 3, 4]


def test_a_gallery_waits_neither_for_the_models_nor_holds_up_the_event_loop(work):
    async def use():
        async with Held(work):
            release = threading.Event()
            slow = asyncio.ensure_future(work.decide(lambda: release.wait(30)))
            await asyncio.sleep(0.01)
            assert not slow.done()
            release.set()
            assert await slow

    asyncio.run(use())


@pytest.mark.weights
@pytest.mark.samples
def test_a_batch_finds_what_the_library_finds(samples, tmp_path):
    Pillow.open(samples / "obama.jpg").rotate(90, expand=True).save(tmp_path / "turned.png")
    sources = [samples / "obama.jpg", samples / "biden.jpg", tmp_path / "turned.png"]

    async def use():
        work = Work(64, threads=1)
        async with Held(work):
            looks = await sent(*(work.look(source, "a") for source in sources))
        found = await asyncio.gather(*looks)
        await asyncio.to_thread(work.close)
        return found

    for got, expected in zip(asyncio.run(use()), map(mien.find, sources), strict=True):
        assert len(got) == len(expected) > 0
        np.testing.assert_allclose(got.boxes, expected.boxes, atol=1)
        assert (got.image_index == 0).all()
        assert np.sum(got.templates * expected.templates, axis=1).min() > 0.99
