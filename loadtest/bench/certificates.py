"""How many certificates a second does one core make, from data to a stored PDF/A with tags? (QL6)

The ways are measured against each other in one process of their own, by its CPU time: WeasyPrint
alone, WeasyPrint with shared fonts, fifty pages at once then split (which loses PDF/A and tags), and
the platform's way, a blank that is filled. Then ten thousand of these, to see memory stay flat.
`python -m loadtest.bench.certificates COUNT FOLDER` is that process.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from certificates.face import Face
from certificates.store import Folder
from loadtest.report import Figures, Outcome, say, sync_ms, table
from loadtest.stack import Stack

FULL, SMALL = 10_000, 10
GOAL_PER_S, GOAL_KB = 100.0, 60.0  # QL6
OWN_FAMILIES = (
    "face-serif",
    "face-serif-bold",
    "face-serif-italic",
    "slot-serif",
    "slot-serif-bold",
)
FLAT = 1.1  # memory after all of them, over memory after a tenth
FAMILY = ("Nguyễn", "Lò", "Giàng", "Tòng", "Đặng", "Vàng", "Phàn", "Y", "H'", "Công Tằng Tôn Nữ")
MIDDLE = (
    "Văn",
    "Thị",
    "A",
    "Thị Hoàng",
    "Páo",
    "Ngọc Quỳnh Như Phương",
    "Moan",
    "Minh",
    "Đức",
    "Bảo",
)
GIVEN = ("Ế", "Mai", "Thảo", "Êban", "Niê", "Nghiễng", "Sảy", "Ọt", "Phương", "Lềnh", "Dính", "Vy")
UNITS = (
    "Ủy ban nhân dân xã Sìn Hồ, tỉnh Lai Châu",
    "Sở Khoa học và Công nghệ tỉnh Lai Châu",
    "Trường Phổ thông dân tộc bán trú Trung học cơ sở Nậm Cuổi, xã Nậm Cuổi, tỉnh Lai Châu",
    "",
)


def people_needed(*, small: bool) -> int:  # noqa: ARG001 — every bench answers this
    """Nobody signs in here, but a crowd has at least one."""
    return 1


def bench_certificates(stack: Stack, *, small: bool) -> Outcome:
    count = SMALL if small else FULL
    folder = stack.folder / "drawn"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench.certificates", str(count), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return Outcome({}, [f"drawing ended with {done.returncode}: {done.stderr[-500:]}"])
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    ways: dict[str, float] = found.pop("ways")
    say(
        table(
            ["a second a core", "", "times WeasyPrint alone"],
            [[name, f"{rate:.1f}", f"{rate / ways['alone']:.1f}"] for name, rate in ways.items()],
        )
    )
    faults = found.pop("faults")
    if found[f"rss_mb_after_{count}"] > found[f"rss_mb_after_{count // 10}"] * FLAT and not small:
        faults.append("memory grows with every certificate")
    return Outcome(
        {
            "per_s_per_core": ways["filled"],
            "naive_per_s_per_core": ways["alone"],
            "shared_fonts_per_s_per_core": ways["shared fonts"],
            "split_per_s_per_core": ways["fifty, then split"],
            "goal_per_s_per_core": GOAL_PER_S,
            **found,
            "goal_kb": GOAL_KB,
            "sync_ms": sync_ms(stack.folder),
            "errors": len(faults),
            "lost": found["certificates"] - found["files"],
        },
        faults,
    )


def face(number: int) -> Face:
    name = f"{FAMILY[number % 10]} {MIDDLE[number // 10 % 10]} {GIVEN[number // 100 % 12]}"
    text = f"{number:05d}/2026/GCN-BTC"
    address = f"https://thi.example.gov.vn/chung-nhan/{text.replace('/', '-')}?ma=7K2M-Q4TN-0XBD"
    return Face(
        number=text,
        kind="participation",
        superior="ỦY BAN NHÂN DÂN TỈNH LAI CHÂU",
        issuer="BAN TỔ CHỨC CUỘC THI TÌM HIỂU CHUYỂN ĐỔI SỐ",
        title="GIẤY CHỨNG NHẬN",
        printed_name=name,
        unit_name=UNITS[number % 4],
        statement="đã hoàn thành bài thi của",
        contest_title="Cuộc thi trực tuyến “Tìm hiểu chuyển đổi số tỉnh Lai Châu năm 2026”",
        result=f"Đúng {number % 20 + 1}/20 câu trong {number % 15 + 1} phút 05 giây",
        place="Lai Châu",
        issued_on=date(2026, 11, 22),
        authority="TM. BAN TỔ CHỨC",
        signer_title="TRƯỞNG BAN",
        signer_name="Giàng A Páo",
        check_url=address,
        # As long as a signed payload is, and different for each.
        qr=f"{address}#{number:08d}{'7K2MQ4TN0XBD$*+' * 16}",
    )


def draw_all(count: int, folder: Path) -> Figures:
    """What the process of its own measures."""
    # Loading takes a second and much memory: only the process that draws does it.
    from certificates import drawing  # noqa: PLC0415 — see above
    from certificates.designs import BUILT_IN  # noqa: PLC0415 — see above
    from core.archive_page import PageDrawer  # noqa: PLC0415 — see above

    design = BUILT_IN["trang-trong"]

    def alone(number: int) -> None:
        drawer = PageDrawer(OWN_FAMILIES)  # as one would start: the page's fonts with each page
        drawing.draw_plainly(face(number), design, {}, drawer)

    few = max(2, min(20, count // 10))
    ways = {
        "alone": _rate(alone, few),
        "shared fonts": _rate(lambda n: drawing.draw_plainly(face(n), design, {}), 2 * few),
        "fifty, then split": _split_rate(min(50, count)),
    }
    store = Folder(folder)
    filled = asyncio.run(_fill(store, count))
    ways["filled"] = count / filled.cpu_seconds
    faults: list[str] = []
    if len(filled.digests) != count:
        faults.append(f"{count} certificates, {len(filled.digests)} different files")
    if filled.bytes / count > GOAL_KB * 1000:
        faults.append("larger than allowed")
    faults += _unreadable(store, sorted(filled.digests)[:: max(1, count // 20)])
    return {
        "ways": {name: round(rate, 1) for name, rate in ways.items()},
        "certificates": count,
        "files": len(filled.digests),
        "kb_each": round(filled.bytes / count / 1000, 1),
        "wall_per_s": round(count / filled.seconds, 1),
        "sign_ms": round(asyncio.run(_sign_ms(face(1), few, folder)), 1),
        **filled.resident_mb,
        "faults": faults,
    }


@dataclass(slots=True)
class _Filled:
    """What filling and storing many took."""

    digests: set[str] = field(default_factory=set)
    bytes: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    resident_mb: dict[str, float] = field(default_factory=dict)


async def _fill(store: Folder, count: int) -> _Filled:
    from certificates import drawing  # noqa: PLC0415 — as above
    from certificates.designs import BUILT_IN  # noqa: PLC0415 — as above

    found = _Filled()
    cpu, began = time.process_time(), time.monotonic()
    for number in range(1, count + 1):
        content = drawing.draw(face(number), BUILT_IN["trang-trong"], {})
        found.digests.add(await store.put(content))
        found.bytes += len(content)
        if number in {count // 10, count}:
            found.resident_mb[f"rss_mb_after_{number}"] = _resident_mb()
    found.cpu_seconds, found.seconds = time.process_time() - cpu, time.monotonic() - began
    return found


def _rate(way: Callable[[int], object], count: int) -> float:
    way(0)
    started = time.process_time()
    for number in range(1, count + 1):
        way(number)
    return count / (time.process_time() - started)


def _split_rate(count: int) -> float:
    """Many sheets as pages of one document, then a file for each page."""
    import pikepdf  # noqa: PLC0415 — as above

    from certificates import drawing  # noqa: PLC0415 — as above
    from certificates.designs import BUILT_IN  # noqa: PLC0415 — as above
    from certificates.typesetting import compose, data_address, page  # noqa: PLC0415 — as above
    from core.qr_code import qr_code  # noqa: PLC0415 — as above

    design = BUILT_IN["trang-trong"]
    started = time.process_time()
    sheets = [
        page(compose(each, design), {}, data_address("image/png", qr_code(each.qr).png()))
        for each in map(face, range(count))
    ]
    frame = "<section style='position: relative; height: 210mm; break-after: page'>"
    bodies = [re.search("<body>(.*)</body>", sheet, re.DOTALL) for sheet in sheets]
    joined = "".join(f"{frame}{found[1]}</section>" for found in bodies if found)
    whole = re.sub(
        "<body>.*</body>", lambda _: f"<body>{joined}</body>", sheets[0], flags=re.DOTALL
    )
    drawn = drawing._drawer().layout(whole).write_pdf()  # noqa: SLF001 — the same drawer for all
    with pikepdf.open(io.BytesIO(drawn)) as book:
        for each in book.pages:
            with pikepdf.new() as single:
                single.pages.append(each)
                single.remove_unreferenced_resources()
                single.save(io.BytesIO())
    return count / (time.process_time() - started)


async def _sign_ms(signed: Face, times: int, folder: Path) -> float:
    """CPU of one signature with a key in a file, on a paper that lies ready."""
    from certificates import drawing, signing  # noqa: PLC0415 — as above
    from certificates.designs import BUILT_IN  # noqa: PLC0415 — as above
    from core.settings import settings  # noqa: PLC0415 — as above

    own = replace(
        settings(),
        local_dir=str(folder),
        database_url="",
        redis_url="",
        signing_key_file="",
        signing_token_library="",
        signing_timestamp_url="",
    )
    content = drawing.draw(signed, BUILT_IN["trang-trong"], {})
    async with signing.open_office(own) as office:
        await office.sign_pdf(content)
        started = time.process_time()
        for _ in range(times):
            await office.sign_pdf(content)
        return (time.process_time() - started) / times * 1000


def _unreadable(store: Folder, digests: list[str]) -> list[str]:
    """Files that qpdf finds something wrong with."""
    import pikepdf  # noqa: PLC0415 — as above

    found = []
    for digest in digests:
        content = asyncio.run(store.get(digest))
        with pikepdf.open(io.BytesIO(content or b"")) as pdf:
            found += [f"{digest}: {problem}" for problem in pdf.check_pdf_syntax()]
    return found


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * 4096 / 1e6, 1)


if __name__ == "__main__":
    print(json.dumps(draw_all(int(sys.argv[1]), Path(sys.argv[2]))))
