"""What a client needs to prove who it is comes from files, and a file that won't do is named."""

from pathlib import Path

import pytest

from shared.bus.kafka import Access


@pytest.fixture
def access(tmp_path: Path) -> Access:
    file = tmp_path / "vrc-intake.password"
    file.touch(0o600)
    file.write_text("very secret\n")
    return Access(user="vrc-intake", password_file=file, tls=False)


def test_password_is_read_from_its_file_and_shown_nowhere(access: Access) -> None:
    assert access.arguments()["sasl_plain_password"] == "very secret"
    assert "very secret" not in repr(access)


def test_certificates_are_always_verified(tmp_path: Path, access: Access) -> None:
    context = Access(user="a", password_file=access.password_file).arguments()["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_password_file_that_is_missing_is_named(access: Access) -> None:
    access.password_file.unlink()
    with pytest.raises(OSError, match=r"no password file .*vrc-intake\.password"):
        access.arguments()


def test_password_file_that_is_empty_is_named(access: Access) -> None:
    access.password_file.write_text("\n")
    with pytest.raises(OSError, match=r"vrc-intake\.password is empty"):
        access.arguments()


def test_password_file_that_everybody_can_read_is_refused(access: Access) -> None:
    access.password_file.chmod(0o644)
    with pytest.raises(OSError, match=r"everybody can read it: chmod 600"):
        access.arguments()


def test_file_without_an_authority_is_named(tmp_path: Path, access: Access) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(OSError, match=r"ca\.pem holds no certificate authority"):
        Access(user="a", password_file=access.password_file, ca_file=tmp_path / "ca.pem").arguments()
    with pytest.raises(OSError, match=r"none\.pem holds no certificate authority"):
        Access(user="a", password_file=access.password_file, ca_file=tmp_path / "none.pem").arguments()
