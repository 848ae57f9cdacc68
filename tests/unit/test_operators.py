"""From claims to duties, from settings to the operators' door, and a sign-in that lives in a cookie: all pure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operators.claims import Operator, duties_of, operator_of
from shared.operators.config import BadConfig, Client, config_of
from shared.operators.flow import Attempt, is_local_path
from shared.settings import Settings

DUTIES: dict[str, Any] = {"vip-noc": "noc", "vip-boss": "duty_manager"}
CLIENT = Client("https://id.test", "center", None, "openid", None, "groups", DUTIES)
OPENID: dict[str, Any] = {
    "public_url": "https://vip.test", "oidc_issuer": "https://id.test", "oidc_client_id": "center",
    "oidc_duties": DUTIES,
}  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "duties"),
    [
        (["staff", "vip-noc", "vip-boss"], {"noc", "duty_manager"}),
        ("vip-noc", {"noc"}),
        ("vip-noc vip-boss", set()),
        (["VIP-NOC", "noc", "administrator", "", None, 7, ["vip-noc"]], set()),
        ([], set()),
        (None, set()),
        ({"vip-noc": True}, set()),
    ],
)
def test_only_values_that_the_mapping_names_give_a_duty(claim: object, duties: set[str]) -> None:
    assert duties_of(claim, DUTIES) == duties


@pytest.mark.parametrize("subject", [None, 7, "", " lin", "a\nb", "a\x00b", "x" * 256, "lin\u202e", "break-glass"])
def test_subject_that_the_record_could_not_show_is_nobody(subject: object) -> None:
    assert operator_of({"sub": subject}, CLIENT) is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "林伟", "preferred_username": "lin"}, "林伟"),
        ({"name": "a\u202eb", "preferred_username": "lin"}, "lin"),
        ({"name": 7}, "u-1"),
        ({}, "u-1"),
    ],
)
def test_name_is_the_first_that_is_fit_to_be_shown(claims: dict[str, Any], name: str) -> None:
    assert operator_of({"sub": "u-1", **claims}, CLIENT) == Operator("u-1", name, frozenset())


@given(st.text(max_size=30))
def test_attempt_is_read_back_from_its_cookie_only_with_a_local_path(next: str) -> None:
    attempt = Attempt.begin(next)
    assert Attempt.of_cookie(attempt.cookie) == (attempt if is_local_path(next) else None)


@given(st.text(max_size=60))
def test_cookie_that_is_none_of_ours_begins_nothing(cookie: str) -> None:
    assert Attempt.of_cookie(cookie) is None


@given(st.from_regex(r"[/\\]{1,3}[a-z.:@]{0,5}", fullmatch=True))
def test_path_that_could_name_another_host_is_not_local(path: str) -> None:
    assert is_local_path(path) == (path[:1] == "/" and "\\" not in path and path[1:2] != "/")


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"oidc_issuer": "http://id.test"}, "oidc_issuer"),
        ({"oidc_client_id": None}, "oidc_client_id"),
        ({"oidc_audience": "center"}, "oidc_audience"),
        ({"oidc_scope": "profile"}, "oidc_scope"),
        ({"oidc_duties": {}}, "oidc_duties"),
        ({"oidc_duties": {"vip-noc": "boss"}}, "oidc_duties: boss"),
        ({"public_url": "http://vip.test"}, "public_url"),
        ({"public_url": "https://vip.test/app"}, "public_url"),
        ({"public_url": "https://user@vip.test"}, "public_url"),
        ({"public_url": "vip.test"}, "public_url"),
        ({"public_url": None, "host": "0.0.0.0"}, "public_url"),
    ],
)
def test_settings_that_would_open_a_wrong_door_are_refused(changes: dict[str, Any], setting: str) -> None:
    with pytest.raises(BadConfig, match=f"^{setting}"):
        config_of(Settings(**(OPENID | changes)))


@pytest.mark.parametrize(
    ("settings", "url", "secure"),
    [
        ({"public_url": "https://VIP.test/"}, "https://vip.test", True),
        ({"public_url": "https://vip.test:443"}, "https://vip.test", True),
        ({"public_url": "https://vip.test:8443"}, "https://vip.test:8443", True),
        ({"public_url": "http://localhost:8080"}, "http://localhost:8080", False),
        ({"port": 8081}, "http://127.0.0.1:8081", False),
        ({"host": "::1", "port": 8081}, "http://[::1]:8081", False),
        ({"host": "0.0.0.0"}, None, False),
        ({"host": "10.0.0.7"}, None, False),
    ],
)
def test_sessions_are_for_https_and_for_loopback(settings: dict[str, Any], url: str | None, secure: bool) -> None:
    config = config_of(Settings(**settings))
    assert (config.public_url, config.secure, config.client) == (url, secure, None)


@pytest.mark.parametrize("given", ["vip-noc=noc, vip-boss = duty_manager", DUTIES])
def test_duties_are_pairs_or_a_table(given: object) -> None:
    assert Settings.model_validate({"oidc_duties": given}).oidc_duties == DUTIES


@pytest.mark.parametrize("given", ["noc", "=noc", "vip-noc=", "a=noc,b"])
def test_duties_that_are_no_pairs_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="value=duty"):
        Settings.model_validate({"oidc_duties": given})
