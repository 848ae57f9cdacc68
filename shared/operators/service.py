"""The operators' door, put together from what it is given: its routes, and two more ways to say who one is."""

from fastapi import APIRouter

from shared.clock import Clock
from shared.db.port import Database
from shared.metrics import Metrics
from shared.operators.api import Door, routes
from shared.operators.break_glass import BreakGlass
from shared.operators.by_session import BySession
from shared.operators.config import Config
from shared.operators.cookies import Cookies
from shared.operators.journal import Journal
from shared.operators.sessions import Sessions
from shared.web.authentication import Authenticator


class OperatorsDoor:
    """What OpenID needs is imported with a provider only: 18 MiB that the embedded center mostly does not need."""

    def __init__(self, config: Config, database: Database, clock: Clock, metrics: Metrics) -> None:
        cookies = Cookies(secure=config.secure)
        sessions = Sessions(database, clock, idle=config.idle, lasts=config.lasts)
        by_session = BySession(config, cookies, sessions)
        self.authenticators: list[Authenticator] = [by_session]
        self._openid = None
        if config.client is not None and config.public_url is not None:
            from shared.operators.by_token import ByToken
            from shared.operators.openid import OpenID

            self._openid = OpenID(config.client, clock, public_url=config.public_url, contact=config.contact)
            self.authenticators.append(ByToken(self._openid, config.trusted_proxies))
        door = Door(
            self._openid, BreakGlass(database, clock), sessions, by_session, cookies, Journal(metrics, database, clock),
            has_address=config.public_url is not None,
        )  # fmt: skip
        self.router: APIRouter = routes(door)

    async def aclose(self) -> None:
        if self._openid is not None:
            await self._openid.close()
