"""Every setting, with its default and what it means: from flags, then the environment (`VRC_…`), then a TOML file.

`docs/operations/settings.md` is written from this class; a test keeps the two alike. (pydantic-settings would cost the
embedded center 10 MiB for what is fifteen lines here.)
"""

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from shared.cidr import Cidr

KafkaProtocol = Literal["SASL_SSL", "SASL_PLAINTEXT", "PLAINTEXT"]
MailSecurity = Literal["starttls", "tls", "none"]
MAIL_PORTS: dict[MailSecurity, int] = {"starttls": 587, "tls": 465, "none": 25}
LONGEST_KEPT, LONGEST_SESSION = timedelta(days=3650), timedelta(days=30)
NOT_SETTINGS = ("VRC_CONFIG", "VRC_URL", "VRC_KEY")
"""What commands read from the environment beside settings: the file, and which center they speak to, with which key."""
_BROKER = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):[1-9][0-9]{0,4}")
_OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)(_|$)|.._PORT(_[0-9]+_[A-Z]+(_[A-Z]+)?)?$")
"""It tells every pod where its neighbours are: `VRC_INTAKE_PORT_8080_TCP_ADDR`, for a service named `vrc-intake`."""
_PREFIX = re.compile(r"\+[1-9][0-9]{0,6}")
_GATEWAY = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[\x21-\x7e]*)?")
_MAILBOX = r"[A-Za-z0-9._+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}"
_SENDER = re.compile(rf"(?P<name>[^<>@\x00-\x1f\x7f]{{1,100}}?) *<(?P<named>{_MAILBOX})>|(?P<bare>{_MAILBOX})")


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Annotated[Path, Field(description="Where the embedded center keeps its database and credentials")] = Path(
        "var"
    )
    database: Annotated[
        str | None,
        Field(description="`postgresql://user:password@host/name`; none: SQLite in the data directory, embedded bus"),
    ] = None
    database_owner: Annotated[
        str | None,
        Field(
            description="The owner's `postgresql://…`, for `vrc migrate` alone; `database` is then the services' login,"
            " which owns nothing. None: `database` is the owner's too, and the second wall is weaker"
        ),
    ] = None
    kafka: Annotated[
        str | None, Field(description="Kafka bootstrap servers, `host:port,…`; needed with PostgreSQL")
    ] = None
    kafka_security: Annotated[
        KafkaProtocol | None,
        Field(
            description="`SASL_SSL`; `SASL_PLAINTEXT` (authenticated, not encrypted: loopback or a private wire); "
            "`PLAINTEXT` (neither). None: `SASL_SSL` with a user, `PLAINTEXT` without one and only on loopback"
        ),
    ] = None
    kafka_user: Annotated[str | None, Field(description="This process's user of the broker (SCRAM-SHA-512)")] = None
    kafka_password_file: Annotated[
        Path | None, Field(description="File with that user's password, for its owner only (mode 0600)")
    ] = None
    kafka_ca_file: Annotated[
        Path | None,
        Field(description="Authorities (PEM) that the broker's certificate must come from; none: the system's"),
    ] = None
    kafka_partitions: Annotated[int, Field(ge=1, description="Partitions of `vrc.tickets` when it is created")] = 12
    kafka_replication: Annotated[int, Field(ge=1, description="Replicas of each topic when it is created")] = 1
    master_key: Annotated[
        Path | None,
        Field(
            description="File of the center's master key, the same for all its processes; `vrc secret FILE` makes one. "
            "Needed with PostgreSQL; embedded: made at the first start, `master.key` in the data directory"
        ),
    ] = None
    environment: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9]{0,11}$",
            description="Short word that stands in every API key, such as `live`; keys of another one are refused",
        ),
    ] = "local"
    trusted_proxies: Annotated[
        tuple[Cidr, ...],
        Field(description="Networks of our own proxies: what they say in X-Forwarded-For is believed"),
    ] = ()
    instance: Annotated[
        str | None,
        Field(description="A name that stays with this process over restarts: its partitions wait for it (KIP-345)"),
    ] = None
    host: Annotated[str, Field(description="Address the HTTP door listens on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port of the HTTP door")] = 8080
    metrics_host: Annotated[str, Field(description="Address the metrics listener listens on")] = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535, description="Port of the metrics listener")] = 9464
    access_log: Annotated[bool, Field(description="One JSON line a request on standard error")] = False
    log_level: Annotated[str, Field(description="debug, info, warning or error")] = "info"
    demo: Annotated[bool, Field(description="Load demonstration data and write its credentials at start")] = False
    demo_rate: Annotated[
        float, Field(ge=0, description="Faults a minute that simulated customers report; 0: no simulation")
    ] = 0.0
    sla_policy: Annotated[
        Path | None,
        Field(
            description="The SLA policy, TOML, or a folder of its versions; none: the default, `deploy/config/sla.toml`"
        ),
    ] = None
    early_warning: Annotated[
        Path | None,
        Field(description="TOML file of what to warn of; none: the default, `deploy/config/early-warning.toml`"),
    ] = None
    escalation: Annotated[
        Path | None,
        Field(description="TOML file of who is told when time runs out; none: `deploy/config/escalation.toml`"),
    ] = None
    follow_up: Annotated[
        Path | None,
        Field(description="TOML file of how customers are asked; none: the default, `deploy/config/follow-up.toml`"),
    ] = None
    compensation: Annotated[
        Path | None,
        Field(
            description="TOML file of what is due for breaches; none: the default, `deploy/config/compensation.toml`"
        ),
    ] = None
    rate_account: Annotated[
        float, Field(ge=0, description="Requests a second that one account's key may make, over time; 0: no limit")
    ] = 50.0
    burst_account: Annotated[int, Field(ge=1, description="Requests that one account's key may make at once")] = 500
    rate_network: Annotated[float, Field(ge=0, description="As `rate_account`, for a local network's key")] = 50.0
    burst_network: Annotated[int, Field(ge=1, description="As `burst_account`, for a local network's key")] = 500
    rate_operator: Annotated[float, Field(ge=0, description="As `rate_account`, for an operator")] = 200.0
    burst_operator: Annotated[int, Field(ge=1, description="As `burst_account`, for an operator")] = 2000
    rate_link: Annotated[float, Field(ge=0, description="As `rate_account`, for a tracking link")] = 2.0
    burst_link: Annotated[int, Field(ge=1, description="As `burst_account`, for a tracking link")] = 60
    rate_unknown: Annotated[
        float,
        Field(ge=0, description="Requests without a valid key that one address may make a second; 0: no limit"),
    ] = 5.0
    burst_unknown: Annotated[int, Field(ge=1, description="As `burst_account`, without a valid key")] = 100
    streams_per_account: Annotated[
        int, Field(ge=0, description="Live streams that one account may have open in one process; 0: no limit")
    ] = 100
    reports_per_circuit: Annotated[
        int, Field(ge=0, description="Further reports an hour that join one circuit's open ticket; 0: no limit")
    ] = 60
    webhook_networks: Annotated[
        tuple[Cidr, ...],
        Field(description="Networks that webhooks may reach although they are not public, such as `10.20.0.0/16`"),
    ] = ()
    webhook_http: Annotated[bool, Field(description="Whether webhooks may use http, not only https")] = False
    database_patience: Annotated[
        timedelta,
        Field(
            gt=timedelta(0),
            le=timedelta(minutes=5),
            description="How long a request waits for the database before it is answered 503, in seconds",
        ),
    ] = timedelta(seconds=0.7)
    webhook_timeout: Annotated[
        timedelta,
        Field(
            ge=timedelta(seconds=1),
            le=timedelta(minutes=5),
            description="The longest one delivery may take, in seconds",
        ),
    ] = timedelta(seconds=15)
    mail_host: Annotated[
        str | None, Field(min_length=1, description="The SMTP server that takes our mail; none: there is no e-mail")
    ] = None
    mail_port: Annotated[
        int | None,
        Field(ge=1, le=65535, description="Its port; none: 587 with `starttls`, 465 with `tls`, 25 with `none`"),
    ] = None
    mail_security: Annotated[
        MailSecurity,
        Field(description="`starttls`, `tls` (from the first byte on), or `none` (a server on loopback only)"),
    ] = "starttls"
    mail_user: Annotated[str | None, Field(description="Our user there; none: it takes mail without one")] = None
    mail_password_file: Annotated[
        Path | None, Field(description="File with that user's password, for its owner only (mode 0600)")
    ] = None
    mail_ca_file: Annotated[
        Path | None, Field(description="Authorities (PEM) that its certificate must come from; none: the system's")
    ] = None
    mail_from: Annotated[
        str | None,
        Field(
            description="Who mail is from, `VIP Response Center <vip@operator.example>`; needed with `mail_host`."
            " Failure reports of mail servers come to this address"
        ),
    ] = None
    mail_timeout: Annotated[
        timedelta,
        Field(
            ge=timedelta(seconds=1),
            le=timedelta(minutes=15),
            description="The longest one transfer may take, in seconds. A server that checks mail while we wait needs"
            " time: what is given up too early comes twice",
        ),
    ] = timedelta(seconds=30)
    mail_per_hour: Annotated[
        int, Field(ge=0, description="The most mails that one address gets in an hour; the rest waits. 0: no limit")
    ] = 300
    sms_gateway: Annotated[
        str | None,
        Field(
            description="Where short messages are posted, `https://sms.operator.example/messages`; none: there is no"
            " SMS. http is for a gateway on loopback only"
        ),
    ] = None
    sms_token_file: Annotated[
        Path | None,
        Field(description="File with the token that we show the gateway (`Authorization: Bearer`), mode 0600"),
    ] = None
    sms_ca_file: Annotated[
        Path | None, Field(description="Authorities (PEM) that its certificate must come from; none: the system's")
    ] = None
    sms_receipt_secret_file: Annotated[
        Path | None,
        Field(
            description="File with the secret (`whsec_…`) by which the gateway signs receipts, mode 0600; none: there"
            " are no receipts"
        ),
    ] = None
    sms_countries: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Prefixes of the numbers that may be sent to, such as `+86,+852`"),
    ] = ("+86",)
    sms_segments: Annotated[
        int,
        Field(ge=1, le=10, description="The most segments of one message: 70 characters of 中文 alone, 67 in several"),
    ] = 3
    sms_per_hour: Annotated[
        int, Field(ge=0, description="The most messages that one number gets in an hour; the rest waits. 0: no limit")
    ] = 60
    sms_signature: Annotated[
        str, Field(max_length=20, description="What every message begins with, such as `【Operator】`")
    ] = ""
    delivery_history: Annotated[
        timedelta,
        Field(
            ge=timedelta(days=1),
            le=LONGEST_KEPT,
            description="How long every attempt to deliver is kept, in seconds; dead letters for 30 days at least",
        ),
    ] = timedelta(days=30)
    stream_history: Annotated[
        timedelta,
        Field(
            ge=timedelta(minutes=1),
            le=LONGEST_KEPT,
            description="How far back a live stream can be resumed, in seconds",
        ),
    ] = timedelta(days=7)

    public_url: Annotated[
        str | None,
        Field(
            description="The origin at which browsers reach the center, `https://vip.example`; none: the HTTP"
            " door's address if that is loopback, otherwise there are no sessions"
        ),
    ] = None
    oidc_issuer: Annotated[
        str | None,
        Field(description="The OpenID provider that signs operators in; none: API keys and break-glass only"),
    ] = None
    oidc_client_id: Annotated[str | None, Field(description="The center's name at the provider")] = None
    oidc_client_secret: Annotated[
        str | None,
        Field(repr=False, description="The center's secret at the provider; none: a public client (PKCE only)"),
    ] = None
    oidc_scope: Annotated[str, Field(description="What is asked of the provider, separated by spaces")] = (
        "openid profile"
    )
    oidc_audience: Annotated[
        str | None, Field(description="Whom tools' access tokens must be for; none: no access tokens, only sign-in")
    ] = None
    oidc_duty_claim: Annotated[str, Field(description="The claim that says what an operator may do")] = "groups"
    oidc_duties: Annotated[
        dict[str, str],
        Field(
            description="Which value of that claim gives which duty: `vip-noc=noc,vip-desk=desk`; others give nothing"
        ),
    ] = {}
    operator_contact: Annotated[
        str, Field(description="Whom to ask for a duty, as told to somebody who signs in without one")
    ] = "the administrator of this center"
    session_idle: Annotated[
        timedelta,
        Field(
            ge=timedelta(minutes=2),  # when a session was last used is noted once a minute
            le=LONGEST_SESSION,
            description="How long a session may be unused, in seconds",
        ),
    ] = timedelta(minutes=30)
    session_lasts: Annotated[
        timedelta,
        Field(
            ge=timedelta(minutes=2),
            le=LONGEST_SESSION,
            description="The longest a session lasts, used or not, in seconds",
        ),
    ] = timedelta(hours=10)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level not in ("debug", "info", "warning", "error"):
            raise ValueError("must be debug, info, warning or error")
        return level

    @field_validator("database", "database_owner")
    @classmethod
    def _of_postgresql(cls, dsn: str | None) -> str | None:
        if dsn is not None and not dsn.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql:// (leave it out for the embedded SQLite)")
        if dsn is not None:
            urlsplit(dsn)  # raises ValueError for what the driver could not read either
        return dsn

    @field_validator("webhook_networks", "trusted_proxies", "sms_countries", mode="before")
    @classmethod
    def _separated_by_commas(cls, several: Any) -> Any:
        return [part.strip() for part in several.split(",") if part.strip()] if isinstance(several, str) else several

    @field_validator("webhook_networks", "trusted_proxies", mode="wrap")
    @classmethod
    def _in_one_line(cls, networks: Any, handler: Callable[[Any], Any]) -> Any:
        """Named by its key and by what was written, which may be one of several; `Cidr` knows neither."""
        try:
            return handler(networks)
        except ValidationError as error:
            wrong = _no_network(str(error.errors()[0]["input"]))
            raise PydanticCustomError("no_network", "{wrong}", {"wrong": wrong}) from None

    @field_validator("oidc_duties", mode="before")
    @classmethod
    def _pairs(cls, duties: Any) -> Any:
        if not isinstance(duties, str):
            return duties
        pairs = [part.rpartition("=") for part in duties.split(",") if part.strip()]
        if any(not (value.strip() and duty.strip()) for value, _, duty in pairs):
            raise ValueError("must be value=duty,value=duty")
        return {value.strip(): duty.strip() for value, _, duty in pairs}

    @field_validator(
        "database_patience",
        "webhook_timeout",
        "mail_timeout",
        "delivery_history",
        "stream_history",
        "session_idle",
        "session_lasts",
        mode="before",
    )
    @classmethod
    def _seconds(cls, duration: Any) -> Any:
        try:
            return float(duration) if isinstance(duration, str) else duration
        except ValueError:
            return duration  # an ISO 8601 duration, or wrong

    @field_validator("kafka")
    @classmethod
    def _each_with_its_port(cls, servers: str | None) -> str | None:
        if servers is not None and not all(_BROKER.fullmatch(server.strip()) for server in servers.split(",")):
            raise ValueError("must be host:port, or several separated by commas, such as kafka-1:9092,kafka-2:9092")
        return servers

    @model_validator(mode="after")
    def _broker_is_met_on_purpose(self) -> Self:
        if self.kafka is None:
            return self
        if self.kafka_protocol != "PLAINTEXT" and not (self.kafka_user and self.kafka_password_file):
            raise ValueError(f"kafka_user, kafka_password_file: {self.kafka_protocol} needs both")
        if self.kafka_protocol == "PLAINTEXT" and self.kafka_user:
            raise ValueError("kafka_security: PLAINTEXT knows no users; take SASL_SSL, or leave kafka_user out")
        if self.kafka_protocol == "PLAINTEXT" and self.kafka_security is None and not _on_loopback(self.kafka):
            raise ValueError(
                "kafka: the broker is not on this machine; set kafka_user and kafka_password_file (SASL_SSL), "
                "or kafka_security to PLAINTEXT if whoever reaches it may read and write everything"
            )
        return self

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.mail_host is None:
            return self
        if mail_sender(self.mail_from) is None:
            raise ValueError("mail_from: must be `Name <name@domain>` or `name@domain`, in ASCII but for the name")
        if (self.mail_user is None) != (self.mail_password_file is None):
            raise ValueError("mail_user, mail_password_file: one needs the other")
        if self.mail_security == "none" and not _on_loopback(f"{self.mail_host}:0"):
            raise ValueError("mail_security: none is for a server on this machine; take starttls or tls")
        return self

    @model_validator(mode="after")
    def _gateway_is_met_safely(self) -> Self:
        if any(not _PREFIX.fullmatch(prefix) for prefix in self.sms_countries):
            raise ValueError("sms_countries: must be prefixes like +86")
        if self.sms_gateway is None:
            return self
        found = _GATEWAY.fullmatch(self.sms_gateway)
        if found is None or (found["scheme"] == "http" and not _on_loopback(f"{found['host']}:0")):
            raise ValueError("sms_gateway: must be an https:// URL without a user; http:// only on loopback")
        return self

    @property
    def kafka_protocol(self) -> KafkaProtocol:
        return self.kafka_security or ("SASL_SSL" if self.kafka_user else "PLAINTEXT")

    @property
    def embedded(self) -> bool:
        return self.database is None

    @property
    def sqlite_path(self) -> Path:
        return self.data_dir / "vrc.sqlite3"

    @property
    def master_key_path(self) -> Path:
        return self.master_key or self.data_dir / "master.key"

    @property
    def database_url(self) -> str:
        """As its owner."""
        return self.database_owner or self.database or f"sqlite:///{self.sqlite_path}"


def mail_sender(text: str | None) -> tuple[str, str] | None:
    """Name (may be empty) and address of `Name <name@domain>`; None when it is neither that nor an address."""
    found = _SENDER.fullmatch(text or "")
    return (found["name"] or "", found["named"] or found["bare"]) if found else None


def load(file: Path | None, **flags: object) -> Settings:
    """Flags over environment over file. Raises pydantic.ValidationError naming the key, OSError, ValueError."""
    given = {name: value for name, value in flags.items() if value is not None}
    return Settings.model_validate({**_from_file(file), **_from_environment(), **given})


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no settings file {file}.") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is not TOML: {error}") from error


def _from_environment() -> dict[str, str]:
    """Raises ValidationError naming a `VRC_…` that is none of ours: misspelt, it would be passed over in silence."""
    named = {f"VRC_{name.upper()}": name for name in Settings.model_fields}
    known = [*named, *NOT_SETTINGS]
    given = [name for name in os.environ if name.startswith("VRC_") and not _OF_KUBERNETES.search(name)]
    if unknown := sorted(set(given) - {*known}):
        faults = [_unknown_variable(variable, known) for variable in unknown]
        raise ValidationError.from_exception_data("Settings", faults)
    return {name: os.environ[variable] for variable, name in named.items() if variable in os.environ}


def _unknown_variable(variable: str, known: Sequence[str]) -> InitErrorDetails:
    words = [name.removeprefix("VRC_") for name in known]  # the prefix would make all of them alike
    meant = "".join(f"; VRC_{nearest} is one" for nearest in get_close_matches(variable[4:], words, n=1))
    error = PydanticCustomError("unknown_variable", "{why}", {"why": f"there is no such setting{meant}"})
    return InitErrorDetails(type=error, loc=(variable,), input=os.environ[variable])


def _no_network(text: str) -> str:
    try:
        whole = ip_network(text, strict=False)
    except ValueError:
        return f"{text} is not a network, such as 10.20.0.0/16"
    return f"{text} is an address in a network; the network is {whole}"


def _on_loopback(servers: str) -> bool:
    hosts = [server.strip().rpartition(":")[0].strip("[]") for server in servers.split(",")]
    return all(host in ("localhost", "::1") or host.startswith("127.") for host in hosts)
