"""`runner completion`: completion for the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from runner.cli.options import Where, common_options


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
def command(shell: str, where: Where) -> None:
    """Print the completion script of a shell.

    bash: `source <(runner completion bash)` in ~/.bashrc; zsh: the same, after compinit, in ~/.zshrc; fish:
    save it as ~/.config/fish/completions/runner.fish.

    \b
    Example:
      source <(runner completion bash)
    """
    from runner.cli.main import runner

    made_by = get_completion_class(shell)
    if made_by is None:
        raise click.ClickException(f"there is no completion for {shell}")
    click.echo(made_by(runner, {}, "runner", "_RUNNER_COMPLETE").source())
