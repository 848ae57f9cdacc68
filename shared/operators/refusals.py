"""Why somebody whom the provider knows is not let in."""

from shared.errors import Forbidden, Unauthenticated
from shared.operators.claims import Operator
from shared.operators.config import Client


class NoDuty(Forbidden):
    def __init__(self, operator: Operator, client: Client, contact: str) -> None:
        super().__init__(
            f"{operator.name}, you have no duty at this center: nothing in the claim "
            f"{client.duty_claim!r} gives one. Ask {contact}."
        )
        self.operator = operator


class BadIdToken(Unauthenticated):
    """The provider took the code, and what it gave is not for this sign-in."""

    def __init__(self, why: object) -> None:
        super().__init__(f"The provider's ID token is not valid: {why}. Begin again.")
