"""Which lights does the operations page show, and what do they tell staff to do? Pure.

A light says in one sentence how something is for people, and when it is not well, what to do about
it and what not to worry about. Words carry it; the colour only repeats them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.pulse import GONE_SECONDS, Card
from core.text import datetime_shown, duration_shown, number
from web.load_level import BUSY, CALM, FULL
from web.watch import Sight

State = Literal["ok", "warn", "bad", "unknown"]

# A score comes within seconds as a rule; the worker sweeps every five.
SLOW_SCORING_SECONDS, STOPPED_SCORING_SECONDS = 60, 300
QUIET_WORKER_SECONDS, SILENT_WORKER_SECONDS = 60, 180
SLOW_QUEUE_SECONDS = 120
LOST_PROCESS_SECONDS = 600
SLOW_DATABASE_MS = 500
# Of the connections that PostgreSQL allows.
MANY_CONNECTIONS = 0.8
LITTLE_DISK_BYTES, NO_DISK_BYTES = 5 * 10**9, 10**9
# A nightly backup that is late by some hours; and three that are missing.
OLD_BACKUP_SECONDS, LOST_BACKUP_SECONDS = 30 * 3600, 3 * 24 * 3600
_WAIT = (
    "Xem đèn Cơ sở dữ liệu. Người đang thi không mất bài: câu trả lời còn trên máy của họ và tự "
    "gửi lại; đừng bảo họ tải lại trang."
)


@dataclass(frozen=True)
class Light:
    """`todo` is empty while all is well."""

    name: str
    state: State
    words: str
    todo: str = ""


@dataclass(frozen=True)
class Scene:
    """What a look has found and what this process knows by itself, from memory."""

    sight: Sight
    at: datetime
    is_writing: bool  # the group committers of this process live
    load_level: int
    has_line: bool  # newcomers wait for their turn
    is_lite: bool
    stopped: Sequence[str]  # the switches over the platform that are on, in words
    last_backup_at: datetime | None
    is_backup_known: bool
    has_papers: bool  # the store of certificates takes and gives


def lights(scene: Scene) -> list[Light]:
    return [
        _enter(scene),
        _save(scene),
        _hand_in(scene),
        _scoring(scene),
        _queue(scene),
        _database(scene),
        _load(scene),
        _processes(scene),
        _disk(scene),
        _papers(scene),
        _backup(scene),
    ]


def worst(shown: Sequence[Light]) -> State:
    order: tuple[State, ...] = ("bad", "warn", "unknown", "ok")
    return next(state for state in order if any(each.state == state for each in shown))


def _enter(scene: Scene) -> Light:
    name = "Người mới vào thi"
    if not _takes_writes(scene):
        return Light(name, "bad", "Hiện chưa ai bắt đầu bài mới được.", _WAIT)
    if scene.stopped:
        words = f"Đang bật công tắc: {', '.join(scene.stopped)}."
        return Light(name, "warn", words, "Trả về bình thường ở mục Công tắc chung khi đã ổn.")
    if scene.has_line:
        return Light(
            name,
            "warn",
            "Vào được nhưng phải xếp hàng chờ đến lượt.",
            "Không cần làm gì: hàng chờ tự mở nhanh dần. Người đang thi không bị ảnh hưởng.",
        )
    return Light(name, "ok", "Vào được ngay, không phải chờ.")


def _save(scene: Scene) -> Light:
    name = "Lưu câu trả lời"
    if _takes_writes(scene):
        return Light(name, "ok", "Mỗi câu trả lời được ghi ngay vào cơ sở dữ liệu.")
    if scene.sight.now is not None and scene.sight.now.is_writable:
        return Light(
            name, "bad", "Tiến trình web này không ghi được.", f"Khởi động lại tiến trình. {_WAIT}"
        )
    return Light(name, "bad", "Hiện chưa ghi được câu trả lời.", _WAIT)


def _hand_in(scene: Scene) -> Light:
    name = "Nộp bài và thu bài"
    now = scene.sight.now
    if not _takes_writes(scene) or now is None:
        return Light(name, "bad", "Hiện chưa nộp bài được.", _WAIT)
    if now.overdue:
        return Light(
            name,
            "warn",
            f"Nộp được. Có {number(now.overdue)} bài hết giờ chưa được thu.",
            "Kiểm tra tiến trình chấm bài (worker) ở mục bên dưới; bài được thu bù ngay khi nó chạy lại.",
        )
    return Light(name, "ok", "Nộp được ngay; bài hết giờ được thu tự động.")


def _scoring(scene: Scene) -> Light:
    name = "Chấm bài"
    now = scene.sight.now
    if now is None:
        return Light(name, "unknown", "Chưa biết, vì cơ sở dữ liệu không trả lời.")
    lag = now.scoring_lag_seconds
    if lag < SLOW_SCORING_SECONDS and now.unscorable:
        return Light(
            name,
            "warn",
            f"Kịp, nhưng có {number(now.unscorable)} bài không chấm được, đã tách riêng.",
            "Xem mục Bài không chấm được bên dưới. Các bài khác vẫn được chấm bình thường.",
        )
    if lag < SLOW_SCORING_SECONDS:
        return Light(name, "ok", f"Kịp: {number(now.unscored)} bài đang chờ chấm.")
    return Light(
        name,
        "bad" if lag >= STOPPED_SCORING_SECONDS else "warn",
        f"Chậm: bài chờ lâu nhất đã {duration_shown(round(lag * 1000))}, "
        f"{number(now.unscored)} bài đang chờ.",
        "Bài đã nộp vẫn an toàn, điểm sẽ có sau. Nếu không giảm dần, khởi động lại tiến trình chấm bài.",
    )


def _queue(scene: Scene) -> Light:
    name = "Hàng đợi và tiến trình chấm bài"
    restart = "Khởi động lại tiến trình chấm bài (worker). Bài đã nộp vẫn an toàn, sẽ được chấm bù."
    sight, swept = scene.sight, scene.sight.swept_seconds
    workers = [card for card in sight.living if card["kind"] == "worker"]
    if not workers and sight.is_valkey_up:
        return Light(name, "bad", "Không thấy tiến trình chấm bài nào đang chạy.", restart)
    if sight.queue is None:
        return Light(
            name,
            "warn",
            "Không hỏi được hàng đợi (Valkey).",
            "Bài vẫn được lưu và nộp bình thường; việc chấm tự tiếp tục khi Valkey chạy lại.",
        )
    if swept is None or swept > QUIET_WORKER_SECONDS:
        since = f" {duration_shown(round(swept * 1000))}" if swept is not None else ""
        state: State = "bad" if (swept or 0) > SILENT_WORKER_SECONDS else "warn"
        return Light(name, state, f"Tiến trình chấm bài chưa làm việc nào{since}.", restart)
    if sight.queue.oldest_seconds > SLOW_QUEUE_SECONDS:
        waited = duration_shown(round(sight.queue.oldest_seconds * 1000))
        return Light(name, "warn", f"Việc chờ lâu nhất đã {waited}.", restart)
    return Light(name, "ok", f"Đang chạy; {number(sight.queue.length)} việc trong hàng đợi.")


def _database(scene: Scene) -> Light:
    name = "Cơ sở dữ liệu"
    now, milliseconds = scene.sight.now, scene.sight.database_ms or 0
    if now is None:
        return Light(
            name,
            "bad",
            "Không trả lời.",
            "Báo ngay người trực máy chủ: xem PostgreSQL còn chạy không, đĩa có đầy không, rồi "
            "khởi động lại. Khi có lại, trang này đề nghị số phút gia hạn.",
        )
    if not now.is_writable:
        return Light(
            name,
            "bad",
            "Chỉ đọc được, không ghi được.",
            "Báo ngay người trực máy chủ: hệ thống đang nối vào bản sao hoặc PostgreSQL đang phục hồi.",
        )
    if now.connections >= now.most_connections * MANY_CONNECTIONS:
        return Light(
            name,
            "warn",
            f"Gần hết kết nối: {now.connections} trên {now.most_connections}.",
            "Đừng mở thêm tiến trình web; báo người trực máy chủ.",
        )
    if milliseconds > SLOW_DATABASE_MS:
        return Light(
            name,
            "warn",
            f"Trả lời chậm: {number(milliseconds)} mili giây.",
            "Xem mục Câu lệnh chậm; bật chế độ gọn nếu đang đông người.",
        )
    return Light(name, "ok", f"Ghi được, trả lời trong {number(milliseconds)} mili giây.")


def _load(scene: Scene) -> Light:
    name = "Sức chịu tải"
    if scene.is_lite:
        return Light(
            name,
            "warn",
            "Đang bật chế độ gọn: bảng xếp hạng, thống kê tạm nghỉ.",
            "Trả về bình thường ở mục Công tắc chung khi đã vãn người.",
        )
    if scene.load_level == CALM:
        return Light(name, "ok", "Còn dư.")
    if scene.load_level == BUSY:
        return Light(
            name, "warn", "Đông: trang tổng hợp tạm nghỉ.", "Không cần làm gì, máy tự điều chỉnh."
        )
    return Light(
        name,
        "bad" if scene.load_level >= FULL else "warn",
        "Rất đông: bảng xếp hạng tạm nghỉ"
        + (", người mới phải chờ." if scene.load_level >= FULL else "."),
        "Người đang thi vẫn được phục vụ trước. Nếu kéo dài, bật chế độ gọn hoặc thêm tiến trình web.",
    )


def _processes(scene: Scene) -> Light:
    name = "Các tiến trình"
    living = scene.sight.living
    webs = sum(1 for card in living if card["kind"] == "web")
    words = f"{webs} tiến trình web, {len(living) - webs} tiến trình chấm bài đang chạy."
    if not scene.sight.is_valkey_up:
        words += " Chỉ thấy máy chủ này, vì Valkey không trả lời."
    lost = [card for card in scene.sight.cards if _is_lost(card, scene.at)]
    if lost:
        return Light(
            name,
            "warn",
            f"{words} {len(lost)} tiến trình vừa mất liên lạc.",
            "Tiến trình hỏng tự chạy lại trong vài giây. Nếu không thấy, khởi động lại trên máy chủ đó.",
        )
    if len({card["edition"] for card in living}) > 1:
        return Light(
            name,
            "warn",
            f"{words} Đang có hai phiên bản cùng chạy.",
            "Bình thường khi đang nâng cấp. Nếu không, khởi động lại tiến trình cũ.",
        )
    return Light(name, "ok", words)


def _is_lost(card: Card, at: datetime) -> bool:
    """Gone without a word, and lately: a process that ends on purpose takes its card away."""
    silence: float = at.timestamp() - card["seen_at"]
    return GONE_SECONDS <= silence < LOST_PROCESS_SECONDS


def _disk(scene: Scene) -> Light:
    name = "Đĩa"
    free, total = scene.sight.disk_free_bytes, scene.sight.disk_bytes
    words = f"Còn {number(free / 1e9, 1)} GB trên {number(total / 1e9, 1)} GB."
    if free >= LITTLE_DISK_BYTES:
        return Light(name, "ok", words)
    todo = "Dọn bản sao lưu cũ và nhật ký, hoặc thêm đĩa. Đĩa đầy thì không ghi được câu trả lời."
    return Light(name, "bad" if free < NO_DISK_BYTES else "warn", words, todo)


def _papers(scene: Scene) -> Light:
    name = "Kho giấy chứng nhận"
    if scene.has_papers:
        return Light(name, "ok", "Cất và lấy giấy được.")
    return Light(
        name,
        "warn",
        "Không trả lời, nên chưa tải được giấy chứng nhận.",
        "Xem thư mục CERTIFICATE_DIR hoặc kho CERTIFICATE_BUCKET: còn nối được không, còn chỗ không, "
        "khóa còn hạn không. Việc thi không bị ảnh hưởng; giấy đã cấp không mất.",
    )


def _backup(scene: Scene) -> Light:
    name = "Sao lưu"
    todo = "Chạy lệnh sao lưu (python -m web backup) và xem lịch sao lưu hằng đêm còn bật không."
    if not scene.is_backup_known:
        return Light(name, "unknown", "Chưa biết, vì cơ sở dữ liệu không trả lời.")
    if scene.last_backup_at is None:
        return Light(name, "warn", "Chưa có bản sao lưu nào.", todo)
    age = (scene.at - scene.last_backup_at).total_seconds()
    words = f"Bản gần nhất lúc {datetime_shown(scene.last_backup_at)}."
    if age < OLD_BACKUP_SECONDS:
        return Light(name, "ok", words)
    return Light(name, "bad" if age > LOST_BACKUP_SECONDS else "warn", f"{words} Đã cũ.", todo)


def _takes_writes(scene: Scene) -> bool:
    now = scene.sight.now
    return now is not None and now.is_writable and scene.is_writing
