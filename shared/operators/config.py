"""What the settings say of the operators' door, checked as a whole at start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from shared.auth.permissions import DUTIES, Duty
from shared.settings import Settings
from shared.web.address import Networks


class BadConfig(ValueError):
    """Says which setting to change."""


@dataclass(frozen=True, slots=True)
class Client:
    """The center as its OpenID provider knows it. `audience` None: access tokens of tools are not taken."""

    issuer: str
    id: str
    secret: str | None
    scope: str
    audience: str | None
    duty_claim: str
    duties: Mapping[str, Duty]


@dataclass(frozen=True, slots=True)
class Config:
    """`public_url` is the origin browsers see, None where nobody said it; `contact` is whom to ask for a duty."""

    public_url: str | None
    client: Client | None
    contact: str
    idle: timedelta
    lasts: timedelta
    trusted_proxies: Networks = ()

    @property
    def secure(self) -> bool:
        return self.public_url is not None and self.public_url.startswith("https:")


def config_of(settings: Settings) -> Config:
    """Raises BadConfig."""
    client = _client(settings) if settings.oidc_issuer else None
    public_url = _public_url(settings)
    if client is not None and public_url is None:
        raise BadConfig("public_url: is needed with oidc_issuer, because the provider sends browsers back to it")
    return Config(
        public_url, client, settings.operator_contact, settings.session_idle, settings.session_lasts,
        settings.trusted_proxies,
    )  # fmt: skip


def _client(settings: Settings) -> Client:
    issuer = settings.oidc_issuer or ""
    if not _is_safe(issuer):
        raise BadConfig("oidc_issuer: must be https (http only on loopback)")
    if settings.oidc_client_id is None:
        raise BadConfig("oidc_client_id: is needed with oidc_issuer")
    if settings.oidc_audience == settings.oidc_client_id:
        raise BadConfig("oidc_audience: must not be the client's id, or an ID token would pass for an access token")
    if "openid" not in settings.oidc_scope.split():
        raise BadConfig("oidc_scope: must contain openid")
    unknown = set(settings.oidc_duties.values()) - set(DUTIES)
    if unknown or not settings.oidc_duties:
        named = f"{sorted(unknown)[0]} is not one" if unknown else "none is given, so nobody could do anything"
        raise BadConfig(f"oidc_duties: {named}; the duties are {', '.join(DUTIES)}")
    return Client(
        issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        settings.oidc_scope,
        settings.oidc_audience,
        settings.oidc_duty_claim,
        cast(Mapping[str, Duty], settings.oidc_duties),
    )


def _public_url(settings: Settings) -> str | None:
    """Without a setting the listener's own address, where only this machine reaches it."""
    if settings.public_url is None:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{settings.port}" if settings.port and _is_loopback(settings.host) else None
    url = urlsplit(settings.public_url)
    if url.path not in ("", "/") or url.query or url.fragment or url.username is not None or not url.hostname:
        raise BadConfig("public_url: must be an origin only, such as https://vip.example")
    if not _is_safe(settings.public_url):
        raise BadConfig("public_url: must be https (http only on loopback)")
    default = ":443" if url.scheme == "https" else ":80"  # browsers leave it out of the Origin
    return f"{url.scheme}://{url.netloc.removesuffix(default)}".lower()


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
