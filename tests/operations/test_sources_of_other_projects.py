"""Two projects that share a database and call their folder the same: neither removes the other's jobs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.operations.apply import Applied, carry_out
from runner.operations.ownership import refuse_to_run_for_another
from runner.operations.plan import Planned, Stream, make_plan_for
from runner.operations.saved_plan import read_plan, save_plan
from runner.store.open import open_store
from runner.store.port import Store
from runner.vocabulary.errors import Refused
from tests.git.test_repository import git
from tests.operations.declared_projects import ANA, NOW, Project


@pytest.fixture
def shared(tmp_path: Path):
    store = open_store(tmp_path / "shared" / "runner.db", create=True)
    yield store
    store.close()


class Sharing(Project):
    """A project whose database is elsewhere."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.state, self.store = folder, store.path.parent, store
        (folder / "jobs.d").mkdir(parents=True, exist_ok=True)

    def commit(self, *, init: bool = False) -> None:
        if init:
            git(self.folder, "init", "-q")
        git(self.folder, "add", ".")
        git(self.folder, "commit", "-qm", "more")

    def cloned(self, to: str, *arguments: str) -> Sharing:
        target = self.folder.parent / to
        git(self.folder.parent, "clone", "-q", *arguments, self.folder.as_uri(), str(target))
        return Sharing(target, self.store)

    def moved(self, to: str) -> Sharing:
        target = self.folder.parent / to
        self.folder.rename(target)
        return Sharing(target, self.store)


@pytest.fixture
def shop(tmp_path: Path, shared: Store) -> Sharing:
    """Has `orders` and `stock` installed."""
    project = Sharing(tmp_path / "shop", shared)
    project.job("orders")
    project.job("stock")
    project.apply()
    return project


@pytest.fixture
def bank(tmp_path: Path, shared: Store) -> Sharing:
    """Another project with two jobs, none of them installed."""
    project = Sharing(tmp_path / "bank", shared)
    project.job("ledger")
    project.job("rates")
    return project


def installed(store: Store) -> list[str]:
    with store.read() as reader:
        return sorted(each.name for each in reader.objects.summaries("Job"))


def in_git(shop: Sharing) -> Sharing:
    shop.commit(init=True)
    shop.job("orders", shell="echo in git")
    shop.commit()
    shop.apply()
    return shop


def test_another_project_is_refused_and_removes_nothing(shop: Sharing, bank: Sharing) -> None:
    with pytest.raises(Refused) as refused:
        bank.apply(allow_delete=99)
    assert installed(shop.store) == ["orders", "stock"]
    assert str(refused.value) == (
        f"In this database jobs.d belongs to a project at {shop.folder}/jobs.d, applied 2026-11-23 12:00 UTC "
        f"by ana, and the plan of {bank.folder}/jobs.d would make 6 changes there, 2 of them removals. Give "
        "this project a database of its own (--db); or, when it is the same project, or takes its place, say "
        "so once with `runner reconcile --adopt`"
    )


def test_no_daemon_runs_the_jobs_of_another_project_with_its_own_folders(
    shop: Sharing, bank: Sharing
) -> None:
    def starts(project: Sharing, folder: str | None = "jobs.d") -> None:
        root = None if folder is None else project.folder / folder
        with project.store.read() as reader:
            refuse_to_run_for_another(reader, root, project=project.folder, state=project.state)

    starts(shop)
    for folder in ("jobs.d", "others", None):  # None: it follows a repository
        with pytest.raises(Refused, match=f"jobs.d belongs to a project at {shop.folder}/jobs.d; its jobs"):
            starts(bank, folder)
    shutil.rmtree(bank.folder / "jobs.d")  # nothing here says that it is the same
    with pytest.raises(Refused, match="Start it there"):
        starts(bank)
    in_git(shop)
    starts(shop.cloned("copy"))
    shutil.rmtree(shop.folder)  # it has moved away, or its disk is gone: what is installed goes on
    starts(bank)


def test_it_may_take_the_source_over_and_then_the_first_is_refused(shop: Sharing, bank: Sharing) -> None:
    bank.apply(allow_delete=99, adopt=True)
    assert installed(shop.store) == ["ledger", "rates"]
    with pytest.raises(Refused):
        shop.apply(allow_delete=99)
    bank.remove("rates")
    bank.apply()
    assert installed(shop.store) == ["ledger"]


def test_a_copy_with_more_in_it_is_another_project(shop: Sharing, tmp_path: Path) -> None:
    shutil.copytree(shop.folder, tmp_path / "copy")
    copy = Sharing(tmp_path / "copy", shop.store)
    assert copy.plan().ownership.refusal == ""  # nothing to do, nothing to refuse
    copy.job("more")
    with pytest.raises(Refused):
        copy.apply()
    shop.remove("stock")
    shop.apply()


@pytest.mark.parametrize("path", ["jobs.d/ledger.yaml", None])
def test_a_part_of_another_project_is_refused_too(
    shop: Sharing, bank: Sharing, path: str | None, tmp_path: Path
) -> None:
    if path is None:
        bank.job("orders", shell="echo of the bank")
        raw = (bank.folder / "jobs.d" / "orders.yaml").read_bytes()
        planned = make_plan_for(Stream(raw, bank.folder), bank.folder, bank.store, NOW)
    else:
        planned = bank.plan(path)
    assert planned.plan.partial
    with pytest.raises(Refused, match=r"jobs\.d belongs to a project at"):
        carry_out(planned, bank.store, ANA, NOW)


def test_a_saved_plan_of_another_project_is_refused(shop: Sharing, bank: Sharing, tmp_path: Path) -> None:
    save_plan(bank.plan(), tmp_path / "plan.json")
    with pytest.raises(Refused, match=r"jobs\.d belongs to"):
        carry_out(read_plan(tmp_path / "plan.json"), bank.store, ANA, NOW, allow_delete=99)


def test_an_empty_source_is_free_to_take(shop: Sharing, bank: Sharing) -> None:
    shop.write("jobs.d/orders.yaml", "apiVersion: jobs.runner/v1\nkind: Runner\nmetadata: {name: main}\n")
    shop.remove("stock")
    shop.apply(allow_delete=2)
    shop.store.transact(_remove_all)
    bank.apply()
    assert installed(shop.store) == ["ledger", "rates"]


def _remove_all(tx) -> None:
    for each in tx.objects.all():
        tx.objects.remove(each.uid, expected_digest=each.digest, at=NOW, who="ana")


def test_a_moved_folder_goes_on(shop: Sharing) -> None:
    moved = shop.moved("elsewhere")
    moved.job("orders", shell="echo moved")
    moved.apply()
    moved.remove("stock")
    moved.apply()
    assert installed(shop.store) == ["orders"]


def test_a_folder_that_took_the_place_of_one_that_is_gone_removes_nothing(
    shop: Sharing, bank: Sharing
) -> None:
    shutil.rmtree(shop.folder)
    with pytest.raises(Refused):
        bank.apply(allow_delete=99)


def test_a_project_moves_together_with_its_database(tmp_path: Path) -> None:
    project = Project(tmp_path / "here")
    project.job("orders")
    project.job("stock")
    project.apply()
    project.store.close()
    project.folder.rename(tmp_path / "there")
    moved = Project(tmp_path / "there")
    moved.remove("stock")
    moved.apply()
    assert installed(moved.store) == ["orders"]
    moved.store.close()


def test_a_fresh_clone_is_the_same_project(shop: Sharing) -> None:
    clone = in_git(shop).cloned("clone")
    clone.remove("stock")
    clone.apply()
    assert installed(shop.store) == ["orders"]


@pytest.mark.parametrize("depth", ["1", "2"])
def test_a_shallow_clone_is_the_same_project_when_a_commit_tells(shop: Sharing, depth: str) -> None:
    in_git(shop)
    if depth == "2":
        shop.job("orders", shell="echo later")
        shop.commit()
    clone = shop.cloned("clone", f"--depth={depth}")
    clone.remove("stock")
    clone.apply()
    assert installed(shop.store) == ["orders"]


def test_checkouts_of_one_remote_are_the_same_project_however_shallow(shop: Sharing) -> None:
    in_git(shop)
    first = shop.cloned("first", "--depth=1")
    git(first.folder, "remote", "set-url", "origin", "https://ci:secret@git.example/shop.git")
    first.job("orders", shell="echo first")
    first.apply()
    shop.remove("stock")
    shop.commit()
    shop.job("orders", shell="echo second")
    shop.commit()
    second = shop.cloned("second", "--depth=1")
    git(second.folder, "remote", "set-url", "origin", "git@git.example:shop.git")
    second.apply()
    assert installed(shop.store) == ["orders"]
    with shop.store.read() as reader:
        assert "secret" not in str(reader.owner("jobs.d"))


def test_a_shallow_clone_that_nothing_tells_is_refused_with_a_hint(shop: Sharing, bank: Sharing) -> None:
    in_git(shop)
    bank.commit(init=True)
    clone = bank.cloned("clone", "--depth=1")
    with pytest.raises(Refused, match="git fetch --unshallow"):
        clone.apply(allow_delete=99)


def test_a_project_that_becomes_a_repository_goes_on_and_its_clones_too(shop: Sharing) -> None:
    shop.commit(init=True)
    carry_out(shop.plan(), shop.store, ANA, NOW)  # nothing to do, but the repository is noted
    clone = shop.cloned("clone")
    clone.remove("stock")
    clone.apply()
    assert installed(shop.store) == ["orders"]


def test_two_projects_of_one_repository_are_two(tmp_path: Path, shared: Store) -> None:
    git(tmp_path, "init", "-q")
    north, south = Sharing(tmp_path / "north", shared), Sharing(tmp_path / "south", shared)
    north.job("orders")
    south.job("stock")
    git(tmp_path, "add", "north", "south")
    git(tmp_path, "commit", "-qm", "both")
    north.apply()
    with pytest.raises(Refused):
        south.apply(allow_delete=9)


def test_another_repository_in_the_same_workspace_removes_nothing(shop: Sharing, bank: Sharing) -> None:
    in_git(shop)
    shutil.rmtree(shop.folder)
    bank.commit(init=True)
    other = bank.moved("shop")
    with pytest.raises(Refused):
        other.apply(allow_delete=99)


def test_what_was_installed_before_owners_were_noted_is_noted_by_the_next_plan(shop: Sharing) -> None:
    shop.store.transact(lambda tx: tx.connection.execute("DELETE FROM meta WHERE key LIKE 'owner:%'"))
    with shop.store.read() as reader:
        assert reader.owner("jobs.d") is None
    planned: Planned = shop.plan()
    applied: Applied = carry_out(planned, shop.store, ANA, NOW)
    assert not applied.changed
    with shop.store.read() as reader:
        assert reader.owner("jobs.d").folder == str(shop.folder / "jobs.d")
