"""What an operator gives as files to meet another server: a password, and the authorities that vouch for it."""

import ssl
from pathlib import Path

OTHERS = 0o007


def password_in(file: Path) -> str:
    """Raises OSError that says which file to mend: one that is not there, empty, or open to everybody."""
    try:
        if file.stat().st_mode & OTHERS:
            raise PermissionError(f"{file} holds a password and everybody can read it: chmod 600 {file}")
        secret = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no password file {file}.") from None
    if not secret:
        raise OSError(f"{file} is empty; it should hold a password.")
    return secret


def verifying(ca_file: Path | None) -> ssl.SSLContext:
    """Takes nobody whose certificate these authorities (None: the system's) don't vouch for by name. Raises OSError."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise OSError(f"{ca_file} holds no certificate authority in PEM ({error.strerror or error}).") from error
