from __future__ import annotations

from pathlib import Path

import pytest

from loadtest import prepared


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "web" / "static").mkdir(parents=True)
    (tmp_path / "web" / "demo.py").write_text("people = 3\n", encoding="utf-8")
    monkeypatch.setattr(prepared, "PROJECT", tmp_path)
    return tmp_path


def test_data_are_laid_anew_when_a_file_that_lays_them_has_changed(tree: Path) -> None:
    before = prepared._version()
    assert prepared._version() == before
    (tree / "web" / "demo.py").write_text("people = 4\n", encoding="utf-8")
    changed = prepared._version()
    assert changed != before
    (tree / "web" / "more.py").touch()
    assert prepared._version() not in {before, changed}


def test_what_only_a_browser_gets_lays_nothing_anew(tree: Path) -> None:
    before = prepared._version()
    (tree / "web" / "static" / "look.css").write_text("body {}", encoding="utf-8")
    assert prepared._version() == before
