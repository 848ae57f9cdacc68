"""Settings come from flags, then the environment, then a file; whatever is wrong is named by its key."""

import os
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import click
import pytest
from pydantic import ValidationError

from services.cli import MODULES, main
from services.commands.settings import written
from shared.settings import NOT_SETTINGS, Settings, load, mail_sender


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vrc.toml"
    path.write_text('port = 8001\nhost = "10.0.0.1"\nlog_level = "debug"\n')
    return path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("VRC_")]:
        monkeypatch.delenv(name)


def test_without_anything_the_center_is_embedded_on_loopback() -> None:
    settings = load(None)
    assert settings.embedded
    assert (settings.host, settings.port, settings.metrics_port) == ("127.0.0.1", 8080, 9464)
    assert settings.database_url == "sqlite:///var/vrc.sqlite3"


def test_file_is_over_the_default(file: Path) -> None:
    assert (load(file).port, load(file).host) == (8001, "10.0.0.1")


def test_environment_is_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRC_PORT", "8002")
    assert (load(file).port, load(file).host) == (8002, "10.0.0.1")


def test_flag_is_over_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRC_PORT", "8002")
    assert load(file, port=8003).port == 8003


def test_flag_that_was_not_given_decides_nothing(file: Path) -> None:
    assert load(file, port=None).port == 8001


def test_wrong_key_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "vrc.toml").write_text("prot = 1\n")
    with pytest.raises(ValueError, match="prot"):
        load(tmp_path / "vrc.toml")


def test_wrong_flag_is_named() -> None:
    with pytest.raises(ValueError, match="prot"):
        load(None, prot=1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "http"),
        ("port", "70000"),
        ("kafka_partitions", "0"),
        ("demo", "perhaps"),
        ("log_level", "loud"),
        ("webhook_timeout", "soon"),
        ("webhook_networks", "10.0.0.0/33"),
    ],
)
def test_wrong_value_in_the_environment_names_its_key(key: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"VRC_{key.upper()}", value)
    with pytest.raises(ValueError, match=key):
        load(None)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("database_patience", ["0", "-3", "301"]), ("webhook_timeout", ["0", "-1", "0.5", "301"]),
        ("mail_timeout", ["0", "-1", "901"]), ("delivery_history", ["0", "-1", "P11Y"]),
        ("stream_history", ["-100", "59", "P11Y"]), ("session_idle", ["-1", "60", "P31D"]),
        ("session_lasts", ["-1", "0", "P31D"]),
    ],
)  # fmt: skip
def test_duration_that_makes_no_sense_is_refused_by_its_key(key: str, wrong: list[str]) -> None:
    for duration in wrong:
        with pytest.raises(ValidationError, match=rf"{key}\n.*(greater|less) than"):
            load(None, **{key: duration})


def test_variable_that_is_no_setting_is_refused_and_the_nearest_one_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRC_PROT", "1")
    with pytest.raises(ValidationError, match=r"VRC_PROT\n.*there is no such setting; VRC_PORT is one"):
        load(None)


def test_what_kubernetes_tells_of_its_services_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for rest in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR"):
        monkeypatch.setenv(f"VRC_INTAKE_{rest}", "tcp://10.96.0.17:8080")
    assert load(None) == Settings()


def envvars(command: click.Command) -> Iterator[str]:
    yield from (name for parameter in command.params if isinstance(name := parameter.envvar, str))
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from envvars(inner)


def test_every_variable_that_a_command_reads_is_known() -> None:
    context = click.Context(main)
    commands = [command for name in MODULES if (command := main.get_command(context, name))]
    assert {name for command in commands for name in envvars(command)} == set(NOT_SETTINGS)


def test_each_default_as_it_is_shown_is_read_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        if (text := written(field.default)) is not None:
            monkeypatch.setenv(f"VRC_{name.upper()}", text)
    assert load(None) == Settings()


@pytest.mark.parametrize("key", ["trusted_proxies", "webhook_networks"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("foo", "foo is not a network, such as 10.20.0.0/16"),
        ("10.0.0.0/8, 10.0.0.1/8", "10.0.0.1/8 is an address in a network; the network is 10.0.0.0/8"),
    ],
)
def test_network_that_is_none_is_told_in_one_line(key: str, value: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        load(None, **{key: value})
    assert [(error["loc"], error["msg"]) for error in refused.value.errors()] == [((key,), said)]


def test_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"vrc\.toml"):
        load(tmp_path / "vrc.toml")


def test_file_that_is_not_toml_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "vrc.toml").write_text("port: 8080\n")
    with pytest.raises(ValueError, match=r"vrc\.toml"):
        load(tmp_path / "vrc.toml")


def test_networks_and_durations_are_written_in_the_environment_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VRC_WEBHOOK_NETWORKS", "10.20.0.0/16, fd00::/8")
    monkeypatch.setenv("VRC_WEBHOOK_TIMEOUT", "5")
    settings = load(None)
    assert settings.webhook_networks == (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert settings.webhook_timeout == timedelta(seconds=5)


def test_networks_and_durations_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "vrc.toml").write_text('webhook_networks = ["10.20.0.0/16"]\nwebhook_timeout = 2.5\n')
    settings = load(tmp_path / "vrc.toml")
    assert settings.webhook_networks == (ip_network("10.20.0.0/16"),)
    assert settings.webhook_timeout == timedelta(seconds=2.5)


REMOTE = {"database": "postgresql://db/vrc", "kafka": "127.0.0.1:9092,kafka-2:9092"}
PROOF = {"kafka_user": "vrc-intake", "kafka_password_file": "secret"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "kafka: the broker is not on this machine"),
        ({"kafka_user": "vrc-intake"}, "kafka_user, kafka_password_file: SASL_SSL needs both"),
        ({"kafka_password_file": "secret"}, "kafka: the broker is not on this machine"),
        ({"kafka_security": "SASL_PLAINTEXT"}, "SASL_PLAINTEXT needs both"),
        ({"kafka_security": "PLAINTEXT", **PROOF}, "kafka_security: PLAINTEXT knows no users"),
        ({"kafka_security": "SSL"}, "kafka_security"),
    ],
)
def test_broker_without_proof_is_taken_only_on_purpose(given: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        load(None, **REMOTE, **given)


@pytest.mark.parametrize(
    ("given", "protocol"),
    [(PROOF, "SASL_SSL"), ({"kafka_security": "PLAINTEXT"}, "PLAINTEXT"),
     ({"kafka_security": "SASL_PLAINTEXT", **PROOF}, "SASL_PLAINTEXT")],
)  # fmt: skip
def test_user_of_the_broker_means_tls_unless_said_otherwise(given: dict[str, str], protocol: str) -> None:
    assert load(None, **REMOTE, **given).kafka_protocol == protocol


@pytest.mark.parametrize("servers", ["nonsense", "", "kafka-1:9092,kafka-2", "kafka-1:port", "kafka-1:9092,"])
def test_broker_without_a_port_is_told_how_to_write_it(servers: str) -> None:
    with pytest.raises(ValidationError, match=r"kafka\n.*must be host:port"):
        load(None, database="postgresql://db/vrc", kafka=servers, **PROOF)


@pytest.mark.parametrize("servers", ["127.0.0.1:9092", "localhost:9092", "[::1]:9092", "127.0.0.1:1, localhost:2"])
def test_broker_on_this_machine_needs_no_proof(servers: str) -> None:
    assert load(None, database="postgresql://db/vrc", kafka=servers).kafka_protocol == "PLAINTEXT"


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


MAIL = {"mail_host": "smtp.operator.example", "mail_from": "VIP <vip@operator.example>"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"mail_from": None}, "mail_from: must be"), ({"mail_from": "vip"}, "mail_from: must be"),
        ({"mail_from": "vip@operator.example\nBcc: x@y.example"}, "mail_from: must be"),
        ({"mail_user": "vip"}, "mail_user, mail_password_file"), ({"mail_password_file": "f"}, "mail_user, mail_pass"),
        ({"mail_security": "none"}, "none is for a server on this machine"),
        ({"mail_security": "ssl"}, "mail_security"),
    ],
)  # fmt: skip
def test_mail_server_that_is_half_set_up_is_named(given: dict[str, str | None], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        load(None, **{**MAIL, **given})


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("vip@operator.example", ("", "vip@operator.example")),
        ("大客户响应中心 <vip@operator.example>", ("大客户响应中心", "vip@operator.example")),
        ("vip@localhost", None), ("VIP vip@operator.example", None), ("a@b.example, c@d.example", None),
    ],
)  # fmt: skip
def test_sender_of_mail_is_an_address_with_or_without_a_name(text: str, sender: tuple[str, str] | None) -> None:
    assert mail_sender(text) == sender


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sms_gateway": "http://sms.operator.example/"}, "http:// only on loopback"),
        ({"sms_gateway": "https://user:secret@sms.operator.example/"}, "without a user"),
        ({"sms_gateway": "sms.operator.example"}, "must be an https:// URL"),
        ({"sms_countries": "86"}, "prefixes like"), ({"sms_countries": ""}, "sms_countries"),
    ],
)  # fmt: skip
def test_gateway_that_is_not_met_safely_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        load(None, **given)


@pytest.mark.parametrize("url", ["https://sms.operator.example/messages", "http://127.0.0.1:9/", "http://[::1]/"])
def test_gateway_over_tls_or_on_this_machine_is_fine(url: str) -> None:
    assert load(None, sms_gateway=url, sms_countries="+86, +852").sms_countries == ("+86", "+852")


@pytest.mark.parametrize("key", ["database", "database_owner"])
@pytest.mark.parametrize("dsn", ["mysql://x", "127.0.0.1:5432", "postgresql://["])
def test_database_that_is_no_postgresql_is_named(key: str, dsn: str) -> None:
    with pytest.raises(ValueError, match=rf"{key}\n.*(must begin with postgresql://|Invalid IPv6)"):
        load(None, **{key: dsn})
