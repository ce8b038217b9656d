"""What deploy/ ships for servers is accepted by the programs that read it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from core.settings import Settings, variable_name
from loadtest.faults.rolling import shipped_drain_seconds

DEPLOY = Path(__file__).parent.parent / "deploy"
ANALYZE = shutil.which("systemd-analyze")


def words_about(folder: Path, unit: str) -> str:
    done = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(folder / unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_takes_every_unit_without_a_word(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8")
        started = re.findall(r"(?m)^ExecStart=/opt/hieu-so/\.venv/bin/python -m web (\w+)$", text)
        assert len(started) == ("[Service]" in text)
        # the platform is not in /opt where the tests run
        (tmp_path / unit.name).write_text(
            text.replace("/opt/hieu-so/.venv/bin/python", sys.executable), encoding="utf-8"
        )
    for unit_name in (
        "hieu-so.service",
        "hieu-so-web@8001.service",
        "hieu-so-worker@1.service",
        "hieu-so.target",
    ):
        assert words_about(tmp_path, unit_name) == ""
    wrong = tmp_path / "wrong.service"
    wrong.write_text(f"[Service]\nExecStart={sys.executable}\nProtectSytem=strict\n")
    assert "ProtectSytem" in words_about(tmp_path, "wrong.service")


def test_every_address_in_nginxs_list_may_fail_and_come_back() -> None:
    text = (DEPLOY / "nginx" / "conf.d" / "hieu-so.conf").read_text(encoding="utf-8")
    servers = re.findall(r"(?m)^    server (.+);", text)
    assert servers
    assert all("max_fails=2 fail_timeout=3s" in each for each in servers)


def test_a_leaving_process_serves_until_nginx_has_found_the_one_before_it() -> None:
    nginx = (DEPLOY / "nginx" / "conf.d" / "hieu-so.conf").read_text(encoding="utf-8")
    left_alone = {int(each) for each in re.findall(r"fail_timeout=(\d+)s", nginx)}
    assert int(shipped_drain_seconds()) > max(left_alone)


GUIDES = [*(DEPLOY.parent / "docs").glob("*.md"), DEPLOY.parent / "README.vi.md"]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_a_guide_names_only_what_there_is(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    for path in re.findall(r"\bdeploy/[\w@./-]*[\w@/]", text):
        assert (DEPLOY.parent / path).exists(), path
    for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (guide.parent / path).exists(), path
    settings = {variable_name(each.name) for each in fields(Settings)}
    for name in re.findall(r"(?m)^ *([A-Z][A-Z_]+)=", text):
        assert name in settings, name
    commands = set(re.findall(r"-m web ([a-z][\w-]*)", text))
    known = set(re.findall(r'add\(\s*"([\w-]+)"', (DEPLOY.parent / "web/__main__.py").read_text()))
    assert commands <= known
