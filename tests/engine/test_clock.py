"""The beat of all streams: who waits is woken in turn, and under load more seldom."""

import asyncio
import time
from collections.abc import Callable

from engine.clock import Beat

EVERY_S = 0.005


async def turns(beat: Beat, number: int, each: Callable[[], None] = lambda: None) -> list[float]:
    """Wait so many times; return when the turns came."""
    times = []
    async with asyncio.timeout(20):
        for _ in range(number):
            await beat.wait()
            times.append(time.monotonic())
            each()
    return times


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def gaps(times: list[float]) -> list[float]:
    return [after - before for before, after in zip(times, times[1:], strict=False)]


async def test_all_who_wait_are_woken_by_one_beat_and_it_is_taken_up_after_them() -> None:
    beat, order = Beat(EVERY_S, EVERY_S), list[str]()

    async def wait(name: str) -> None:
        await beat.wait()
        order.append(name)
        beat.then(lambda: order.append(f"then {name}"))

    beat.then(lambda: order.append("first"))
    async with asyncio.timeout(5):
        await asyncio.gather(*(wait(name) for name in "abc"))
        await beat.wait()
    assert order == ["a", "b", "c", "first", "then a", "then b", "then c"]


async def test_a_waiter_that_is_cancelled_leaves_the_others() -> None:
    beat = Beat(EVERY_S, EVERY_S)
    gone = asyncio.create_task(beat.wait())
    stays = asyncio.create_task(beat.wait())
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(5):
        await stays
    assert gone.cancelled()


async def test_a_calm_server_gives_a_turn_at_every_beat() -> None:
    beat = Beat(EVERY_S, 4 * EVERY_S)
    found = sorted(gaps(await turns(beat, 40)))
    assert EVERY_S * 0.9 < found[len(found) // 2] < EVERY_S * 2


async def test_a_busy_server_lets_streams_take_turns_and_each_has_its_own() -> None:
    beat = Beat(EVERY_S, 4 * EVERY_S)
    streams = [turns(beat, 60, lambda: busy(EVERY_S / 10)) for _ in range(8)]
    seen = await asyncio.gather(*streams)
    late = [sorted(gaps(times)[30:]) for times in seen]
    # Eight streams would take 80 % of every beat: each comes at every fourth instead.
    assert all(found[len(found) // 2] > 2.5 * EVERY_S for found in late)
    ends = sorted(times[-1] for times in seen)
    assert ends[-1] - ends[0] < 60 * EVERY_S  # none is left waiting while others go on


async def test_a_server_that_was_busy_becomes_prompt_again() -> None:
    beat = Beat(EVERY_S, 4 * EVERY_S)
    await turns(beat, 60, lambda: busy(EVERY_S))
    found = sorted(gaps((await turns(beat, 120))[80:]))
    assert found[len(found) // 2] < 2 * EVERY_S
