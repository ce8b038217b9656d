"""Who got which certificate of the contest that is over? Issued as everywhere, by two people."""

from __future__ import annotations

from collections.abc import Mapping

from certificates import books, changing, issuing, keys, lookup, printing
from certificates.books import Signature
from certificates.changing import Change
from certificates.issuing import Proposal
from certificates.lookup import CertificateFilter, CertificateShown
from certificates.owed import STATEMENTS, USUAL_TITLE, Rule
from core.db import pool
from people.roles import RoleName
from web.demo.accounts import CITIZENS, phone_of

SYMBOL = "GCN-CCHC"
_SIGNER = Signature(
    superior="SỞ NỘI VỤ TỈNH LAI CHÂU",
    issuer="BAN TỔ CHỨC CUỘC THI TÌM HIỂU CẢI CÁCH HÀNH CHÍNH NĂM 2026",
    place="Lai Châu",
    authority="TM. BAN TỔ CHỨC",
    title="TRƯỞNG BAN",
    name="Hoàng Ngọc Diệp",
)
# Prizes, and whoever knew everything: all fifteen thousand people would only take time.
_LISTS = (
    (Rule(kind="prize"), "trang-trong"),
    (Rule(kind="unit_prize"), "tap-the"),
    (Rule(kind="pass", percent=95, has_result=True), "hien-dai"),
)


async def give_certificates(contest_id: int, staff: Mapping[RoleName, int]) -> None:
    """Issue the lists, put one certificate right and revoke another; may run again."""
    by = staff["organiser"]
    series_id = await books.open_series(SYMBOL, by=by)
    signer_id = await _signer(by)
    designs = {each.base: each.version_id for each in await books.designs_shown()}
    for rule, base in _LISTS:
        proposal = Proposal(
            rule=rule,
            design_version_id=designs[base],
            series_id=series_id,
            signer_id=signer_id,
            title=USUAL_TITLE,
            statement=STATEMENTS[rule.kind],
        )
        await _issue(contest_id, proposal, staff)
    await _put_right(by)
    await _revoke(contest_id, by)
    await keys.published_keys()


async def draw_papers() -> None:
    """Draw those of prizes now, which a worker would otherwise do in its first minute."""
    try:
        while await printing.render_waiting():
            pass
    finally:
        await printing.drawing.close()


async def _signer(by: int) -> int:
    for each in await books.signers_shown():
        if each.name == _SIGNER.name:
            return each.id
    return await books.add_signer(_SIGNER, by=by)


async def _issue(contest_id: int, proposal: Proposal, staff: Mapping[RoleName, int]) -> None:
    kind = proposal.rule.kind
    lists = {each.kind: each.id for each in await issuing.batches_of(contest_id)}
    if kind not in lists:
        if not (await issuing.preview(contest_id, proposal.rule)).counts.owed_count:
            return  # a small province may have nobody for it
        lists[kind] = await issuing.propose(contest_id, proposal, by=staff["organiser"])
    if (await issuing.get_batch(lists[kind])).state == "in_review":
        await issuing.approve(lists[kind], by=staff["approver"])
    await issuing.issue_batch(lists[kind])


async def _put_right(by: int) -> None:
    """The first citizen's unit is printed more exactly; the paper before it is superseded."""
    held = [each for each in await _held(phone_of(CITIZENS[0])) if each.kind == "pass"]
    if len(held) == 1:
        await changing.correct(
            held[0].id,
            Change(
                printed_name=held[0].printed_name,
                unit_name=f"Phòng Nghiệp vụ Y, {held[0].unit_name}",
                result=held[0].result,
            ),
            reason="Phiếu đề nghị đính chính của người được cấp, gửi Ban Tổ chức.",
            public_reason="Đính chính tên đơn vị của người được cấp.",
            by=by,
        )


async def _held(phone: str) -> list[CertificateShown]:
    person_id = await pool().fetchval("SELECT person_id FROM account WHERE phone = $1", phone)
    return await lookup.of_person(person_id)


async def _revoke(contest_id: int, by: int) -> None:
    """The newest of an invented person."""
    passed = CertificateFilter(contest_id=contest_id, kind="pass", state="issued")
    known = {each.id for citizen in CITIZENS for each in await _held(phone_of(citizen))}
    found, _ = await lookup.find_certificates(passed)
    others = [each for each in found if each.id not in known]
    if others and not (await lookup.state_counts(contest_id)).get("revoked"):
        await changing.revoke(
            others[0].id,
            reason="Đơn của người được cấp xin rút kết quả, Ban Tổ chức đồng ý.",
            public_reason="Người được cấp xin rút kết quả thi.",
            by=by,
        )
