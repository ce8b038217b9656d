from __future__ import annotations

from io import BytesIO

import httpx
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core import db
from quiz.exchange.item import Item, ItemOption, Understood
from quiz.images import keep_image
from quiz.import_entries import Defaults
from quiz.pools import PoolOption
from quiz.question_imports import stage_import
from quiz.question_writing import add_topic, save_question
from quiz.questions import find_question
from tests.web.cast import PERSONAS, Stage, build_stage
from tests.web.conftest import SignIn, Site
from web.assets import assets
from web.guard import Access, guarded
from web.routes import TABLE

# What each of the cast gets, in the order of PERSONAS. "door" is the way to sign in; whoever may
# not know that something exists gets 404. Bodies are empty: an allowed deed answers 422.
COLUMNS = "nobody mai charlie author reviewer organiser approver leader auditor admin stranger"
ALL_200 = "200 200 200 200 200 200 200 200 200 200 200"
ALL_404 = "404 404 404 404 404 404 404 404 404 404 404"
ALL_303 = "303 303 303 303 303 303 303 303 303 303 303"
ALL_422 = "422 422 422 422 422 422 422 422 422 422 422"
SIGNED_200 = "door 200 200 200 200 200 200 200 200 200 200"
SIGNED_303 = "door 303 303 303 303 303 303 303 303 303 303"
SIGNED_422 = "door 422 422 422 422 422 422 422 422 422 422"
NO_PASSWORD = "door 404 404 404 404 404 404 404 404 404 404"
OWNER_200 = "404 200 404 404 404 404 404 404 404 404 404"
OWNER_303 = "404 303 404 404 404 404 404 404 404 404 404"
# The pages of one contest: for whoever sees the office, and for whoever makes contests.
DESK_200 = "door 403 403 403 200 200 200 200 200 200 404"
MAKER_200 = "door 403 403 403 403 200 403 403 403 200 404"
MAKER_422 = "door 403 403 403 403 422 403 403 403 422 404"
MATRIX = {
    #                                      nobody mai chrl auth revw orgn appr lead audt admn strg
    "POST /bai-thi/{attempt}/luu":            "404 422 404 404 404 404 404 404 404 404 404",
    "POST /bai-thi/{attempt}/nop":            OWNER_303,
    "GET /bai-thi/{attempt}/ket-qua":         OWNER_303,
    "GET /bai-thi/{attempt}":                 OWNER_200,
    "GET /bai-thi/{attempt}/xac-nhan-nop":    OWNER_200,
    "POST /bai-thi/{attempt}/lam-tiep-o-day": OWNER_303,
    "GET /static/{path:path}":                ALL_200,
    "GET /anh/{digest}":                      ALL_200,
    "GET /":                                  ALL_200,
    "GET /cuoc-thi/{slug}":                   ALL_200,
    "GET /cuoc-thi/{slug}/vao-thi":           SIGNED_200,
    "POST /cuoc-thi/{slug}/vao-thi":          SIGNED_303,
    "GET /cuoc-thi/{slug}/cho":               ALL_200,
    "GET /cuoc-thi/{slug}/cho/den-luot":      ALL_200,
    "GET /cuoc-thi/{slug}/tin":               ALL_200,
    "GET /cuoc-thi/{slug}/the-le":            ALL_200,
    "GET /cuoc-thi/{slug}/the-le/{version}.pdf": ALL_200,
    "GET /cuoc-thi/{slug}/bang-xep-hang":     ALL_200,
    "GET /cuoc-thi/{slug}/vi-tri":            SIGNED_200,
    "GET /cuoc-thi/{slug}/thong-ke":          ALL_200,
    "GET /cuoc-thi/{slug}/ket-qua":           ALL_200,
    "GET /cuoc-thi/{slug}/ket-qua/{round}.json": "404 404 404 404 404 404 404 404 404 404 404",
    "GET /cuoc-thi/{slug}/boc-tham/{draw}":   ALL_200,
    "GET /cuoc-thi/{slug}/boc-tham/{draw}/du-lieu.json": ALL_200,
    "GET /boc-tham/kiem-chung.py":            ALL_200,
    "GET /cuoc-thi/{slug}/khieu-nai":         SIGNED_200,
    "POST /cuoc-thi/{slug}/khieu-nai":        SIGNED_422,
    "POST /cuoc-thi/{slug}/khieu-nai/{case}/rut": SIGNED_303,
    "GET /dang-ky":                           ALL_200,
    "POST /dang-ky":                          ALL_422,
    "GET /dang-ky/ma":                        ALL_303,
    "POST /dang-ky/ma":                       ALL_422,
    "GET /tim-don-vi":                        ALL_200,
    "GET /dang-nhap":                         ALL_200,
    "POST /dang-nhap":                        ALL_422,
    "GET /dang-nhap/ma":                      ALL_303,
    "POST /dang-nhap/ma":                     ALL_422,
    "POST /gui-lai-ma":                       ALL_303,
    "GET /dang-nhap/can-bo":                  ALL_200,
    "POST /dang-nhap/can-bo":                 ALL_422,
    "POST /dang-xuat":                        ALL_303,
    "GET /tai-khoan":                         SIGNED_200,
    "POST /tai-khoan/phien/{session}/thu-hoi": SIGNED_303,  # a foreign session stays: test_account
    "POST /tai-khoan/phien/thu-hoi-het":      SIGNED_303,
    "POST /tai-khoan/dong-y":                 SIGNED_422,
    "GET /tai-khoan/chung-nhan":              SIGNED_200,
    "GET /tai-khoan/chung-nhan/{certificate}/chia-se.png": NO_PASSWORD,  # the holder: test_certificate_papers
    "GET /tai-khoan/chung-nhan/{number}/huy-hieu": NO_PASSWORD,  # the holder: test_badges
    "GET /chung-nhan":                        ALL_200,
    "POST /chung-nhan":                       ALL_422,
    "GET /chung-nhan/ngoai-tuyen":            ALL_200,
    "GET /chung-nhan/khong-mang.js":          ALL_200,
    "GET /chung-nhan/{number}.pdf":           ALL_404,  # with a session or a code: test_certificate_papers
    "GET /chung-nhan/{number}":               ALL_404,  # with a check code: test_check
    "GET /.well-known/hieu-so-keys.json":     ALL_200,
    "GET /.well-known/did.json":              ALL_200,
    "GET /huy-hieu/noi-cap":                  ALL_200,
    "GET /huy-hieu/trang-thai/{list}":        ALL_404,  # {list} is no number: test_badges
    "GET /huy-hieu/{slug}/{kind}":            ALL_404,
    "GET /tai-khoan/mat-khau":                NO_PASSWORD,  # with one: test_security_pages
    "POST /tai-khoan/mat-khau":               NO_PASSWORD,
    "GET /tai-khoan/xac-thuc":                NO_PASSWORD,
    "POST /tai-khoan/xac-thuc/bat-dau":       NO_PASSWORD,
    "POST /tai-khoan/xac-thuc/xac-nhan":      NO_PASSWORD,
    "POST /tai-khoan/xac-thuc/ma-du-phong":   NO_PASSWORD,
    "POST /tai-khoan/xac-thuc/tat":           NO_PASSWORD,
    "GET /tai-khoan/du-lieu":                 SIGNED_200,
    "POST /tai-khoan/du-lieu/tai-ve":         SIGNED_200,
    "POST /tai-khoan/du-lieu/xoa":            SIGNED_422,
    "GET /ngon-ngu":                          ALL_303,
    "GET /tro-nang":                          ALL_200,
    #                                      nobody mai chrl auth revw orgn appr lead audt admn strg
    "GET /quan-tri":                          "door 403 403 403 200 200 200 200 200 200 200",
    "GET /quan-tri/ngan-hang":                "door 403 403 200 200 200 200 403 403 200 404",
    "POST /quan-tri/ngan-hang/nhieu-cau":     "door 403 403 422 422 422 422 403 403 422 404",
    "GET /quan-tri/ngan-hang/moi":            "door 403 403 200 200 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/moi":           "door 403 403 422 422 422 403 403 403 422 404",
    "GET /quan-tri/ngan-hang/chu-de":         "door 403 403 200 200 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/chu-de":        "door 403 403 422 422 422 403 403 403 422 404",
    "GET /quan-tri/ngan-hang/nguon":          "door 403 403 200 200 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/nguon":         "door 403 403 404 404 404 403 403 403 404 404",
    "GET /quan-tri/ngan-hang/cau-moi":        "door 403 403 200 200 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/cau-moi":       "door 403 403 422 422 422 403 403 403 422 404",
    "GET /quan-tri/ngan-hang/cau/{question}": "door 403 403 200 200 200 200 403 403 200 404",
    "POST /quan-tri/ngan-hang/cau/{question}/viec": "door 403 403 422 422 422 422 403 403 422 404",
    "GET /quan-tri/ngan-hang/cau/{question}/sua": "door 403 403 200 200 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/cau/{question}/sua": "door 403 403 422 422 422 403 403 403 422 404",
    "GET /quan-tri/ngan-hang/mau":            "door 403 403 200 403 200 403 403 403 200 404",
    "GET /quan-tri/ngan-hang/nhap":           "door 403 403 200 403 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/nhap":          "door 403 403 422 403 422 403 403 403 422 404",
    "GET /quan-tri/ngan-hang/xuat":           "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/xuat":          "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/ngan-hang/nhap/{import}": "door 403 403 200 403 200 403 403 403 200 404",
    "POST /quan-tri/ngan-hang/nhap/{import}": "door 403 403 422 403 422 403 403 403 422 404",
    "POST /quan-tri/ngan-hang/nhap/{import}/cot": "door 403 403 303 403 303 403 403 403 303 404",
    "GET /quan-tri/chung-nhan":               MAKER_200,
    "POST /quan-tri/chung-nhan/so":           MAKER_422,
    "POST /quan-tri/chung-nhan/nguoi-ky":     MAKER_422,
    "POST /quan-tri/chung-nhan/nguoi-ky/{signer}/thoi": "door 403 403 403 403 303 403 403 403 303 404",
    "GET /quan-tri/chung-nhan/mau":           MAKER_200,
    "POST /quan-tri/chung-nhan/mau":          MAKER_422,
    "GET /quan-tri/chung-nhan/mau/{design}":  MAKER_200,
    "POST /quan-tri/chung-nhan/mau/{design}": "door 403 403 403 403 303 403 403 403 303 404",
    "GET /quan-tri/chung-nhan/mau/{design}/xem-thu.pdf": MAKER_200,
    "POST /quan-tri/chung-nhan/mau/{design}/hinh": MAKER_422,
    "POST /quan-tri/chung-nhan/mau/{design}/thoi": "door 403 403 403 403 303 403 403 403 404 404",
    "GET /quan-tri/cuoc-thi":                 "door 403 403 403 200 200 200 200 200 200 200",
    "POST /quan-tri/cuoc-thi":                MAKER_422.replace("404", "422"),  # for the own unit
    "GET /quan-tri/cuoc-thi/{slug}":          DESK_200,
    "POST /quan-tri/cuoc-thi/{slug}/gioi-thieu": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/bang": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/bang/{division}": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/xep-hang": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/dot": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/dot/{number}": DESK_200,
    "POST /quan-tri/cuoc-thi/{slug}/dot/{number}": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/dot/{number}/nhan": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/dot/{number}/xoa": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/dot/{number}/ma-tran": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/giai": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/giai/{prize}": MAKER_200,
    "POST /quan-tri/cuoc-thi/{slug}/giai/{prize}": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/giai/{prize}/sap-xep": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/danh-sach/mau": MAKER_200,
    "GET /quan-tri/cuoc-thi/{slug}/danh-sach/{name}": MAKER_200,
    "POST /quan-tri/cuoc-thi/{slug}/danh-sach/{name}": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/danh-sach/{name}/bo": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/the-le": DESK_200,
    "POST /quan-tri/cuoc-thi/{slug}/the-le": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/the-le/soan": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/the-le/{version}.pdf": DESK_200,
    "GET /quan-tri/cuoc-thi/{slug}/lam-thu": "door 403 403 403 404 200 200 404 404 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/lam-thu": "door 403 403 403 404 422 422 404 404 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/gui-duyet": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/duyet":   "door 403 403 403 403 403 422 403 403 422 403",
    "POST /quan-tri/cuoc-thi/{slug}/tra-lai": "door 403 403 403 403 403 422 403 403 422 403",
    "GET /quan-tri/cuoc-thi/{slug}/ket-qua": "door 403 403 403 200 200 200 403 200 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh/{correction}/tinh-lai": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh/{correction}/rut": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/dieu-chinh/{correction}/duyet": "door 403 403 403 403 403 422 403 403 422 403",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/loai": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/loai/{case}/go": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/khoa": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/boc-tham": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/boc-tham/{draw}/cong-bo": "door 403 403 403 403 403 422 403 403 422 403",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/boc-tham/{draw}/huy": "door 403 403 403 403 403 422 403 403 422 403",
    "POST /quan-tri/cuoc-thi/{slug}/ket-qua/chot": "door 403 403 403 403 403 422 403 403 422 403",
    "GET /quan-tri/cuoc-thi/{slug}/phan-tich":      "door 403 403 403 200 200 200 403 200 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/phan-tich":     "door 403 403 403 303 303 303 403 303 303 404",
    "GET /quan-tri/cuoc-thi/{slug}/phan-tich.xlsx": "door 403 403 403 422 422 422 403 422 422 404",
    "GET /quan-tri/cuoc-thi/{slug}/ban-do-kien-thuc": "door 403 403 403 200 200 200 200 200 200 404",
    "GET /quan-tri/cuoc-thi/{slug}/ban-do-kien-thuc.xlsx": "door 403 403 403 422 422 422 422 422 422 404",
    "GET /quan-tri/cuoc-thi/{slug}/dien-tap": DESK_200,
    "POST /quan-tri/cuoc-thi/{slug}/dien-tap": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/dien-tap/{rehearsal}": DESK_200.replace("200", "404"),
    "POST /quan-tri/cuoc-thi/{slug}/dien-tap/{rehearsal}/dung": "door 403 403 403 403 404 403 403 403 404 404",
    "GET /quan-tri/cuoc-thi/{slug}/dang-dien-ra": "door 403 403 403 200 200 200 200 200 200 404",
    "GET /quan-tri/cuoc-thi/{slug}/dieu-hanh": "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/gia-han": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/cong-tac": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/thong-bao": "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/thong-bao/{notice}/go": "door 403 403 403 403 404 403 403 403 404 404",
    "GET /quan-tri/cuoc-thi/{slug}/giai-thuong":    "door 403 403 403 403 200 200 403 200 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/giai-thuong":   "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/cuoc-thi/{slug}/giai-thuong/khong-nhan": "door 403 403 403 403 404 403 403 403 404 404",
    "POST /quan-tri/cuoc-thi/{slug}/giai-thuong/cong-bo": "door 403 403 403 403 403 422 403 403 422 403",
    "GET /quan-tri/cuoc-thi/{slug}/giai-thuong/van-ban": "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/cuoc-thi/{slug}/bang-xep-hang.xlsx": "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/cuoc-thi/{slug}/bang-xep-hang.csv": "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan":     "door 403 403 403 403 200 200 403 200 200 404",
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/lap": MAKER_200,
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/lap": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/can-sua": MAKER_200,
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/can-sua": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/danh-sach/{batch}": "door 403 403 403 403 200 200 403 200 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/danh-sach/{batch}/duyet": "door 403 403 403 403 403 303 403 403 422 403",
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/danh-sach/{batch}/rut": "door 403 403 403 403 303 403 403 403 422 404",
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/ky-so": MAKER_200,
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/ky-so": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/ky-so/tai-len": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/ky-so/chua-ky.zip": MAKER_200.replace("200", "404"),
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/tai-ve.zip": "door 403 403 403 403 200 200 403 200 200 404",
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/to-in.pdf": "door 403 403 403 403 404 404 403 404 404 404",
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/giay/{certificate}/tep.pdf": "door 403 403 403 403 404 404 403 404 404 404",
    "GET /quan-tri/cuoc-thi/{slug}/chung-nhan/giay/{certificate}": "door 403 403 403 403 200 200 403 200 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/giay/{certificate}/thu-hoi": MAKER_422,
    "POST /quan-tri/cuoc-thi/{slug}/chung-nhan/giay/{certificate}/sua": MAKER_422,
    "GET /quan-tri/cuoc-thi/{slug}/dau-hieu": "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/cuoc-thi/{slug}/dau-hieu/{suspicion}": "door 403 403 403 403 404 403 403 403 404 404",
    "POST /quan-tri/cuoc-thi/{slug}/ra-lai-dau-hieu": "door 403 403 403 403 303 403 403 403 303 404",
    "GET /quan-tri/cuoc-thi/{slug}/khieu-nai":      "door 403 403 403 403 200 200 403 200 200 404",
    "GET /quan-tri/cuoc-thi/{slug}/khieu-nai/{case}": "door 403 403 403 403 404 404 403 404 404 404",
    "POST /quan-tri/cuoc-thi/{slug}/khieu-nai/{case}": "door 403 403 403 403 404 404 403 403 404 404",
    "GET /quan-tri/don-vi":                   "door 403 403 403 403 200 403 403 403 200 200",
    "GET /quan-tri/don-vi/mau":               "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/don-vi":                  "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/don-vi/{code}":           "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/don-vi/{code}/so-nguoi":
                                             "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/don-vi/{code}/ten-khac":
                                             "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/don-vi/{code}/ke-thua":
                                             "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/don-vi/{code}/chuyen-nguoi":
                                             "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/nguoi":                   "door 403 403 403 403 200 403 403 403 200 200",
    "POST /quan-tri/nguoi/xuat":             "door 403 403 403 403 422 403 403 403 422 422",
    "GET /quan-tri/nguoi/mau":               "door 403 403 403 403 200 403 403 403 200 200",
    "GET /quan-tri/nguoi/nhap":              "door 403 403 403 403 200 403 403 403 200 200",
    "POST /quan-tri/nguoi/nhap":             "door 403 403 403 403 422 403 403 403 422 422",
    "GET /quan-tri/nguoi/trung":             "door 403 403 403 403 200 403 403 403 200 404",
    "GET /quan-tri/nguoi/{person}":          "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/nguoi/{person}/so-dien-thoai":
                                             "door 403 403 403 403 200 403 403 403 200 404",
    "GET /quan-tri/nguoi/{person}/gop/{other}":
                                             "door 403 403 403 403 200 403 403 403 200 404",
    "POST /quan-tri/nguoi/{person}/gop/{other}":
                                             "door 403 403 403 403 422 403 403 403 422 404",
    "GET /quan-tri/vai-tro":                 "door 403 403 403 403 403 403 403 403 200 403",
    "POST /quan-tri/vai-tro":                "door 403 403 403 403 403 403 403 403 422 403",
    "GET /quan-tri/vai-tro/{account}":       "door 403 403 403 403 403 403 403 403 200 403",
    "POST /quan-tri/vai-tro/{account}/giao": "door 403 403 403 403 403 403 403 403 422 403",
    "POST /quan-tri/vai-tro/{account}/ket-thuc/{role}":
                                             "door 403 403 403 403 403 403 403 403 303 403",
    "POST /quan-tri/vai-tro/{account}/mat-khau":
                                             "door 403 403 403 403 403 403 403 403 403 403",
    "POST /quan-tri/vai-tro/{account}/xac-thuc":
                                             "door 403 403 403 403 403 403 403 403 403 403",
    "GET /quan-tri/nhat-ky":                 "door 403 403 403 403 403 403 403 200 200 403",
    "POST /quan-tri/nhat-ky/xuat":           "door 403 403 403 403 403 403 403 422 422 403",
    "GET /quan-tri/van-hanh":                "door 403 403 403 403 200 403 200 200 200 404",
    "POST /quan-tri/van-hanh/cong-tac":      "door 403 403 403 403 422 403 403 403 422 404",
    "POST /quan-tri/van-hanh/cham-lai":      "door 403 403 403 403 303 403 403 403 303 404",
    "GET /healthz":                           ALL_200,
    "GET /readyz":                            ALL_200,
    "GET /metrics":                           ALL_200,  # from this machine; others: test_security
    "GET /robots.txt":                        ALL_200,
}  # fmt: skip


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


def test_the_matrix_and_the_table_name_the_same_routes() -> None:
    assert tuple(COLUMNS.split()) == PERSONAS
    assert list(MATRIX) == [f"{method} {path}" for method, path, *_ in TABLE]


def test_the_application_answers_nothing_that_the_table_does_not_name(running_site: Site) -> None:
    served = set()
    for route in running_site.app.routes:
        assert isinstance(route, Route), route  # no mount, no websocket
        served |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    assert served == {(method, path) for method, path, *_ in TABLE}


def test_every_route_declares_who_may_use_it() -> None:
    assert all(isinstance(access, Access) for _, _, access, _ in TABLE)


def test_a_handler_without_a_known_access_cannot_be_built() -> None:
    async def page(_request: Request) -> Response:
        return PlainTextResponse("everybody reads this")

    with pytest.raises(KeyError):
        guarded(Access("whoever"), page)
    with pytest.raises(TypeError):
        guarded(page)  # type: ignore[call-arg, arg-type]  # the mistake that must not pass


async def test_each_of_the_cast_gets_the_expected_answer(stage: Stage) -> None:
    got = {}
    for line in sorted(MATRIX, key=_turn):
        method, path = line.split(" ")
        address = await _address(path, stage)
        answers = [await stage.clients[name].request(method, address, data={}) for name in PERSONAS]
        got[line] = " ".join(_kind(answer) for answer in answers)
    assert got == MATRIX


def _turn(line: str) -> int:
    """The cast lives through all lines, so the door comes before the paper, the exit at the end."""
    turns = ["/vao-thi", "/", "/{session}/thu-hoi", "/dang-xuat"]
    return max((place for place, end in enumerate(turns) if line.endswith(end)), default=1)


async def _of_the_cast(path: str, stage: Stage) -> str:
    """People and accounts: Mai's record beside Charlie's, and the reviewer's account and role."""
    filled = path.replace("{person}", str(stage.person_ids["mai"])).replace("{code}", "X1")
    filled = filled.replace("{other}", str(stage.person_ids["charlie"]))
    if "{account}" not in path:
        return filled
    account_id = await stage.account_id("reviewer")
    role_id = await db.pool().fetchval("SELECT id FROM role WHERE account_id = $1", account_id)
    return filled.replace("{account}", str(account_id)).replace("{role}", str(role_id))


async def _address(path: str, stage: Stage) -> str:
    """The route's address with objects of Mai's, and the contest that all of the platform holds."""
    filled = await _of_the_cast(path.replace("{slug}", "thi"), stage)
    if "{attempt}" in path:
        entered = await stage.clients["mai"].post("/cuoc-thi/thi/vao-thi")
        stage.clients["mai"].cookies.delete("bai_thi")  # by session: the token is test_play's
        return filled.replace("/bai-thi/{attempt}", entered.headers["location"])
    if "{session}" in path:
        session_id = await db.pool().fetchval(
            "SELECT id FROM session WHERE account_id = $1", await stage.account_id("mai")
        )
        return filled.replace("{session}", str(session_id))
    makers = {"{question}": _question, "{import}": _staged_file, "{digest}": _picture}
    for hole, make in makers.items():
        if hole in path:
            return filled.replace(hole, str(await make()))
    if path.startswith("/cuoc-thi/{slug}/boc-tham/"):
        return filled.replace("{draw}", await _lots(stage))
    if "/the-le" in path:
        await _rules(stage.arena.contest_id)
    made = {
        "{prize}": lambda: _prize(stage.arena.contest_id),
        "{batch}": lambda: _list_of_certificates(stage),
        "{design}": _design,
        "{certificate}": lambda: _certificate(stage),
    }
    for hole, make_one in made.items():
        filled = filled.replace(hole, str(await make_one())) if hole in path else filled
    for name, value in (
        ("{version}", "1"), ("{number}", "1"), ("{name}", "du-thi"),
        ("{division}", str(stage.arena.division_id)),
    ):  # fmt: skip
        filled = filled.replace(name, value)
    return filled.replace("/static/{path:path}", assets().address("base.css"))


async def _design() -> int:
    """An office's own, with one version."""
    return await db.pool().fetchval(
        "WITH d AS (INSERT INTO certificate_design (base, name, created_by_id, created_at) "
        "SELECT 'hien-dai', 'Mẫu của Sở', id, now() FROM account LIMIT 1 RETURNING id) "
        "INSERT INTO certificate_design_version (design_id, number, content, digest, created_at) "
        "SELECT id, 1, '{}', '', now() FROM d RETURNING design_id"
    )


async def _list_of_certificates(stage: Stage, state: str = "in_review") -> int:
    """A list that waits for approval; those that waited before are withdrawn."""
    await db.pool().execute("UPDATE certificate_batch SET state = 'withdrawn'")
    await db.pool().execute(
        "INSERT INTO certificate_series (symbol, year, created_at) "
        "VALUES ('GCN', extract(year FROM now() AT TIME ZONE 'Asia/Ho_Chi_Minh'), now()) "
        "ON CONFLICT DO NOTHING"
    )
    return await db.pool().fetchval(
        "WITH d AS (INSERT INTO certificate_design (base, name, created_at) "
        "VALUES ('trang-trong', 'Mẫu', now()) RETURNING id), "
        "v AS (INSERT INTO certificate_design_version (design_id, number, content, digest, "
        "created_at) SELECT id, 1, '{}', '', now() FROM d RETURNING id), "
        "s AS (INSERT INTO certificate_signer (issuer, place, authority, title, name, created_at) "
        "VALUES ('Ban', 'Lai Châu', 'TM.', 'Trưởng ban', 'Páo', now()) RETURNING id) "
        "INSERT INTO certificate_batch (contest_id, purpose, kind, rule, design_version_id, "
        "series_id, signer_id, title, statement, state, owed_count, made_at, issued_on) "
        "SELECT $1, 'issue', 'participation', $3, v.id, "
        "(SELECT max(id) FROM certificate_series), s.id, 'Giấy', 'đã', $2, 0, now(), now() "
        "FROM v, s RETURNING id",
        stage.arena.contest_id,
        state,
        {"kind": "participation"},
    )


async def _certificate(stage: Stage) -> int:
    """One of Mai's, as if it had just been issued."""
    batch_id = await _list_of_certificates(stage, "done")
    return await db.pool().fetchval(
        "INSERT INTO certificate (number, series_id, series_number, check_code, contest_id, kind, "
        "unit_id, prize_id, printed_name, name_key, unit_name, result, face, design_version_id, "
        "batch_id, issued_on, issued_at, state, state_at) "
        "SELECT 'x' || b.id, b.series_id, b.id, '7K2M-Q4TN-0XBD', b.contest_id, 'unit_prize', $2, "
        "$3, 'Xã Bình Lư', '', '', '', $4, b.design_version_id, b.id, now(), now(), 'issued', "
        "now() FROM certificate_batch b WHERE b.id = $1 RETURNING id",
        batch_id,
        stage.arena.unit_id,
        await _prize(stage.arena.contest_id),
        {},
    )


async def _rules(contest_id: int) -> None:
    """A first version with a signed file."""
    await db.pool().execute(
        "WITH file AS (INSERT INTO attachment (contest_id, file_name, media_type, digest, content, "
        "created_at) VALUES ($1, 'a.pdf', 'application/pdf', '0', '\\x25', now()) RETURNING id) "
        "INSERT INTO rules_text (contest_id, version, body, change_note, attachment_id, "
        "published_at) SELECT $1, 1, '## Điều 1', '', id, now() FROM file "
        "ON CONFLICT (contest_id, version) DO NOTHING",
        contest_id,
    )


async def _prize(contest_id: int) -> int:
    return await db.pool().fetchval(
        "INSERT INTO prize (contest_id, kind, name, prize_count, position, measure, block, reward) "
        "VALUES ($1, 'individual', 'Giải Nhất', 1, 1, '', '', '') RETURNING id",
        contest_id,
    )


def _kind(answer: httpx.Response) -> str:
    location = answer.headers.get("location", "")
    if answer.status_code == 303 and location.startswith(
        ("/dang-nhap?tiep=", "/dang-nhap/can-bo?tiep=", "/dang-ky?tiep=")
    ):
        return "door"
    return str(answer.status_code)


async def _staged_file() -> int:
    bank_id = await db.pool().fetchval(
        "INSERT INTO question_bank (code, name) VALUES ('nhap', 'Ngân hàng') "
        "ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id"
    )
    read = Understood("gift", [Item(1, "Câu hỏi gì?", (ItemOption("a"), ItemOption("b")))])
    return await stage_import(bank_id, read, "tep.gift", defaults=Defaults(), by=None)


async def _lots(stage: Stage) -> str:
    return str(
        await db.pool().fetchval(
            "INSERT INTO draw (round_id, division_id, purpose, title, entrants, entrants_digest, "
            "winner_count, secret, commitment, beacon_rule, beacon, committed_at) "
            "VALUES ($1, $2, 'lucky', 'Quay số', '[]', '', 1, '', '', '', '', now()) RETURNING id",
            stage.arena.round_id,
            stage.arena.division_id,
        )
    )


async def _picture() -> str:
    drawn = BytesIO()
    Image.new("RGB", (4, 4), "red").save(drawn, "PNG")
    await keep_image(drawn.getvalue(), "image/png", "Một ô đỏ")
    return await db.pool().fetchval("SELECT digest FROM image")


async def _question() -> int:
    bank_id, code = await db.pool().fetchval("SELECT min(id) FROM question_bank"), "Q1"
    await add_topic(bank_id, code="chung", name="Chung")
    options = [PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)]
    await save_question(
        bank_id, code=code, topic="chung", difficulty="easy", kind="single", text="Gì?",
        options=options, by=None,
    )  # fmt: skip
    return await find_question(bank_id, code) or 0
