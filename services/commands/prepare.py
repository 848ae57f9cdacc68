"""What `vrc up` does before it starts, run as a process of its own with the settings as JSON on standard input.

The database is brought up to date, demonstration data and topics are made; none of that stays in the memory of the
process that serves. Settings come by standard input because a command line with a password can be read by anyone.
"""

import asyncio
import sys

from services.commands.topics import prepare_topics
from services.demo_data import load_demo
from services.run import open_database
from shared.auth import Keyring
from shared.clock import SystemClock
from shared.db.migrate import migrate
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.settings import Settings


def main() -> None:
    settings = Settings.model_validate_json(sys.stdin.read())
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_hold_and_prepare(settings))
    except (AlreadyRunning, CenterError, OSError) as error:
        sys.exit(f"Error: {error}")


async def _hold_and_prepare(settings: Settings) -> None:
    database = open_database(settings)  # first, because it refuses a second process on the same data
    try:
        await asyncio.to_thread(migrate, settings.database_url)
        if settings.demo:
            keyring = Keyring(database)
            await keyring.load()
            await load_demo(database, keyring, SystemClock(), settings.data_dir)
    finally:
        await database.close()
    await prepare_topics(settings)


if __name__ == "__main__":
    main()
