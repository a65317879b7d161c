"""`arca dr`: disaster recovery; each verb has a file of its own, which only its call imports."""

import importlib
from collections.abc import Mapping

import click

VERBS: Mapping[str, str] = {
    "drill": "Lose a region of an emulated cloud under load, and measure.",
    "estimate": "Estimate how long it takes to recreate or to activate a stack.",
    "failback": "Let the primary serve again after a failover, phase by phase.",
    "failover": "Let the standby take over from the primary, phase by phase.",
    "report": "Print the records of drills and recoveries, or write a page.",
    "restore-test": "Restore a backup into isolated subnets, check it, and delete it.",
    "status": "Check whether a standby is ready to take over.",
}
"""The verbs, and each one's line in the help; arca.cli.dr_<verb> has the command."""


class Verbs(click.Group):
    """A group that imports a verb's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs' names."""
        del ctx
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb; None where there is no verb of that name."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"arca.cli.dr_{cmd_name.replace('-', '_')}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group("dr", cls=Verbs)
def command() -> None:
    """Disaster recovery: is the standby ready, how long does it take, how did the drills end."""
