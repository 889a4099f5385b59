"""`tlbench completion`."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the shell completion script for commands, options and names.

    \b
    bash:  eval "$(tlbench completion bash)"    in ~/.bashrc
    zsh:   eval "$(tlbench completion zsh)"     in ~/.zshrc, after compinit
    fish:  tlbench completion fish | source     in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    click.echo(completion_class(context.find_root().command, {}, "tlbench", "_TLBENCH_COMPLETE").source())
