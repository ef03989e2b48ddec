"""Which declarations stand below a folder, and what does the file system say about each?"""

from __future__ import annotations

import errno
import os
import stat
from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from runner.loading import limits

SUFFIXES = (".yaml", ".yml")


class Fingerprint(NamedTuple):
    """What changes when a file does: size, times in ns, inode."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Complaint(NamedTuple):
    """Something in the tree that cannot be read as a declaration; `path` is relative to the root."""

    path: str
    rule: str
    summary: str
    detail: str
    hint: str = ""
    severity: str = "error"


@dataclass(slots=True)
class Scan:
    """The declarations below a root, in the order of the file system; four figures for each file.

    Columns and no objects: 10,000 unchanged files are compared with the index as two pieces of memory.
    """

    paths: list[str] = field(default_factory=list)
    figures: array[int] = field(default_factory=lambda: array("q"))
    complaints: list[Complaint] = field(default_factory=list)


def is_declaration(name: str) -> bool:
    """Whether a file of that name is read; hidden files and what editors leave behind are not."""
    return name.endswith(SUFFIXES) and name[0] not in ".#"


def scan_folder(root: str) -> Scan:  # noqa: PLR0912 - the hot loop
    """Every declaration below `root`. Opens nothing but folders, so a fifo cannot hold it up."""
    scan = Scan()
    paths, figures = scan.paths.append, scan.figures.extend
    folders = [("", 0)]
    seen = 0
    while folders:
        folder, depth = folders.pop()
        try:
            entries = os.scandir(f"{root}/{folder}")
        except OSError as error:
            scan.complaints.append(_unreadable(folder, error))
            continue
        with entries:
            for entry in entries:
                name = entry.name
                seen += 1
                if name[0] == ".":
                    continue
                if name.endswith(SUFFIXES) and name.isprintable() and entry.is_file(follow_symlinks=False):
                    if name[0] == "#":
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError as error:
                        if not isinstance(error, FileNotFoundError):  # gone since: as if never there
                            scan.complaints.append(_unreadable(folder + name, error))
                        continue
                    paths(folder + name)
                    figures((status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
                elif entry.is_dir(follow_symlinks=False):
                    if depth >= limits.TREE_DEPTH:
                        scan.complaints.append(_too_large(folder, f"deeper than {limits.TREE_DEPTH} folders"))
                    elif not name.isprintable():
                        scan.complaints.append(_unprintable(folder, name))
                    else:
                        folders.append((f"{folder}{name}/", depth + 1))
                else:
                    _special(root, folder, entry, scan)
        if seen > limits.TREE_ENTRIES:
            scan.complaints.append(_too_large("", f"more than {limits.TREE_ENTRIES} files"))
            break
    scan.complaints.sort()
    return scan


def fingerprint_of(path: str) -> Fingerprint | None:
    """The fingerprint of what `path` leads to, or None when that is no regular file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - ten thousand of them
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def is_inside(path: str, root: str) -> bool:
    """Whether a resolved path stands below a resolved root."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def _special(root: str, folder: str, entry: os.DirEntry[str], scan: Scan) -> None:
    """Links, fifos, devices, sockets and names that cannot be printed."""
    name, path = entry.name, folder + entry.name
    if not name.isprintable():
        if name.endswith(SUFFIXES):
            scan.complaints.append(_unprintable(folder, name))
        return
    if entry.is_symlink():
        _link(root, path, entry, scan)
    elif is_declaration(name):
        detail = "it is a fifo, socket or device; expected a regular file"
        scan.complaints.append(Complaint(path, "not-a-file", "Not a regular file", detail))
    elif is_declaration(name.lower()):
        detail = "its name ends otherwise than in .yaml or .yml, so no object of it is declared"
        hint = "rename it, if it is a declaration"
        scan.complaints.append(Complaint(path, "file-ending", "Not read", detail, hint, severity="warning"))


def _link(root: str, path: str, entry: os.DirEntry[str], scan: Scan) -> None:
    try:
        real_root, target = os.path.realpath(root), os.path.realpath(f"{root}/{path}")
        status = os.stat(target, follow_symlinks=False)  # noqa: PTH116
    except OSError as error:
        if is_declaration(entry.name):
            scan.complaints.append(_unreadable(path, error))
        return
    if stat.S_ISLNK(status.st_mode):  # what cannot be resolved: links that lead to each other
        if is_declaration(entry.name):
            scan.complaints.append(_unreadable(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP))))
        return
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not is_declaration(entry.name):
        return
    if not is_inside(target, real_root):
        detail = f"the link leads to {target!r}, outside the source's root"
        hint = "put the file itself into the tree"
        scan.complaints.append(Complaint(path, "outside-root", "Link leaves the tree", detail, hint))
    elif is_folder:
        detail = "links to folders are not followed; what is in the folder is read where it stands"
        scan.complaints.append(Complaint(path, "folder-link", "Link to a folder", detail, severity="warning"))
    elif not stat.S_ISREG(status.st_mode):
        detail = "the link leads to a fifo, socket or device; expected a regular file"
        scan.complaints.append(Complaint(path, "not-a-file", "Not a regular file", detail))
    else:
        scan.paths.append(path)
        scan.figures.extend((status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))


def _unreadable(path: str, error: OSError) -> Complaint:
    return Complaint(path.rstrip("/"), "unreadable", "Cannot be read", error.strerror or str(error))


def _unprintable(folder: str, name: str) -> Complaint:
    detail = f"{name!a} has characters that cannot be printed"
    return Complaint(folder.rstrip("/"), "file-name", "Impossible file name", detail, "rename it")


def _too_large(path: str, detail: str) -> Complaint:
    return Complaint(path.rstrip("/"), "tree-too-large", "Beyond a limit", detail)
