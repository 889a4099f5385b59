"""`tlbench completion`."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what completes commands, options and names in a shell.

    \b
    bash:  eval "$(tlbench completion bash)"    in ~/.bashrc
    zsh:   eval "$(tlbench completion zsh)"     in ~/.zshrc, after compinit
    fish:  tlbench completion fish | source     in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(context.find_root().command, {}, "tlbench", "_TLBENCH_COMPLETE").source())
