"""The one table of URLs, each with who may use it. Hot ones first: they are matched in order."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from web.guard import (
    ATTEMPT_HOLDER,
    ENTRANT,
    EVERYBODY,
    SIGNED_IN,
    THIS_MACHINE,
    Access,
    Handler,
    guarded,
    staff,
)
from web.pages import (
    account,
    announced,
    contests,
    draws,
    files,
    health,
    home,
    leaderboard,
    manage_analysis,
    manage_audit,
    manage_awards,
    manage_bank,
    manage_bank_setup,
    manage_contests,
    manage_home,
    manage_import,
    manage_question,
    manage_question_form,
    manage_results,
    manage_roles,
    manage_running,
    manage_suspicions,
    manage_units,
    play,
    result,
    security,
    sign_in,
)

TABLE: list[tuple[str, str, Access, Handler]] = [
    ("POST", "/bai-thi/{attempt}/luu", ATTEMPT_HOLDER, play.save),
    ("POST", "/bai-thi/{attempt}/nop", ATTEMPT_HOLDER, play.submit),
    ("GET", "/bai-thi/{attempt}/ket-qua", ATTEMPT_HOLDER, result.result),
    ("GET", "/bai-thi/{attempt}", ATTEMPT_HOLDER, play.paper),
    ("GET", "/bai-thi/{attempt}/xac-nhan-nop", ATTEMPT_HOLDER, play.confirm_page),
    ("POST", "/bai-thi/{attempt}/lam-tiep-o-day", ATTEMPT_HOLDER, play.take_over),
    ("GET", "/static/{path:path}", EVERYBODY, files.static),
    ("GET", "/anh/{digest}", EVERYBODY, files.image),
    ("GET", "/", EVERYBODY, home.home),
    ("GET", "/cuoc-thi/{slug}", EVERYBODY, contests.contest),
    ("GET", "/cuoc-thi/{slug}/vao-thi", ENTRANT, play.enter_page),
    ("POST", "/cuoc-thi/{slug}/vao-thi", ENTRANT, play.enter),
    ("GET", "/cuoc-thi/{slug}/tin", EVERYBODY, play.news),
    ("GET", "/cuoc-thi/{slug}/the-le", EVERYBODY, contests.rules),
    ("GET", "/cuoc-thi/{slug}/bang-xep-hang", EVERYBODY, leaderboard.board),
    ("GET", "/cuoc-thi/{slug}/vi-tri", SIGNED_IN, leaderboard.around_me),
    ("GET", "/cuoc-thi/{slug}/thong-ke", EVERYBODY, contests.statistics),
    ("GET", "/cuoc-thi/{slug}/ket-qua", EVERYBODY, announced.results),
    ("GET", "/cuoc-thi/{slug}/ket-qua/{round}.json", EVERYBODY, announced.signed_content),
    ("GET", "/cuoc-thi/{slug}/boc-tham/{draw}", EVERYBODY, draws.draw),
    ("GET", "/cuoc-thi/{slug}/boc-tham/{draw}/du-lieu.json", EVERYBODY, draws.draw_data),
    ("GET", "/boc-tham/kiem-chung.py", EVERYBODY, draws.script),
    ("GET", "/dang-ky", EVERYBODY, sign_in.sign_up_page),
    ("POST", "/dang-ky", EVERYBODY, sign_in.sign_up),
    ("GET", "/dang-ky/ma", EVERYBODY, sign_in.code_page),
    ("POST", "/dang-ky/ma", EVERYBODY, sign_in.prove_code),
    ("GET", "/tim-don-vi", EVERYBODY, sign_in.find_unit),
    ("GET", "/dang-nhap", EVERYBODY, sign_in.sign_in_page),
    ("POST", "/dang-nhap", EVERYBODY, sign_in.sign_in),
    ("GET", "/dang-nhap/ma", EVERYBODY, sign_in.code_page),
    ("POST", "/dang-nhap/ma", EVERYBODY, sign_in.prove_code),
    ("POST", "/gui-lai-ma", EVERYBODY, sign_in.send_again),
    ("GET", "/dang-nhap/can-bo", EVERYBODY, sign_in.staff_page),
    ("POST", "/dang-nhap/can-bo", EVERYBODY, sign_in.staff_sign_in),
    ("POST", "/dang-xuat", EVERYBODY, sign_in.sign_out),
    ("GET", "/tai-khoan", SIGNED_IN, account.account),
    ("POST", "/tai-khoan/phien/{session}/thu-hoi", SIGNED_IN, account.revoke_session),
    ("POST", "/tai-khoan/phien/thu-hoi-het", SIGNED_IN, account.revoke_other_sessions),
    ("POST", "/tai-khoan/dong-y", SIGNED_IN, account.change_consent),
    ("GET", "/tai-khoan/mat-khau", SIGNED_IN, security.password_page),
    ("POST", "/tai-khoan/mat-khau", SIGNED_IN, security.change_own_password),
    ("GET", "/tai-khoan/xac-thuc", SIGNED_IN, security.factor_page),
    ("POST", "/tai-khoan/xac-thuc/bat-dau", SIGNED_IN, security.begin),
    ("POST", "/tai-khoan/xac-thuc/xac-nhan", SIGNED_IN, security.confirm),
    ("POST", "/tai-khoan/xac-thuc/ma-du-phong", SIGNED_IN, security.renew_reserve),
    ("POST", "/tai-khoan/xac-thuc/tat", SIGNED_IN, security.switch_off),
    ("GET", "/tai-khoan/du-lieu", SIGNED_IN, account.data),
    ("POST", "/tai-khoan/du-lieu/tai-ve", SIGNED_IN, account.export_data),
    ("POST", "/tai-khoan/du-lieu/xoa", SIGNED_IN, account.erase),
    ("GET", "/ngon-ngu", EVERYBODY, home.choose_language),
    ("GET", "/tro-nang", EVERYBODY, health.accessibility),
    ("GET", "/quan-tri", staff("see_dashboard"), manage_home.home),
    ("GET", "/quan-tri/ngan-hang", staff("see_bank"), manage_bank.bank),
    ("POST", "/quan-tri/ngan-hang/nhieu-cau", staff("see_bank"), manage_bank.do_to_many),
    ("GET", "/quan-tri/ngan-hang/moi", staff("manage_bank"), manage_bank_setup.new_bank_page),
    ("POST", "/quan-tri/ngan-hang/moi", staff("manage_bank"), manage_bank_setup.make_bank),
    ("GET", "/quan-tri/ngan-hang/chu-de", staff("manage_bank"), manage_bank_setup.topics_page),
    ("POST", "/quan-tri/ngan-hang/chu-de", staff("manage_bank"), manage_bank_setup.change_topic),
    ("GET", "/quan-tri/ngan-hang/nguon", staff("manage_bank"), manage_bank_setup.sources_page),
    ("POST", "/quan-tri/ngan-hang/nguon", staff("manage_bank"), manage_bank_setup.change_source),
    ("GET", "/quan-tri/ngan-hang/cau-moi", staff("manage_bank"), manage_question_form.new_page),
    ("POST", "/quan-tri/ngan-hang/cau-moi", staff("manage_bank"), manage_question_form.make),
    ("GET", "/quan-tri/ngan-hang/cau/{question}", staff("see_bank"), manage_question.question),
    ("POST", "/quan-tri/ngan-hang/cau/{question}/viec", staff("see_bank"), manage_question.act),
    (
        "GET",
        "/quan-tri/ngan-hang/cau/{question}/sua",
        staff("manage_bank"),
        manage_question_form.edit_page,
    ),
    (
        "POST",
        "/quan-tri/ngan-hang/cau/{question}/sua",
        staff("manage_bank"),
        manage_question_form.save,
    ),
    ("GET", "/quan-tri/ngan-hang/mau", staff("import_bank"), manage_import.template),
    ("GET", "/quan-tri/ngan-hang/nhap", staff("import_bank"), manage_import.upload_page),
    ("POST", "/quan-tri/ngan-hang/nhap", staff("import_bank"), manage_import.upload),
    ("GET", "/quan-tri/ngan-hang/nhap/{import}", staff("import_bank"), manage_import.review_page),
    ("POST", "/quan-tri/ngan-hang/nhap/{import}", staff("import_bank"), manage_import.review),
    (
        "POST",
        "/quan-tri/ngan-hang/nhap/{import}/cot",
        staff("import_bank"),
        manage_import.map_columns,
    ),
    ("GET", "/quan-tri/cuoc-thi", staff("see_dashboard"), manage_contests.contests),
    ("GET", "/quan-tri/cuoc-thi/{slug}", staff("see_dashboard"), manage_contests.contest),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/gui-duyet",
        staff("manage_contest"),
        manage_contests.send_to_review,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/duyet",
        staff("approve_contest"),
        manage_contests.approve_contest,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/tra-lai",
        staff("approve_contest"),
        manage_contests.return_to_draft,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/ket-qua",
        staff("analyse_questions"),
        manage_results.results,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh",
        staff("manage_contest"),
        manage_results.propose,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh/{correction}/tinh-lai",
        staff("manage_contest"),
        manage_results.preview_again,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh/{correction}/rut",
        staff("manage_contest"),
        manage_results.withdraw,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh/{correction}/duyet",
        staff("approve_contest"),
        manage_results.approve,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/loai",
        staff("manage_contest"),
        manage_results.exclude,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/loai/{case}/go",
        staff("manage_contest"),
        manage_results.readmit,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/khoa",
        staff("manage_contest"),
        manage_results.freeze,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/boc-tham",
        staff("manage_contest"),
        manage_results.commit_draw,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/boc-tham/{draw}/cong-bo",
        staff("approve_contest"),
        manage_results.reveal_draw,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/boc-tham/{draw}/huy",
        staff("approve_contest"),
        manage_results.void_draw,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ket-qua/chot",
        staff("approve_contest"),
        manage_results.finalise,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/phan-tich",
        staff("analyse_questions"),
        manage_analysis.questions,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/phan-tich",
        staff("analyse_questions"),
        manage_analysis.compute_again,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/phan-tich.xlsx",
        staff("analyse_questions"),
        manage_analysis.questions_sheet,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/ban-do-kien-thuc",
        staff("see_dashboard"),
        manage_analysis.knowledge,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/ban-do-kien-thuc.xlsx",
        staff("see_dashboard"),
        manage_analysis.knowledge_sheet,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/dang-dien-ra",
        staff("see_dashboard"),
        manage_running.monitor,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/dieu-hanh",
        staff("manage_contest"),
        manage_running.controls,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/gia-han",
        staff("manage_contest"),
        manage_running.grant_time,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/cong-tac",
        staff("manage_contest"),
        manage_running.turn_switch,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/thong-bao",
        staff("manage_contest"),
        manage_running.put_up_notice,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/thong-bao/{notice}/go",
        staff("manage_contest"),
        manage_running.take_down_notice,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/giai-thuong",
        staff("see_results"),
        manage_awards.page,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/giai-thuong",
        staff("manage_contest"),
        manage_awards.give,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/giai-thuong/khong-nhan",
        staff("manage_contest"),
        manage_awards.decline,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/giai-thuong/cong-bo",
        staff("approve_contest"),
        manage_awards.publish,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/giai-thuong/van-ban",
        staff("manage_contest"),
        manage_awards.paper,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/bang-xep-hang.xlsx",
        staff("export_results"),
        manage_awards.ranking_file,
    ),
    (
        "GET",
        "/quan-tri/cuoc-thi/{slug}/bang-xep-hang.csv",
        staff("export_results"),
        manage_awards.ranking_file,
    ),
    ("GET", "/quan-tri/cuoc-thi/{slug}/dau-hieu", staff("manage_contest"), manage_suspicions.flags),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/dau-hieu/{suspicion}",
        staff("manage_contest"),
        manage_suspicions.review,
    ),
    (
        "POST",
        "/quan-tri/cuoc-thi/{slug}/ra-lai-dau-hieu",
        staff("manage_contest"),
        manage_suspicions.look_again,
    ),
    ("GET", "/quan-tri/don-vi", staff("manage_units"), manage_units.units),
    ("GET", "/quan-tri/don-vi/mau", staff("manage_units"), manage_units.units_template),
    ("POST", "/quan-tri/don-vi", staff("manage_units"), manage_units.import_units),
    ("GET", "/quan-tri/vai-tro", staff("grant_roles"), manage_roles.roles),
    ("POST", "/quan-tri/vai-tro", staff("grant_roles"), manage_roles.make_account),
    ("GET", "/quan-tri/vai-tro/{account}", staff("grant_roles"), manage_roles.holder),
    ("POST", "/quan-tri/vai-tro/{account}/giao", staff("grant_roles"), manage_roles.grant),
    ("POST", "/quan-tri/vai-tro/{account}/ket-thuc/{role}", staff("grant_roles"), manage_roles.end),
    (
        "POST",
        "/quan-tri/vai-tro/{account}/mat-khau",
        staff("grant_roles"),
        manage_roles.reset_password,
    ),
    (
        "POST",
        "/quan-tri/vai-tro/{account}/xac-thuc",
        staff("grant_roles"),
        manage_roles.reset_second_factor,
    ),
    ("GET", "/quan-tri/nhat-ky", staff("see_audit"), manage_audit.audit),
    ("POST", "/quan-tri/nhat-ky/xuat", staff("see_audit"), manage_audit.export_audit),
    ("GET", "/healthz", EVERYBODY, health.alive),
    ("GET", "/readyz", EVERYBODY, health.ready),
    ("GET", "/metrics", THIS_MACHINE, health.metrics),
    ("GET", "/robots.txt", EVERYBODY, files.robots),
]


class Page:
    """A line of the table as an ASGI application: access check, handler, answer.

    Not a function, because Starlette would wrap each in two layers of its own that the save path
    pays for with every answer; refusals are answered by the application's one layer.
    """

    def __init__(self, path: str, access: Access, handler: Handler) -> None:
        self._path = path
        self._endpoint = guarded(access, handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        request.state.route_path = self._path  # for the metrics
        response = await self._endpoint(request)
        await response(scope, receive, send)


def routes() -> list[Route]:
    return [
        Route(path, Page(path, access, handler), methods=[method])
        for method, path, access, handler in TABLE
    ]
