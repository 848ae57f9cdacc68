"""Passwords made here: one file a user, for its owner only, and shown nowhere else.

A password is on disk before the broker knows it and gets its name after: a run that is killed in between leaves a file
`<user>.password.new`, and the next one sets that same password again.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path


class Passwords:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unfinished(self, user: str) -> bool:
        return self._new(user).exists()

    def begin(self, user: str) -> str:
        """A password of 256 bits that is safe on disk."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if begun := self._new(user).read_text():
                return begun
            self._new(user).unlink()
        password = secrets.token_urlsafe(32)
        file = os.open(self._new(user), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as new:
            new.write(password)
            new.flush()
            os.fsync(file)
        self._safe_names()
        return password

    def keep(self, user: str) -> None:
        """The broker has it now."""
        self._new(user).replace(self._folder / f"{user}.password")
        self._safe_names()

    def _new(self, user: str) -> Path:
        return self._folder / f"{user}.password.new"

    def _safe_names(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
