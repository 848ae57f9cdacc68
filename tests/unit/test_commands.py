"""The command `vrc` loads what the given command needs, and nothing else."""

import subprocess
import sys
from importlib import import_module

import click
import pytest

from services.cli import MODULES

LOADED = "import sys; from services.cli import main; main(sys.argv[1:], standalone_mode=False); print(*sys.modules)"


@pytest.mark.parametrize("module", sorted(set(MODULES.values())))
def test_module_adds_the_commands_it_is_listed_for(module: str) -> None:
    group = click.Group()
    import_module(f"services.commands.{module}").add_to(group)
    assert sorted(group.commands) == sorted(name for name, its in MODULES.items() if its == module)


@pytest.mark.parametrize("command", ["fault", "watch", "verify"])
def test_command_of_a_customer_loads_no_server(command: str) -> None:
    told = subprocess.run([sys.executable, "-c", LOADED, command, "-h"], capture_output=True, text=True, check=True)
    assert {"sqlalchemy", "fastapi", "services.run"}.isdisjoint(told.stdout.split())
