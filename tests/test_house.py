"""Tests that walk the whole house: settings, map, suppressions, addresses, lock files."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

from core.settings import Settings, variable_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("core", "people", "quiz", "certificates", "campaigns", "web")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tracked(*under: str) -> Iterator[tuple[str, str]]:
    """Name and text of every file of the project, or of those under some folders."""
    for name in file_names():
        if under and not any(name == each or name.startswith(f"{each}/") for each in under):
            continue
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture; or deleted and not yet committed


@cache
def file_names() -> list[str]:
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return [name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # a machine without git, or a plain copy
        ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").open(encoding="utf-8")}
        return [
            found.relative_to(ROOT).as_posix()
            for found in ROOT.rglob("*")
            if found.is_file()
            and not {".git", *ignored} & {*found.relative_to(ROOT).parts}
            and "web/static/vendor" not in found.as_posix()
        ]


def python_files(*under: str) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, text in tracked(*under) if name.endswith(".py"))


def locked(name: str) -> dict[str, set[str]]:
    """Every pinned package with its versions (one a Python, at times)."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", text):
        versions.setdefault(package, set()).add(version)
    return versions


def settings_table() -> list[str]:
    def shown(value: object) -> str:
        if value is None or value == "":
            return ""
        return f"`{int(value) if isinstance(value, bool) else value}`"

    return ["| variable | default | meaning |", "|---|---|---|"] + [
        f"| `{variable_name(f.name)}` | {shown(f.default)} | {f.metadata['help']} |"
        for f in fields(Settings)
    ]


def test_readme_lists_every_setting_with_its_default_and_meaning() -> None:
    section = README.split("## Settings", 1)[1].split("\n## ", 1)[0]
    shown = [line for line in section.splitlines() if line.startswith("|")]
    assert shown == settings_table(), "it should read:\n" + "\n".join(settings_table())


def test_the_vietnamese_readme_quotes_what_the_programs_say() -> None:
    guide = (ROOT / "README.vi.md").read_text(encoding="utf-8")
    section = guide.split("## Sự cố thường gặp", 1)[1].split("\n## ", 1)[0]
    quoted = re.findall(r"(?m)^\| `([^`/]+)` \|", section)
    spoken = "".join(text for _, text in tracked(*PACKAGES, "scripts"))
    assert len(quoted) > 5
    assert [words for words in quoted if words.strip(" …") not in spoken] == []


def test_every_folder_of_the_map_exists_and_every_package_is_on_it() -> None:
    section = README.split("## The map", 1)[1].split("\n## ", 1)[0]
    on_map = re.findall(r"(?m)^([\w.]+)/ ", section)
    assert len(on_map) == 8
    assert set(PACKAGES) <= set(on_map)
    beside = re.findall(r"`([\w.]+)/`", section)
    assert [name for name in on_map + beside if not (ROOT / name).is_dir()] == []


def test_every_make_target_is_a_program_of_its_own() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    programs = {
        path.name
        for path in (ROOT / "scripts").iterdir()
        if not path.suffix and path.is_file() and os.access(path, os.X_OK)
    }
    assert set(re.findall(r"(?m)^(\w+):", makefile)) == programs - {"setup", "lock"}


def test_code_reads_no_environment_variable_that_is_not_a_setting() -> None:
    """Elsewhere than in the settings themselves, and but for the load tests' own, in README."""
    known = {variable_name(f.name) for f in fields(Settings)}
    unknown = []
    for name, text in python_files(*PACKAGES, "loadtest"):
        for variable, line in environment_reads(ast.parse(text)):
            documented = name.startswith("loadtest/") and f"`{variable}" in README
            if variable not in known and not documented:
                unknown.append(f"{name}:{line} reads {variable}")
    assert not unknown, "\n".join(unknown)


def environment_reads(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """`os.environ["X"]`, `os.environ.get("X")`, `os.getenv("X")`; a variable's name counts too."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=key, ctx=ast.Load()):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"), args=[key, *_]
            ):
                pass
            case ast.Call(func=ast.Attribute(attr="getenv"), args=[key, *_]):
                pass
            case _:
                continue
        yield str(key.value if isinstance(key, ast.Constant) else ast.unparse(key)), node.lineno


def test_every_suppression_says_why() -> None:
    bare = [
        f"{name}:{number} {line.strip()}"
        for name, text in python_files()
        for number, line in enumerate(text.splitlines(), start=1)
        for found in re.finditer(r"# (?:noqa|nosec|type: ignore)\b[^—#]*(.*)", line)
        # `noqa: A002 — because`; mypy wants a second `#` before its reason
        if not re.match(r"(?:—|#) ?\S", found[1])
    ]
    assert not bare, "\n".join(bare)


def test_no_tracked_file_names_a_home_folder_or_a_registry() -> None:
    home = re.compile(r"/(?:root|Users|home/[a-z]+)/\w")
    registry = re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian|archive\.ubuntu"
        r"|unpkg\.com|jsdelivr|googleapis\.com|index-url|find-links"
    )
    allowed = {"tests/test_house.py", "scripts/lock"}  # they say what is not wanted
    found = [
        f"{name}:{number}"
        for name, text in tracked()
        if name not in allowed
        for number, line in enumerate(text.splitlines(), start=1)
        if home.search(line) or registry.search(line)
    ]
    assert not found, "\n".join(found)


def test_python_lock_files_carry_hashes_and_no_addresses() -> None:
    for name in ("run", "dev", "node"):
        text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
        entries = re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]
        assert entries
        assert [e.split()[0] for e in entries if "--hash=sha256:" not in e] == []
        assert "://" not in text


def test_what_is_tested_is_what_runs() -> None:
    tested = locked("dev")
    assert {n: v for n, v in locked("run").items() if tested.get(n) != v} == {}


def test_the_front_end_lock_file_carries_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if not entry.get("integrity")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_third_party_assets_are_not_committed() -> None:
    theirs = re.compile(r"^node_modules/|^web/static/vendor/|\.woff2?$|\.ttf$|\.min\.(?:js|css)$")
    assert [name for name in file_names() if theirs.search(name)] == []


def test_the_licence_is_the_one_that_the_project_names() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in project
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
