"""`runner init`: a project to start from."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.options import Where, common_options

_JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata:
  name: hello
spec:
  description: Says hello every minute
  enabled: true
  schedule: "* * * * *"
  steps:
    - name: greet
      shell: echo "hello, it is $(date -u +%H:%M)"
"""


@click.command("init")
@common_options
def command(where: Where) -> None:
    """Set up a project in this folder: jobs.d with one job, its database, and what editors need.

    Leaves alone what is there already; the schema and the snippets for editors are written anew.

    \b
    Example:
      mkdir nightly && cd nightly && runner init && runner up
    """
    from runner.declaration.editors import SCHEMA, modeline
    from runner.declaration.json_schema import schema_files
    from runner.store.open import open_store, refuse_what_is_no_folder

    project = where.project
    refuse_what_is_no_folder(where.state)
    project.mkdir(parents=True, exist_ok=True)
    jobs = project / "jobs.d"
    there = sum(1 for _ in jobs.rglob("*.y*ml")) if jobs.is_dir() else 0
    if there:
        files = "1 file" if there == 1 else f"{there} files"
        click.echo(f"kept     jobs.d ({files} of declarations; no example was added)")
    else:
        _write(jobs / "hello.yaml", modeline(up=1) + _JOB, project)
    _set_up_editors(project)
    _ignore(project / ".gitignore")
    where.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in schema_files().items():
        schema = (project / SCHEMA).parent / name
        for folder in (schema.parent.parent, schema.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        schema.write_text(text, encoding="utf-8")
    existed = where.database.exists()
    open_store(where.database, create=True).close()
    click.echo(f"{'kept   ' if existed else 'created'}  {where.database}")
    click.echo("\nNext:\n  runner plan     what would be installed\n  runner up       install it, and run it")


def _write(path: Path, text: str, project: Path) -> None:
    shown = path.relative_to(project)
    if path.exists():
        click.echo(f"kept     {shown}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    click.echo(f"created  {shown}")


def _set_up_editors(project: Path) -> None:
    from runner.declaration import editors

    for name, text in editors.editor_files(jetbrains=(project / ".idea").is_dir()).items():
        path = project / name
        there = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else None
        if there is not None and name == editors.SNIPPETS and there != text:
            path.write_text(text, encoding="utf-8")  # generated, so nobody's but ours
            click.echo(f"changed  {name}")
        elif there is not None and name == editors.SETTINGS and editors.SCHEMA not in there:
            _map_schema(path, editors.with_schema(there), text, project)
        else:
            _write(path, text, project)


def _map_schema(path: Path, settings: str | None, ours: str, project: Path) -> None:
    shown = path.relative_to(project)
    if settings is None:
        click.echo(f"kept     {shown}; for help with declarations, add to it:\n{ours}", nl=False)
        return
    path.write_text(settings, encoding="utf-8")
    click.echo(f"changed  {shown}")


def _ignore(path: Path) -> None:
    lines = path.read_text().splitlines() if path.exists() else []
    if ".runner/" in lines:
        click.echo(f"kept     {path.name}")
        return
    path.write_text("\n".join([*lines, ".runner/"]) + "\n")
    click.echo(f"{'changed' if lines else 'created'}  {path.name}")
