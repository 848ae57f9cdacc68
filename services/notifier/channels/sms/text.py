"""A telling as an SMS: ticket, what happened, then whatever else there is room for, in so many segments at most.

The ticket's number stands first and is never cut. What happened is cut if it must be; of the rest a statement that
does not fit is left out, but the last words of others may be cut short.
"""

from services.notifier.channels.sms.segments import longest, size
from services.notifier.wording.telling import Telling

SHORTEST_CUT = 8
PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "–": "-", "…": "..."})  # else one of these would double the price


def short(telling: Telling, *, most_segments: int, signature: str) -> str:
    """`signature` goes before it, as some gateways want it: `【Operator】`."""
    comma, cut = ("；", "…") if telling.lang == "zh" else ("; ", "...")
    statements = [s if telling.lang == "zh" else s.translate(PLAIN) for s in telling.brief]
    text = f"{signature}{telling.ticket} "

    def fits(more: str) -> bool:
        return size(text + more).segments <= most_segments

    for number, statement in enumerate(statements):
        separator = comma if number else ""
        if fits(separator + statement):
            text += separator + statement
            continue
        if number and number < len(statements) - 1:
            continue
        kept = longest(lambda n: fits(separator + statement[:n] + cut), len(statement))  # noqa: B023  used at once
        if kept >= SHORTEST_CUT or not number:
            text += separator + statement[:kept].rstrip() + cut
    return text
