"""The second wall, PostgreSQL's: what each table shows to whom, and what the services' login may do with it.

Row-level security is on and forced for every table of the center, so a table that nobody thought of shows nothing to a
tenant. Two sorts of connection pass: the center's own, which says `vrc.scope` = `*`, and a sealed one, which never
counts as the center's again and sees the accounts of its signed scope, read-only. Without a scope nothing is visible,
to the owner neither. `vrc migrate` puts all of this up and repairs it; nothing here is written by hand.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

NO_WALL = frozenset({"vrc_schema"})  # which migration the database is at
WORDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}  # letters as in PostgreSQL's own access lists


@dataclass(frozen=True, slots=True)
class Wall:
    """`may` is what the services' login may do, in WORDS; `shows` is the condition under which a tenant sees a row.

    Without `shows` the table is the center's alone; `because` says why, where a column names a tenant.
    """

    may: str
    shows: str | None = None
    because: str | None = None


def _own(column: str = "account") -> str:
    return f"{column} = ANY ((SELECT vrc_scope())::text[])"


_LOOPS = "read by the delivery loops for all tenants together, on behalf of none"
_OF_SUBSCRIPTION = "EXISTS (SELECT FROM subscriptions s WHERE s.id = subscription)"  # as far as those are shown
WALLS: Mapping[str, Wall] = {
    "tickets": Wall("raw", _own()),
    "ticket_log": Wall("ra", _own()),  # never changed, never deleted
    "inbox": Wall("ra", because="looked up by the caller's own name and key, inside the transaction that writes it"),
    "outbox": Wall("rad", because="the relay's queue"),
    "bus_positions": Wall("raw"),
    "accounts": Wall("rawd", _own("id")),
    "networks": Wall("rawd"),
    "circuits": Wall("rawd", _own()),
    "api_keys": Wall("raw", because="loaded whole by the keyring, before it is known who calls"),
    "master_key": Wall("raw"),
    "operator_sessions": Wall("rawd", because="looked up by its cookie's hash, before it is known who calls"),
    "break_glass": Wall("rawd"),
    "registry_version": Wall("raw"),
    "repair_orders": Wall("raw", because="the local networks' and the NOC's; a tenant reads its orders in the ticket"),
    "refused_progress": Wall("ra", because="the NOC's"),
    "untold_refusals": Wall("rad"),
    "registry_changes": Wall("ra", because="the history of every row of the registry, an operator's to read"),
    "sweeps": Wall("raw"),
    "warnings": Wall("raw", because="the NOC's and the account managers'"),
    "network_signs": Wall("raw"),
    "mass_faults": Wall("raw"),
    "mass_fault_tickets": Wall("ra", because="of several accounts together, the NOC's"),
    "measures": Wall("raw", _own()),
    "network_shares": Wall("rad", because="the networks' own; a tenant reads them in the ticket's figures"),
    "measured_counts": Wall("rad", because="added up for all tenants together; a tenant reads them in the ticket"),
    "measure_totals": Wall("rawd"),
    "measuring": Wall("raw"),
    "disputed_suspensions": Wall("rad", because="the duty managers'; a tenant reads its disputes in the ticket's log"),
    "follow_ups": Wall(
        "raw", because="the NOC's and the account managers'; an account reads its answers in the ticket"
    ),
    "surveys": Wall("raw", _own()),
    "tier_reviews": Wall("ra", because="who decided what of an account, and why, is not the account's to read"),
    "audit_log": Wall("ra", because="who did what, also of other tenants and of the operator; never changed"),
    "audit_head": Wall("raw"),
    "audit_anchors": Wall("ra"),
    "anchored_heads": Wall("ra", because="of all tickets together"),
    "tracking_links": Wall("rawd", _own()),
    "feed": Wall("rad", _own()),
    "feed_marks": Wall("raw", "EXISTS (SELECT FROM tickets t WHERE t.id = ticket)"),  # as far as tickets are shown
    "subscriptions": Wall("raw", _own()),
    "lanes": Wall("rawd", because=_LOOPS),
    "dead_letters": Wall("rawd", _OF_SUBSCRIPTION),
    "attempts": Wall("rad", _OF_SUBSCRIPTION),
    "notices": Wall("ra", because=_LOOPS),
}

IS_CENTER = "(SELECT current_setting('vrc.scope', true) = '*' AND to_regclass('pg_temp.vrc_seal') IS NULL)"

# The seal is a secret of the connecting process, put once into a temporary table that belongs to the owner: whoever
# gets to run a statement on a sealed connection can neither read it nor sign a wider scope, nor take it off.
SEAL = """
CREATE OR REPLACE FUNCTION vrc_seal(seal bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  CREATE TEMPORARY TABLE vrc_seal AS SELECT seal;
END $$"""
SCOPE = """
CREATE OR REPLACE FUNCTION vrc_scope() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  said text := current_setting('vrc.scope', true);
  accounts text := substr(said, 66);
  key bytea;
BEGIN
  IF accounts IS NULL OR to_regclass('pg_temp.vrc_seal') IS NULL THEN
    RETURN '{}';
  END IF;
  SELECT s.seal INTO key FROM pg_temp.vrc_seal s;
  IF left(said, 65) <> encode(sha256(key || sha256(key || convert_to(accounts, 'UTF8'))), 'hex') || ' ' THEN
    RETURN '{}';
  END IF;
  RETURN string_to_array(accounts, ',');
END $$"""
FUNCTIONS = {"vrc_seal(bytea)": SEAL, "vrc_scope()": SCOPE}


def signed(accounts: Iterable[str], seal: bytes) -> str:
    """A scope as `vrc_scope()` takes it: the signature, a space, the accounts. Raises ValueError for a comma."""
    names = sorted(set(accounts))
    if any("," in name for name in names):
        raise ValueError("an account's id holds a comma")
    text = ",".join(names)
    return f"{sha256(seal + sha256(seal + text.encode()).digest()).hexdigest()} {text}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A table as the catalogue has it: whether its wall is on and forced, and the names of its policies."""

    table: str
    forced: bool
    policies: frozenset[str]


def repairs(found: Iterable[Standing]) -> Iterator[str]:
    """The statements that put up what is missing. What stands is left alone: its lock would stop the services."""
    for standing in found:
        wall = WALLS.get(standing.table, Wall(""))
        wanted = dict(_policies(standing.table, wall))
        if not standing.forced:
            yield f'ALTER TABLE "{standing.table}" ENABLE ROW LEVEL SECURITY'
            yield f'ALTER TABLE "{standing.table}" FORCE ROW LEVEL SECURITY'
        for name in sorted(standing.policies - wanted.keys()):
            yield f'DROP POLICY "{name}" ON "{standing.table}"'
        for name in sorted(wanted.keys() - standing.policies):
            yield f'CREATE POLICY "{name}" ON "{standing.table}" {wanted[name]}'


def _policies(table: str, wall: Wall) -> Iterator[tuple[str, str]]:
    """Name → definition. The name carries the definition's digest, so that a changed one is found by its name.

    PostgreSQL tries a table's policies by name, the last first, so the center's own statements never ask for a scope.
    """
    yield _named("the_center", f"FOR ALL USING ({IS_CENTER}) WITH CHECK ({IS_CENTER})")
    if wall.shows:
        yield _named("tenant", f"FOR SELECT USING ({wall.shows})")


def _named(who: str, definition: str) -> tuple[str, str]:
    return f"{who}_{sha256(definition.encode()).hexdigest()[:8]}", definition


def grants(tables: Iterable[str], *, login: str, database: str) -> Iterator[str]:
    """What the services' login may do, and nothing else. A table that is not in WALLS it may not touch."""
    role = quoted(login)
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE TEMPORARY ON DATABASE {quoted(database)} FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for table in sorted(tables):
        may = "r" if table in NO_WALL else WALLS[table].may if table in WALLS else ""
        yield f'REVOKE ALL ON "{table}" FROM {role}'
        if may:
            yield f'GRANT {", ".join(WORDS[letter] for letter in may)} ON "{table}" TO {role}'
    for function in FUNCTIONS:
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {role}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
