"""The copy of a repository that a source is read from: without contents that nobody asked for.

A partial clone (`blob:none`) with a sparse checkout of one folder. Whoever uses it holds its lock. A copy
that is damaged is thrown away: nothing but time is lost with it.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runner.git.at_commit import LARGEST
from runner.git.program import GitFailed, Program, half_of_what_is_free
from runner.sources.target import Target
from runner.sources.wanted import is_commit

FETCHED = "refs/runner/target"
_LEFT_OVER = ("*.lock", "refs/runner/*.lock", "objects/pack/tmp_*", "objects/tmp_*", "objects/*/tmp_obj_*")
_GITLINK = "160000"
_FETCH = (
    "fetch", "--quiet", "--force", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
    "--no-auto-maintenance", "--filter=blob:none",
)  # fmt: skip
LONGEST_ANSWER_S = 60.0
"""For a remote to list its names; a fetch may take longer."""

_CONFIGURED = frozenset(
    {
        "core.repositoryformatversion", "core.filemode", "core.bare", "core.logallrefupdates",
        "core.symlinks", "core.ignorecase", "core.precomposeunicode", "core.sparsecheckout",
        "core.sparsecheckoutcone", "extensions.partialclone", "extensions.objectformat",
        "extensions.refstorage", "remote.origin.url", "remote.origin.promisor",
        "remote.origin.partialclonefilter",
    }
)  # fmt: skip
"""What git and we write into the configuration of a copy."""

MOST_FILES = 200_000
"""In the folder: as many as one tree of declarations may have."""

MOST_PACKS = 50
"""As git's own gc.autoPackLimit: each fetch leaves one or two."""


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """`folder` is the work tree; nothing of it needs to exist."""

    folder: Path
    program: Program
    url: str

    def listed(self, patterns: Iterable[str]) -> dict[str, str]:
        """Of the names that the remote has, those that fit: name → object."""
        said = self.program.git(
            self.program.home, "ls-remote", "--quiet", "--", self.url, *patterns, within_s=LONGEST_ANSWER_S
        )
        found: dict[str, str] = {}
        for line in said.text.splitlines():
            commit, _, name = line.partition("\t")
            if is_commit(commit) and name:
                found[name] = commit
        return found

    def prepare(self, path: str, commit: str) -> None:
        """Make the copy, or clean it of what a killed process left, and have it follow this address.

        `commit` is one of the remote: by its length its names are SHA-1 or SHA-256.
        """
        names = "sha256" if len(commit) == 64 else "sha1"
        directory = self.folder / ".git"
        if not (directory / "config").is_file() or not self._is_as_made():
            self.discard()
            self.folder.mkdir(mode=0o700, parents=True)
            self.program.git(
                self.folder, "init", "--quiet", "--template=", "--initial-branch=runner",
                f"--object-format={names}", ".",
            )  # fmt: skip
        self.sweep()
        configured = self._configured()
        was = (
            configured.get("remote.origin.url", self.url),
            configured.get("extensions.objectformat", "sha1"),
        )
        if was != (self.url, names):
            # What the other remote had must not be taken for this one's: by its history a project is known.
            self.discard()
            self.prepare(path, commit)
            return
        for name, value in (
            ("core.repositoryFormatVersion", "1"),
            ("core.sparseCheckout", "false" if path == "." else "true"),
            ("core.sparseCheckoutCone", "false"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialCloneFilter", "blob:none"),
            ("remote.origin.url", self.url),
        ):
            if configured.get(name.lower()) != value:
                self.program.git(self.folder, "config", "--local", "--", name, value)
        patterns = directory / "info" / "sparse-checkout"
        patterns.parent.mkdir(exist_ok=True)
        patterns.write_text("/*\n" if path == "." else f"/{path}/\n")

    def sweep(self) -> None:
        """Remove what a git that was killed left unfinished: it may fill the disk."""
        for pattern in _LEFT_OVER:
            for left in (self.folder / ".git").glob(pattern):
                left.unlink(missing_ok=True)

    def _is_as_made(self) -> bool:
        """Whether nobody else wrote to the configuration: it could name programs, or another address."""
        names = [name.lower() for name, _ in self._entries()]
        return len(set(names)) == len(names) and _CONFIGURED.issuperset(names)

    def _configured(self) -> dict[str, str]:
        """What the copy's own configuration says, by name in lower case."""
        return {name.lower(): value for name, value in self._entries()}

    def _entries(self) -> list[tuple[str, str]]:
        said = self.program.git(self.folder, "config", "--local", "--list", "-z")
        found = (entry.partition("\n") for entry in said.text.split("\0") if entry)
        return [(name, value) for name, _, value in found]

    def fetch(self, target: Target) -> Target:
        """The target with the commit that was fetched: the remote may have moved since it was asked."""
        if is_commit(target.fetch):
            if self._fetched() != target.fetch:
                self._fetch_commit(target.fetch)
            return target
        self._fetch(f"+{target.fetch}:{FETCHED}")
        commit = self._fetched()
        if not is_commit(commit):
            raise GitFailed("CommitMissing", f"{target.fetch} names no commit")
        return Target(commit, target.name, target.fetch, target.tag)

    def _fetch_commit(self, commit: str) -> None:
        """Some servers give out only what a name leads to: then everything that names lead to is fetched."""
        try:
            self._fetch(f"+{commit}:{FETCHED}")
            return
        except GitFailed as problem:
            if problem.reason not in ("CommitMissing", "RefMissing"):
                raise
        self._fetch("+refs/heads/*:refs/runner/heads/*", "+refs/tags/*:refs/runner/tags/*")
        missing = GitFailed("CommitMissing", f"the remote has no commit {commit}; what is installed stays")
        try:
            self.program.git(self.folder, "update-ref", FETCHED, commit)
        except GitFailed:
            raise missing from None
        if self._fetched() != commit:
            raise missing

    def _fetched(self) -> str:
        said = self.program.git(
            self.folder, "rev-parse", "--verify", "--quiet", f"{FETCHED}^{{commit}}", ok=(0, 1, 128)
        )
        return said.text.strip() if said.code == 0 else ""

    def _fetch(self, *refspecs: str) -> None:
        self.program.git(self.folder, *_FETCH, "--", "origin", *refspecs)

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether history goes on from `commit`; False too when it is not known here."""
        said = self.program.git(self.folder, "merge-base", "--is-ancestor", commit, of, ok=(0, 1, 128))
        return said.code == 0

    def commits_after(self, since: str, commit: str) -> list[str]:
        """What is new in `commit` after `since`, the oldest first; all of it when `since` is unknown."""
        known = self.program.git(self.folder, "cat-file", "-e", f"{since}^{{commit}}", ok=(0, 1, 128))
        after = [f"^{since}"] if known.code == 0 else []
        said = self.program.git(self.folder, "rev-list", "--reverse", "--topo-order", commit, *after, "--")
        return said.text.split()

    def check(self, commit: str, path: str) -> None:
        """Nothing, or GitFailed: the folder is there, and nothing in it would look like less than it is."""
        if path != ".":
            said = self.program.git(
                self.folder, "rev-parse", "--verify", "--quiet", f"{commit}:{path}", ok=(0, 1, 128)
            )
            kind = said.code == 0 and self.program.git(self.folder, "cat-file", "-t", said.text.strip())
            if not kind or kind.text.strip() != "tree":
                raise GitFailed(
                    "PathMissing",
                    f"{commit[:7]} has no folder {path}; what is installed stays. Bring it back, or "
                    "change path",
                )
        listed = self.program.git(
            self.folder, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, "--",
            *([] if path == "." else [f"{path}/"]),
        )  # fmt: skip
        entries = [entry.partition("\t") for entry in listed.text.split("\0") if entry]
        for about, _, name in entries:
            if about.startswith(_GITLINK):
                raise GitFailed(
                    "SubmoduleInPath",
                    f"{name} is a submodule, which is not fetched; what is installed "
                    "stays. Take it out of the path, or put the files there",
                )
        if len(entries) > MOST_FILES:
            raise GitFailed(
                "TooLarge", f"{path} has more than {MOST_FILES} files; what is installed stays. Follow a "
                "smaller folder",
            )  # fmt: skip
        self._weigh(
            f"{commit}:{'' if path == '.' else path}", Counter(about.split(" ")[2] for about, _, _ in entries)
        )

    def _weigh(self, tree: str, named: Counter[str]) -> None:
        """Fetch the contents that are missing, and see that the checkout has room.

        `named`: how often each content stands there; a small pack may name a large one a million times.
        """
        walked = self.program.git(
            self.folder, "rev-list", "--objects", "--no-object-names", "--missing=print", tree, "--"
        )
        missing = [line[1:] for line in walked.text.split("\n") if line.startswith("?")]
        if missing:
            self.program.git(
                self.folder, "-c", "fetch.negotiationAlgorithm=noop", *_FETCH, "--stdin", "--", "origin",
                feed="".join(f"{name}\n" for name in missing).encode(),
            )  # fmt: skip
        said = self.program.git(
            self.folder, "cat-file", "--batch-check=%(objectsize) %(objectname)", "--buffer",
            feed="".join(f"{name}\n" for name in named).encode(),
        )  # fmt: skip
        sizes = (line.split(" ") for line in said.text.splitlines())
        weight = sum(int(size) * named[name] for size, name in sizes if size.isdecimal())
        room = min(LARGEST, half_of_what_is_free(self.program.home))
        if weight > room:
            raise GitFailed(
                "TooLarge",
                f"its files have {weight >> 20} MiB together, more than {room >> 20} MiB; what is installed "
                "stays. Follow a smaller folder",
            )

    def check_out(self, commit: str, path: str) -> Path:
        """The folder as that commit has it, whole; GitFailed otherwise. The remote gives what is missing."""
        self.program.git(
            self.folder, "checkout", "--quiet", "--force", "--detach", "--no-guess", commit, "--"
        )
        self.program.git(self.folder, "clean", "-ffdxq")
        gone = self.program.git(self.folder, "ls-files", "-z", "--deleted")
        head = self.program.git(self.folder, "rev-parse", "HEAD").text.strip()
        if gone.out or head != commit:
            raise GitFailed("LocalCopyDamaged", "the checkout is not whole; it is made anew")
        kept_elsewhere = self.program.git(
            self.folder, "ls-files", "-z", "--", ":(attr:filter=lfs)" + ("" if path == "." else path)
        ).text.split("\0")[0]
        if kept_elsewhere:
            raise GitFailed(
                "ContentMissing",
                f"{kept_elsewhere} is kept outside of git (LFS), which is not fetched; what is installed "
                "stays",
            )
        root = self.folder if path == "." else self.folder / path
        real, top = os.path.realpath(root), os.path.realpath(self.folder)
        if not root.is_dir() or (real != top and not real.startswith(top + "/")):
            raise GitFailed("PathOutside", f"{path} leads out of the repository; what is installed stays")
        return root

    def tidy(self) -> None:
        """Pack what many fetches have left; now and then, when there is nothing else to do."""
        packs = self.folder / ".git" / "objects" / "pack"
        if sum(1 for _ in packs.glob("*.pack")) >= MOST_PACKS:
            self.program.git(self.folder, "gc", "--quiet")

    def discard(self) -> None:
        """Throw the copy away."""
        if self.folder.exists() or self.folder.is_symlink():
            aside = self.folder.with_name(f"{self.folder.name}.discarded")
            shutil.rmtree(aside, ignore_errors=True)
            self.folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
