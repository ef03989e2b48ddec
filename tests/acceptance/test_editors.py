"""Editors and checkers of others accept our schemas: check-jsonschema, and the server behind most editors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from ruamel.yaml import YAML

from runner.declaration.declared import KINDS
from runner.declaration.editors import modeline
from runner.declaration.json_schema import combined_schema
from runner.declaration.scaffold import scaffold
from tests.imported_runner import run_runner

ROOT = Path(__file__).parents[2]
CHECKER = Path(sys.executable).with_name("check-jsonschema")
SERVER = shutil.which("yaml-language-server")
PATIENCE_S = 100.0

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: report}
spec:
  enabled: true
  shcedule: "0 2 * * *"
  concurrency:
    policy: sometimes
  steps:
    - name: sums
      shell: "true"
      ti
"""


def single_documents() -> list[Path]:
    """Declarations of this repository that are one document; check-jsonschema reads no others."""
    every = sorted([*ROOT.glob("jobs.d/**/*.yaml"), *ROOT.glob("examples/*/jobs.d/**/*.yaml")])
    read = YAML(typ="safe", pure=True)
    return [
        path for path in every if path.name != "kustomization.yaml" and len(list(read.load_all(path))) == 1
    ]


def check(*files: Path, schema: str = "runner") -> subprocess.CompletedProcess[str]:
    if not CHECKER.exists():
        pytest.skip("there is no check-jsonschema program; pip install -e '.[test]' brings it")
    words = ("--schemafile", str(ROOT / "schema" / f"{schema}.schema.json"), "--output-format", "json")
    return subprocess.run(
        [CHECKER, *words, *files], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_check_jsonschema_accepts_the_schemas_themselves() -> None:
    if not CHECKER.exists():
        pytest.skip("there is no check-jsonschema program; pip install -e '.[test]' brings it")
    files = sorted((ROOT / "schema").rglob("*.schema.json"))
    done = subprocess.run(
        [CHECKER, "--check-metaschema", *files],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (len(files), done.returncode) == (len(KINDS) + 1, 0), done.stdout


def test_check_jsonschema_accepts_what_is_declared_here_and_what_new_writes(tmp_path: Path) -> None:
    for kind in KINDS:
        (tmp_path / f"{kind}.yaml").write_text(scaffold(kind, "some-name"))
    done = check(*single_documents(), *tmp_path.iterdir())
    assert done.returncode == 0, done.stdout


def test_check_jsonschema_finds_what_is_wrong_and_where(tmp_path: Path) -> None:
    job = tmp_path / "report.yaml"
    job.write_text(JOB.replace("      ti\n", ""))
    done = check(job)
    errors = {each["path"]: each["message"] for each in json.loads(done.stdout)["errors"]}
    assert done.returncode == 1
    assert "'shcedule' was unexpected" in errors["$.spec"]
    assert "'sometimes' is not one of" in errors["$.spec.concurrency.policy"]
    assert check(job, schema="kinds/group").returncode == 1


class Server:
    """yaml-language-server, asked as an editor asks it."""

    def __init__(self, project: Path) -> None:
        assert SERVER is not None
        self.project = project
        self.settings = json.loads((project / ".vscode" / "settings.json").read_text())
        self.process = subprocess.Popen(
            [SERVER, "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(project.parent)},
        )
        self.asked = 0
        self.answers: Queue[dict[str, Any]] = Queue()
        self.told: Queue[dict[str, Any]] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        capabilities = {
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True, "workspaceFolders": True},
        }
        self.ask(
            "initialize",
            processId=os.getpid(),
            rootUri=project.as_uri(),
            capabilities=capabilities,
            workspaceFolders=[{"uri": project.as_uri(), "name": "project"}],
        )
        self.say("initialized")
        self.say("workspace/didChangeConfiguration", settings={"yaml": self._section("yaml")})

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, method: str, **parameters: Any) -> Any:
        self.asked += 1
        self._send({"id": self.asked, "method": method, "params": parameters})
        answer = self.answers.get(timeout=PATIENCE_S)
        assert answer["id"] == self.asked and "error" not in answer, answer
        return answer["result"]

    def say(self, method: str, **parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def open(self, name: str, text: str) -> tuple[str, list[dict[str, Any]]]:
        """The address of a new document, and what the server finds wrong in it."""
        uri = (self.project / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.say("textDocument/didOpen", textDocument=document)
        while True:
            told = self.told.get(timeout=PATIENCE_S)
            if told["uri"] == uri:
                return uri, told["diagnostics"]

    def at(self, method: str, uri: str, line: int, character: int) -> Any:
        position = {"line": line, "character": character}
        return self.ask(method, textDocument={"uri": uri}, position=position)

    def _section(self, name: str) -> Any:
        given = {key.removeprefix(f"{name}."): value for key, value in self.settings.items() if name in key}
        return {
            **given,
            "schemaStore": {"enable": False},
            "validate": True,
            "hover": True,
            "completion": True,
        }

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while line := stream.readline():
            length = int(line.partition(b":")[2])
            while stream.readline().strip():
                pass
            message = json.loads(stream.read(length))
            if "method" not in message:
                self.answers.put(message)
            elif message["method"] == "textDocument/publishDiagnostics":
                self.told.put(message["params"])
            elif "id" in message:
                items = message.get("params", {}).get("items", ())
                asked = [self._section("yaml") if each.get("section") == "yaml" else {} for each in items]
                self._send({"id": message["id"], "result": asked or None})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all, in a project that `runner init` has set up."""
    if SERVER is None:
        pytest.skip("there is no yaml-language-server (npm install yaml-language-server)")
    project = tmp_path_factory.mktemp("edited")
    made = run_runner("init", cwd=project, timeout_s=PATIENCE_S)
    assert made.returncode == 0, made.stderr
    server = Server(project)
    yield server
    server.close()


def test_the_server_accepts_what_new_writes_for_every_kind(server: Server) -> None:
    for kind in KINDS:
        assert server.open(f"jobs.d/{kind}.yaml", scaffold(kind, "some-name"))[1] == []


def test_the_server_accepts_several_documents_in_one_file(server: Server) -> None:
    text = "---\n".join(scaffold(kind, f"a-{kind.lower()}") for kind in KINDS)
    assert server.open("jobs.d/all.yml", text)[1] == []


def test_the_server_marks_a_wrong_field_and_a_wrong_value(server: Server) -> None:
    _, found = server.open("jobs.d/deep/wrong.yaml", JOB.replace("      ti\n", ""))
    told = {each["range"]["start"]["line"]: each["message"] for each in found}
    assert sorted(told) == [5, 7]
    assert "shcedule is not allowed" in told[5]
    assert "Value is not accepted" in told[7] and "queue-one" in told[7]


def test_the_server_completes_fields_and_values(server: Server) -> None:
    uri, _ = server.open("jobs.d/half.yaml", JOB)
    fields = server.at("textDocument/completion", uri, 11, 8)["items"]
    assert {each["label"] for each in fields} >= {"timeout", "retry", "onFailure"}
    policies = server.at("textDocument/completion", uri, 7, 12)["items"]
    assert {each["label"] for each in policies} >= {"skip", "queue", "replace", "allow"}


def test_the_server_says_what_a_field_means(server: Server) -> None:
    uri, _ = server.open("jobs.d/hovered.yaml", JOB)
    said = server.at("textDocument/hover", uri, 4, 4)["contents"]["value"]
    enabled = combined_schema()["definitions"]["JobSpec"]["properties"]["enabled"]["description"]
    assert enabled in said


def test_the_first_line_that_new_writes_is_enough_for_the_server(server: Server) -> None:
    """As in an editor without settings: the file is in none of the folders that they name."""
    wrong = modeline(up=1) + scaffold("Group", "night").replace("enabled:", "enalbed:")
    (told,) = server.open("elsewhere/night.yaml", wrong)[1]
    assert (told["range"]["start"]["line"], "enalbed is not allowed" in told["message"]) == (7, True)


def test_a_kustomization_is_no_declaration_to_the_server(server: Server) -> None:
    assert server.open("jobs.d/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: a-\n")[1] == []
