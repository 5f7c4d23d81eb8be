"""Answers that a thread has for those who wait in an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Answer", "Failed", "result_of", "tell"]


@dataclass(frozen=True, slots=True)
class Failed:
    """What is raised for who waits.

    Attributes:
        error: The exception.
    """

    error: BaseException


Answer: TypeAlias = tuple[asyncio.Future[Any], Any]
"""What somebody waits for, and what it comes to: a result, or `Failed`."""


def result_of(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the call gives
    """What a call returns, or `Failed` with what it raised."""
    try:
        return call()
    except BaseException as error:
        return Failed(error)


def tell(answers: Sequence[Answer]) -> None:
    """Answer from any thread: all in a loop at once, since each time wakes it."""
    for loop in {future.get_loop() for future, _ in answers}:
        own = [answer for answer in answers if answer[0].get_loop() is loop]
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            loop.call_soon_threadsafe(_settle, own)


def _settle(answers: Sequence[Answer]) -> None:
    for future, result in answers:
        if future.done():  # who waited went away
            continue
        if isinstance(result, Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
