from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import settings
from web import render


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    settings.cache_clear()
    render.environment.cache_clear()
    yield tmp_path / "templates"
    monkeypatch.undo()
    settings.cache_clear()
    render.environment.cache_clear()


def compiled(kept: Path) -> set[Path]:
    return {path for path in kept.rglob("*") if path.is_file()}


def test_the_next_process_takes_templates_as_they_were_compiled(kept: Path) -> None:
    render.environment("vi").get_template("layout.html")
    first = {path: path.stat().st_mtime_ns for path in compiled(kept)}
    assert first
    render.environment.cache_clear()
    render.environment("vi").get_template("layout.html")
    assert {path: path.stat().st_mtime_ns for path in compiled(kept)} == first


def test_each_language_keeps_its_own_words(kept: Path) -> None:
    for language in render.LANGUAGES:
        render.environment(language).get_template("layout.html")
    assert len(list(kept.iterdir())) == len(render.LANGUAGES)


def test_where_nothing_can_be_written_pages_are_shown_all_the_same(kept: Path) -> None:
    kept.write_text("no folder", encoding="utf-8")
    assert render.environment("vi").get_template("layout.html").name == "layout.html"
