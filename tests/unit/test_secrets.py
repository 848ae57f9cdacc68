"""The master key: one file of its owner's alone, and keys derived from it that tell nothing of each other."""

import base64
from pathlib import Path

import pytest

from shared.secrets import BadMasterKey, BadSeal, Secrets, Vault, make


def test_derivation_is_hkdf_of_rfc_5869() -> None:
    """Its test case 3: no salt, no info; the first 32 bytes."""
    derived = Secrets(b"\x0b" * 22).derive("")
    assert derived.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_each_purpose_has_a_key_of_its_own_that_stays() -> None:
    secrets = Secrets(bytes(32))
    purposes = ["api-keys", "sessions", "audit-anchor", "notifier"]
    assert len({secrets.derive(purpose) for purpose in purposes}) == len(purposes)
    assert secrets.derive("api-keys") == Secrets(bytes(32)).derive("api-keys") != Secrets(b"1" * 32).derive("api-keys")


def test_master_key_is_32_random_bytes_of_its_owners_alone(tmp_path: Path) -> None:
    path, other = tmp_path / "made" / "master.key", tmp_path / "other.key"
    make(path)
    make(other)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_bytes())) == 32
    assert path.read_bytes() != other.read_bytes()
    assert Secrets.read(path).derive("x") == Secrets.read(path).derive("x")


def test_master_key_in_use_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    make(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        make(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o606, 0o644, 0o610])
def test_master_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    make(path)
    path.chmod(mode)
    with pytest.raises(BadMasterKey, match=f"run: chmod 600 {path}"):
        Secrets.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"short", base64.b64encode(bytes(31)), base64.b64encode(bytes(33)), b"\xff" * 44]
)
def test_file_that_is_no_master_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(BadMasterKey, match="is not 32 bytes in base64"):
        Secrets.read(path)


def test_missing_master_key_says_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with pytest.raises(BadMasterKey, match=f"make one with: vrc secret {path}"):
        Secrets.read(path)


def test_vault_opens_what_it_sealed_and_shows_nothing_of_it() -> None:
    vault = Vault(bytes(32))
    sealed = vault.seal("whsec_secret", of="sub_1")
    assert vault.open(sealed, of="sub_1") == "whsec_secret"
    assert "secret" not in sealed
    assert sealed != vault.seal("whsec_secret", of="sub_1")


@pytest.mark.parametrize("of", ["sub_2", ""])
def test_what_was_sealed_for_one_is_no_use_in_anothers_place(of: str) -> None:
    with pytest.raises(BadSeal, match="master key"):
        Vault(bytes(32)).open(Vault(bytes(32)).seal("x", of="sub_1"), of=of)


@pytest.mark.parametrize("sealed", ["", "sealed1.", "sealed1.AAAA", "sealed1.é", "whsec_plain"])
def test_vault_refuses_what_is_not_its_own(sealed: str) -> None:
    with pytest.raises(BadSeal):
        Vault(bytes(32)).open(sealed, of="sub_1")
    with pytest.raises(BadSeal):
        Vault(bytes(32)).open(Vault(b"1" * 32).seal("x", of="sub_1"), of="sub_1")
