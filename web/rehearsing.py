"""How does a worker run a rehearsal: shadow, crowd, sheet, and nothing left behind?

The crowd is a program of its own that speaks HTTP to the real web processes (`loadtest.rehearse`).
It is killed the moment a real round comes near, somebody stops it, the platform turns anybody away,
or this worker ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from core.errors import Refusal
from core.local import end_with_parent
from core.log import logger
from core.settings import Settings, require_secret
from quiz import rehearsal_shadow, rehearsals
from quiz.activity import WRITE_SECONDS
from quiz.rehearsal_plan import Figures, Plan, judge, plan_for, timing
from quiz.rehearsal_shadow import Kept, Shadow
from quiz.rehearsals import Claimed
from web.contest_cache import SECONDS as CACHE_SECONDS
from web.tokens import Tokens

PROJECT = Path(__file__).parent.parent
HOLD_SECONDS = 1.0
# Beyond its plan: the last ones think, hand in and wait for their score.
LONGEST_OVERTIME_SECONDS = 180
LONGEST_SCORING_SECONDS = 45
# The lines of the crowd hold every acknowledgement.
LONGEST_LINE = 64 << 20


async def rehearse(context: dict[str, Any]) -> bool:
    """Take the rehearsal that waits and play it aside; tidy up after those whose worker died."""
    await rehearsals.fail_lapsed()
    await _tidy()
    claimed = await rehearsals.claim()
    if claimed is None:
        return False
    task = asyncio.create_task(play(context["settings"], claimed), name="rehearsal")
    _PLAYING.add(task)
    task.add_done_callback(_PLAYING.discard)
    return True


# The loop itself holds its tasks only weakly.
_PLAYING: set[asyncio.Task[None]] = set()


async def play(settings: Settings, claimed: Claimed, plan: Plan | None = None) -> None:
    """Play one rehearsal from its shadow to its sheet; whatever happens is said, never raised."""
    chosen = plan or plan_for(claimed.expected_count)
    sheet: dict[str, Any] | None = None
    state: rehearsals.Ending = "failed"
    reason = ""
    progress: dict[str, Any] = {"planned": chosen.people_count}
    holding = asyncio.create_task(_hold(claimed.id, progress))
    try:
        working = asyncio.create_task(_work(settings, claimed, chosen, progress))
        try:
            await asyncio.wait([working, holding], return_when=asyncio.FIRST_COMPLETED)
            if holding.done():
                await holding  # the reason for which it must stop
            sheet, state = await working, "done"
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    except Refusal as refusal:
        state = "cancelled" if refusal.code in {"rehearsal_stopped", "round_near"} else "failed"
        reason = refusal.sentence
    except Exception as error:  # noqa: BLE001 — a rehearsal that breaks must not take the worker along
        logger.warning("rehearsal_failed", reason=type(error).__name__, exc_info=True)
        reason = "Diễn tập bị lỗi giữa chừng. Hãy báo nhóm kỹ thuật xem nhật ký máy chủ."
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
    await rehearsal_shadow.remove_shadows()
    await rehearsals.end(claimed.id, state, sheet=sheet, reason=reason)


async def _work(
    settings: Settings, claimed: Claimed, plan: Plan, progress: dict[str, Any]
) -> dict[str, Any]:
    shadow = await rehearsal_shadow.make_shadow(claimed.round_id, plan.people_count)
    await rehearsals.begin(claimed.id, shadow.round_id)
    await asyncio.sleep(CACHE_SECONDS + 0.5)  # until every web process has read of it
    cpu_before = _cpu()
    seen = await _crowd(settings, shadow, plan, progress)
    cpu_share = _busy_share(cpu_before, _cpu())
    lag = await _scoring_lag(shadow.round_id)
    await asyncio.sleep(WRITE_SECONDS + 0.5)  # until every web process has written its counts
    told = {
        UUID(attempt): Kept(saved_seq, receipt)
        for attempt, (saved_seq, receipt) in seen["acknowledged"].items()
    }
    lost = await rehearsal_shadow.count_lost(told)
    figures = _figures(settings, plan, seen, lag, lost, cpu_share)
    return {
        "plan": asdict(plan),
        "figures": asdict(figures),
        "reasons": [asdict(each) for each in judge(figures)],
        "failure_lines": seen["failure_lines"],
        # The crowd itself, of all cores while it played: part of `cpu_share` where it played here.
        "crowd_cpu_share": round(
            seen["cpu_seconds"] / seen["duration_seconds"] / (os.cpu_count() or 1), 3
        ),
    }


async def _hold(rehearsal_id: int, progress: Mapping[str, Any]) -> None:
    """Keep the lease until cancelled; ends by itself only with the refusal that stops everything."""
    while True:
        await rehearsals.hold(rehearsal_id, progress)
        await asyncio.sleep(HOLD_SECONDS)


async def _crowd(
    settings: Settings, shadow: Shadow, plan: Plan, progress: dict[str, Any]
) -> dict[str, Any]:
    """Let the crowd play and return what it saw; it dies with us, and when we are cancelled."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.rehearse",
        cwd=PROJECT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE, preexec_fn=end_with_parent(signal.SIGKILL),
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(_orders(settings, shadow, plan)).encode())
        process.stdin.close()
        longest = plan.arriving_seconds + plan.answering_seconds + LONGEST_OVERTIME_SECONDS
        async with asyncio.timeout(longest):
            return await _listen(process, progress)
    except TimeoutError:
        raise Refusal(
            "rehearsal_too_long",
            f"Sau {longest:.0f} giây đám đông vẫn chưa xong: máy chủ trả lời quá chậm. Xem nhật ký "
            "máy chủ rồi diễn tập lại với số người ít hơn.",
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _listen(process: asyncio.subprocess.Process, progress: dict[str, Any]) -> dict[str, Any]:
    assert process.stdout is not None
    async for line in process.stdout:
        told = json.loads(line)
        if "seen" in told:
            seen: dict[str, Any] = told["seen"]
            return seen
        progress.update(told["progress"])
    raise Refusal(
        "no_crowd", "Chương trình đóng vai đám đông không chạy được trên máy của tiến trình nền."
    )


def _orders(settings: Settings, shadow: Shadow, plan: Plan) -> dict[str, Any]:
    address = urlsplit(settings.rehearsal_url or f"http://{_own_host(settings)}:{settings.port}")
    tokens = Tokens(require_secret(settings), is_https=settings.is_https)
    return {
        "host": address.hostname,
        "port": address.port or 80,
        "slug": shadow.slug,
        "cookies": [
            f"{tokens.session_cookie}={tokens.session_value(token)}" for token in shadow.tokens
        ],
        "starts_per_second": plan.starts_per_second,
        "answering_seconds": plan.answering_seconds,
    }


def _own_host(settings: Settings) -> str:
    return "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 — compared, not bound


async def _scoring_lag(round_id: int) -> float | None:
    give_up_at = time.monotonic() + LONGEST_SCORING_SECONDS
    while True:
        lag = await rehearsal_shadow.scoring_p95_seconds(round_id)
        if lag is not None or time.monotonic() > give_up_at:
            return lag
        await asyncio.sleep(1)


def _figures(
    settings: Settings,
    plan: Plan,
    seen: Mapping[str, Any],
    lag: float | None,
    lost: int,
    cpu_share: float,
) -> Figures:
    seconds: Mapping[str, list[float]] = seen["seconds"]
    arriving = plan.people_count / plan.starts_per_second
    disk = shutil.disk_usage(settings.local_path.anchor)
    return Figures(
        planned_count=plan.people_count,
        started_count=seen["started"],
        handed_in_count=seen["handed_in"],
        wanted_per_second=plan.wanted_per_second,
        starts_per_second=round(seen["started"] / arriving, 2),
        saves_per_second=round(seen["saves"] / max(0.001, seen["duration_seconds"]), 1),
        start=timing(seconds.get("start", ())),
        save=timing(seconds.get("save", ())),
        submit=timing(seconds.get("submit", ())),
        scoring_p95_seconds=None if lag is None else round(lag, 1),
        error_count=seen["failures"],
        acknowledged_count=seen["saves"],
        lost_count=lost,
        was_turned_away=seen["is_turned_away"],
        cpu_share=round(cpu_share, 3),
        free_disk_share=round(disk.free / disk.total, 3),
    )


async def _tidy() -> None:
    """Remove what a rehearsal left whose worker died, and what came late."""
    if await rehearsals.is_any_active():
        return
    if await rehearsal_shadow.has_shadow():
        await rehearsal_shadow.remove_shadows()
    if late := await rehearsals.late_shadows():
        await rehearsal_shadow.remove_late_counts(late)


def _cpu() -> tuple[int, int]:
    """Ticks of all cores since the machine started: busy, and all."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _busy_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return (after[0] - before[0]) / max(1, after[1] - before[1])
