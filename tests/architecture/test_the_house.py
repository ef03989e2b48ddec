"""The house keeps its floors, and the pure rooms stay pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import runner

HOUSE = Path(runner.__file__).parent
PURE = (
    "vocabulary",
    "lifecycle",
    "schedules",
    "retries.py",
    "declaration",
    "reconcile",
    "dispatch",
    "access",
    "crontab",
    "sources",
)
ASKS_THE_TIME = {
    "now",
    "utcnow",
    "today",
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "clock_gettime",
    "perf_counter",
    "localtime",
    "gmtime",
}
ASKS_FOR_CHANCE = {"random", "secrets", "uuid"}
TIME_MODULES = {"time", "datetime", "date", "dt"}


def pure_files() -> list[Path]:
    files: list[Path] = []
    for room in PURE:
        path = HOUSE / room
        files += [path] if path.suffix else sorted(path.rglob("*.py"))
    return [file for file in files if file.is_file()]


@pytest.mark.parametrize("file", pure_files(), ids=lambda file: str(file.relative_to(HOUSE)))
def test_a_pure_room_asks_neither_the_time_nor_chance(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            named = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            assert not (named in TIME_MODULES and node.func.attr in ASKS_THE_TIME), (
                f"{file.name}:{node.lineno} asks the time ({named}.{node.func.attr}); take it as an argument"
            )
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module or ""}
            )
            assert not modules & ASKS_FOR_CHANCE, f"{file.name}:{node.lineno} imports {modules}"


@pytest.mark.parametrize(
    "room", sorted(p.name for p in HOUSE.iterdir() if p.is_dir() and not p.name.startswith(("__", ".")))
)
def test_each_room_says_which_question_it_answers(room: str) -> None:
    doc = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text()))
    assert doc is not None, f"runner/{room}/__init__.py has no docstring"
    assert doc.splitlines()[0].endswith("?"), f"runner/{room} does not say which question it answers"


def test_importing_a_room_imports_nothing_else() -> None:
    for init in HOUSE.rglob("__init__.py"):
        tree = ast.parse(init.read_text())
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert not imports, f"{init.relative_to(HOUSE)} imports something; name the module where it is used"


def test_no_two_files_of_tests_have_one_name() -> None:
    """Outside of packages they are imported by their name alone: the second would be taken for the first."""
    tests = Path(__file__).parents[1]
    files = [file for file in tests.rglob("*.py") if not file.with_name("__init__.py").exists()]
    names = [file.name for file in files if file.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_question_to_the_store_says_what_it_gives() -> None:
    silent: list[str] = []
    for module in sorted((HOUSE / "store").glob("*.py")):
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith(("Reads", "Writes")):
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
                silent += [f"{node.name}.{each.name}" for each in methods if ast.get_docstring(each) is None]
    assert silent == []


def test_only_runs_have_sessions_of_their_own() -> None:
    """What is in another session falls to the supervisor when a zygote dies, and is killed."""
    found = {
        str(file.relative_to(HOUSE)) for file in HOUSE.rglob("*.py") if "session=True" in file.read_text()
    }
    assert found == {"execution/zygote_process.py"}
