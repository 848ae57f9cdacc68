"""One question to a running center, and its refusals in words; whoever asks imports httpx only then."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import httpx


def ask(url: str, path: str, *, key: str, params: Mapping[str, str] | None = None) -> "httpx.Response":
    """The answer to a GET. Ends the command with a message when it is no success."""
    import httpx

    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60.0, trust_env=False) as http:
        try:
            answer = http.get(path, params=params)
        except httpx.TransportError as error:
            raise click.ClickException(f"The center at {url} does not answer ({type(error).__name__}).") from None
    if not answer.is_success:
        raise click.ClickException(why_refused(answer))
    return answer


def why_refused(answer: "httpx.Response") -> str:
    """Why the center refused, each field by its name."""
    try:
        problem = answer.json()
    except ValueError:
        return f"The center answered {answer.status_code}."
    lines = [f"{error['field']}: {error['message']}" for error in problem.get("errors") or ()]
    return "\n  ".join([f"{problem.get('title', 'Refused')}.", *(lines or [problem.get("detail", "")])])
