"""`arca completion`: print the script that completes `arca` in a shell."""

import click
from click.shell_completion import get_completion_class

INSTALL = """\b
Install it once with the line of your shell, then open a new shell:
  arca completion bash >> ~/.bashrc
  arca completion zsh >> ~/.zshrc
  arca completion fish > ~/.config/fish/completions/arca.fish"""


@click.command("completion", epilog=INSTALL)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands, options, stacks, deployments and revisions.

    Completion reads files, and asks the emulated cloud while it is up. It never calls AWS.
    """
    from arca.cli.main import COMPLETION_VARIABLE, PROGRAM

    root = click.get_current_context().find_root().command
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"click does not complete in {shell}")
    click.echo(completion(root, {}, PROGRAM, COMPLETION_VARIABLE).source())
