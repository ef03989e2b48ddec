# ruff: noqa: E501
"""Trees that want to harm whoever reads them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

HEAD = b"apiVersion: jobs.runner/v1\nkind: Job\nmetadata:\n  name: a\nspec:\n  enabled: false\n"
STEPS = b"  steps:\n    - name: a\n      shell: echo\n"

FILES: dict[str, bytes] = {
    "alias bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        f"{chr(c)}: &{chr(c)} [{','.join(['*' + chr(c - 1)] * 9)}]\n".encode() for c in range(ord("b"), ord("j"))
    ),
    "many small alias bombs": b"---\n".join(
        HEAD + b"  env: &a {A: b}\n  with: {" + b",".join(b"k%d: *a" % i for i in range(900)) + b"}\n" for _ in range(60)
    ),
    "self alias": b"a: &a [*a]\n",
    "brackets": b"[" * 100_000,
    "braces": b"{a: " * 100_000,
    "dashes": b"- " * 100_000,
    "indentation": b"".join(b" " * i + b"a:\n" for i in range(1000)),
    "question marks": b"? " * 100_000,
    "a million keys": b"".join(b"%x:\n" % i for i in range(1_000_000))[: 2**20],
    "a million keys in a job": HEAD + b"".join(b"  k%x: 1\n" % i for i in range(100_000)),
    "many keys in a job": HEAD + b"".join(b"  k%x: 1\n" % i for i in range(20_000)),
    "many labels": HEAD.replace(b"spec:", b"  labels:\n" + b"".join(b"    k%x: v\n" % i for i in range(20_000)) + b"spec:")
    + STEPS,
    "many steps": HEAD + b"  steps:\n" + b"".join(b"    - {name: s%d, shell: x}\n" % i for i in range(10_000)),
    "the same key": b"a: 1\n" * 200_000,
    "empty documents": b"---\n" * 250_000,
    "wrong documents": b"--- 1\n" * 100_000,
    "wrong jobs": b"---\nkind: Job\n" * 50_000,
    "one long line": b"a: " + b"x" * 1_000_000,
    "one long quoted line": b'a: "' + b"\\u263a" * 150_000 + b'"',
    "many anchors": b"".join(b"a%d: &a%d x\n" % (i, i) for i in range(30_000)),
    "many aliases": b"a: &a x\nb: [" + b"*a," * 100_000 + b"]\n",
    "long integer": b"a: " + b"9" * 1_000_000,
    "long float": b"a: 1." + b"9" * 1_000_000,
    "huge integer": HEAD + b"  failAfter: 99999999999999999999999999\n" + STEPS,
    "not a number": HEAD + b"  failAfter: .nan\n" + STEPS,
    "python object": b"!!python/object/apply:os.system [touch sprung]\n",
    "python name": b"a: !!python/name:os.system\n",
    "yaml 1.1": b"%YAML 1.1\n---\na: yes\n",
    "utf-16": "a: 1\n".encode("utf-16"),
    "utf-16 without mark": "a: 1\n".encode("utf-16-le"),
    "utf-32": "a: 1\n".encode("utf-32"),
    "byte-order mark": b"\xef\xbb\xbfa: 1\n",
    "latin-1": "a: café\n".encode("latin-1"),
    "elf": b"\x7fELF\x02\x01\x01\0\0\0\0\0\0" + os.urandom(1000),
    "zeros": bytes(2**20),
    "random": os.urandom(2**20),
    "list": b"- a\n- b\n",
    "text": b"hello\n",
    "empty": b"",
    "two empty documents": b"---\n---\n",
    "comment": b"# nothing\n",
    "long name": HEAD.replace(b"name: a", b"name: " + b"a" * 500_000) + STEPS,
    "name with a path": HEAD.replace(b"name: a", b"name: ../../etc/passwd") + STEPS,
    "file with a path": HEAD + b"  steps:\n    - {name: a, python: {file: " + b"../" * 40 + b"etc/passwd, function: f}}\n",
    "absolute file": HEAD + b"  steps:\n    - {name: a, python: {file: /etc/passwd, function: f}}\n",
    "file with a nul": HEAD + b'  steps:\n    - {name: a, python: {file: "a\\0b.py", function: f}}\n',
    "slow pattern": HEAD + b"  timeout: " + b"1" * 100_000 + b"!\n" + STEPS,
    "slow pattern of an input": HEAD
    + b"  inputs: {x: {pattern: '(a+)+$', default: " + b"a" * 60 + b"!}}\n"
    + STEPS,
    "slow cron": HEAD + b'  schedule: "' + b"*/1," * 100_000 + b'* * * * *"\n' + STEPS,
    "deep expression": HEAD + b"  steps:\n    - {name: a, shell: x, if: '" + b"(" * 50_000 + b"1" + b")" * 50_000 + b"'}\n",
    "long expression": HEAD + b"  steps:\n    - {name: a, shell: x, if: '1" + b" + 1" * 100_000 + b"'}\n",
}  # fmt: skip


def _sparse(folder: Path) -> None:
    with (folder / "big.yaml").open("wb") as file:
        file.truncate(100 * 2**20)


def _folder_and_a_link_to_it(folder: Path) -> None:
    (folder / "there").mkdir()
    (folder / "link").symlink_to("there")


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "fifo.yaml")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        socket.socket(socket.AF_UNIX).bind("socket.yaml")
    finally:
        os.chdir(here)


def _link_to(target: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "link.yaml").symlink_to(target)


def _code_is(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def made(folder: Path) -> None:
        make(folder)
        (folder / "job.yaml").write_bytes(
            HEAD + b"  steps:\n    - {name: a, python: {file: code.py, function: f}}\n"
        )

    return made


TREES: dict[str, Callable[[Path], None]] = {
    "100 MB": _sparse,
    "fifo": _fifo,
    "socket": _socket,
    "link to a device": _link_to("/dev/zero"),
    "link out of the tree": _link_to("/etc/passwd"),
    "link to nothing": _link_to("nothing.yaml"),
    "link to itself": _link_to("link.yaml"),
    "link to a folder outside": lambda folder: (folder / "link").symlink_to("/usr"),
    "fifo as code": _code_is(lambda folder: os.mkfifo(folder / "code.py")),
    "device as code": _code_is(lambda folder: (folder / "code.py").symlink_to("/dev/zero")),
    "link as code": _code_is(lambda folder: (folder / "code.py").symlink_to("/etc/passwd")),
    "missing code": _code_is(lambda folder: None),
    "name that cannot be printed": lambda folder: (folder / "a\nb\x1b[31m.yaml").touch(),
    "name that is not utf-8": lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml")).touch(),
    "nothing": lambda folder: None,
    "nothing but a link to a folder": _folder_and_a_link_to_it,
    "deep folders": lambda folder: folder.joinpath(*["d"] * 60).mkdir(parents=True),
}


def build(folder: Path) -> list[str]:
    """Make every tree below `folder`, in a folder of its own; returns their names by number."""
    names = []
    for name, content in FILES.items():
        tree = folder / str(len(names))
        tree.mkdir()
        (tree / "file.yaml").write_bytes(content)
        names.append(name)
    for name, make in TREES.items():
        tree = folder / str(len(names))
        tree.mkdir()
        make(tree)
        names.append(name)
    return names
