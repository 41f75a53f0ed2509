"""Events at the door of the oracle: what is accepted, what is refused and why.

One table, one row a type.  An accepted event is a plain dict with only the
fields the table knows, defaults filled in; two events are the same when those
dicts are.  The first of an identity wins; another content is a conflict.
"""
import datetime as dt
import json
import re
from decimal import Decimal

from oracle_rulebook import to_ms

MAX_DEPTH = 16
MAX_WHOLE = 2**53 - 1


class Bad(Exception):
    """Why an event is refused."""


# --------------------------------------------------------- kinds of values

def an_id(value):
    a_string(value)
    if not 1 <= len(value.encode("utf-8")) <= 128:
        raise Bad("not 1 to 128 bytes")
    return value


def a_string(value):
    if not isinstance(value, str):
        raise Bad("not a string")
    return value


def id_or_null(value):
    return None if value is None else an_id(value)


def a_bool(value):
    if not isinstance(value, bool):
        raise Bad("not true or false")
    return value


def a_number(value):
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Bad("not a number")
    return Decimal(value)


def a_whole(value):
    number = a_number(value)
    if number != number.to_integral_value() or abs(number) > MAX_WHOLE:
        raise Bad("not a whole number")
    return int(number)


def one_of(*names):
    def check(value):
        if a_string(value) not in names:
            raise Bad("not one of " + ", ".join(names))
        return value
    return check


RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?"
    r"(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII)


def a_time(value):
    if not isinstance(value, str):
        return a_whole(value)
    match = RFC3339.fullmatch(value)
    if not match:
        raise Bad("not an RFC 3339 time with an offset")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, zulu, sign, off_hour, off_minute = match.groups()[6:]
    if not zulu and (int(off_hour) > 23 or int(off_minute) > 59):
        raise Bad("no such offset")
    offset = 0 if zulu else int(off_hour) * 60 + int(off_minute)
    if sign == "-":
        offset = -offset
    try:
        moment = dt.datetime(year, month, day, hour, minute, second,
                             tzinfo=dt.timezone.utc)
    except ValueError as why:
        raise Bad(str(why)) from None
    whole = to_ms(moment) - offset * 60_000
    return whole + int(((fraction or "") + "000")[:3])


# ------------------------------------------------------------------ table

NEEDED = object()

TABLE = {
    "conversation.opened": {
        "conversation": (an_id, NEEDED), "customer": (an_id, None),
        "shop": (an_id, None), "channel": (an_id, None),
        "topic": (an_id, None)},
    "message": {
        "conversation": (an_id, NEEDED),
        "from": (one_of("customer", "agent", "bot", "system"), NEEDED),
        "customer": (an_id, None), "shop": (an_id, None),
        "channel": (an_id, None), "text": (a_string, None),
        "private": (a_bool, False), "auto": (a_bool, False),
        "closing": (a_bool, None)},
    "message.recalled": {
        "conversation": (an_id, NEEDED), "message": (an_id, NEEDED),
        "of_source": (an_id, None)},
    "conversation.assigned": {
        "conversation": (an_id, NEEDED), "agent": (id_or_null, NEEDED),
        "by": (one_of("system", "supervisor", "agent"), "system")},
    "conversation.handoff": {"conversation": (an_id, NEEDED)},
    "conversation.resolved": {
        "conversation": (an_id, NEEDED),
        "by": (one_of("agent", "customer", "bot", "timeout"), "agent"),
        "agent": (an_id, None)},
    "conversation.reopened": {"conversation": (an_id, NEEDED)},
    "rating": {
        "conversation": (an_id, NEEDED), "score": (a_number, NEEDED),
        "scale": (a_whole, 5), "agent": (an_id, None)},
    "rating.voided": {
        "conversation": (an_id, NEEDED), "rating": (an_id, NEEDED),
        "of_source": (an_id, None), "reason": (a_string, NEEDED),
        "actor": (an_id, None)},
    "turn.excused": {
        "conversation": (an_id, NEEDED), "message": (an_id, NEEDED),
        "of_source": (an_id, None), "agent": (an_id, None),
        "reason": (a_string, NEEDED), "actor": (an_id, NEEDED)},
    "decision.undone": {
        "conversation": (an_id, NEEDED), "decision": (an_id, NEEDED),
        "of_source": (an_id, None), "reason": (a_string, NEEDED),
        "actor": (an_id, NEEDED)},
    "order": {
        "order": (an_id, NEEDED), "agent": (an_id, NEEDED),
        "kind": (one_of("main", "cross"), NEEDED),
        "amount_fen": (a_whole, NEEDED),
        "state": (one_of("paid", "refunded"), NEEDED),
        "conversation": (an_id, None)},
    "agent.profile": {
        "agent": (an_id, NEEDED), "name": (a_string, None),
        "team": (a_string, None), "employee_no": (a_string, None),
        "hired_on": (a_string, None), "left_on": (a_string, None)},
    "agent.status": {
        "agent": (an_id, NEEDED),
        "status": (one_of("online", "busy", "away", "offline"), NEEDED)},
}
ENVELOPE = {"id": (an_id, NEEDED), "source": (an_id, "default"),
            "ts": (a_time, NEEDED)}


def take(raw, out, fields):
    for name, (check, default) in fields.items():
        if name not in raw:
            if default is NEEDED:
                raise Bad("%s: missing" % name)
            out[name] = default
            continue
        try:
            out[name] = check(raw[name])
        except Bad as why:
            raise Bad("%s: %s" % (name, why)) from None


def accept(raw):
    """The event as the figures see it, or Bad."""
    if not isinstance(raw, dict):
        raise Bad("not an object")
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in TABLE:
        raise Bad("type: unknown")
    event = {"type": kind}
    take(raw, event, ENVELOPE)
    take(raw, event, TABLE[kind])
    if kind == "message" and event["from"] == "agent":
        take(raw, event, {"agent": (an_id, NEEDED)})
    if kind == "rating":
        check_rating(event)
    if event.get("of_source", "") is None:
        event["of_source"] = event["source"]
    return event


def check_rating(event):
    score, scale = event["score"], event["scale"]
    if scale < 1 or not 0 < score <= scale:
        raise Bad("score: not over 0 and at most scale")
    if score * 1000 != (score * 1000).to_integral_value():
        raise Bad("score: more than 3 decimals")


# ------------------------------------------------------------------ lines

def no_doubles(pairs):
    out = {}
    for key, value in pairs:
        if key in out:
            raise Bad("duplicate key " + key)
        out[key] = value
    return out


def no_constant(word):
    raise Bad("not JSON: " + word)


def check_tree(value, depth=0):
    if isinstance(value, (dict, list)):
        depth += 1
        if depth > MAX_DEPTH:
            raise Bad("deeper than %d" % MAX_DEPTH)
        for item in (value.values() if isinstance(value, dict) else value):
            check_tree(item, depth)
        for key in (value if isinstance(value, dict) else ()):
            check_text(key)
    elif isinstance(value, str):
        check_text(value)


def check_text(text):
    if "\0" in text:
        raise Bad("holds \\u0000")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Bad("bad UTF-8") from None


def parse_line(line):
    """One line (bytes) to an accepted event, or Bad."""
    try:
        raw = json.loads(line.decode("utf-8"), parse_float=Decimal,
                         parse_constant=no_constant,
                         object_pairs_hook=no_doubles)
    except UnicodeDecodeError:
        raise Bad("bad UTF-8") from None
    except (ValueError, RecursionError, ArithmeticError) as why:
        raise Bad("not JSON: %s" % why) from None
    check_tree(raw)
    return accept(raw)


class Set:
    """The set of accepted events, by identity; the first one wins."""

    def __init__(self):
        self.events = {}

    def add(self, event):
        identity = (event["source"], event["id"])
        first = self.events.setdefault(identity, event)
        if first != event:
            raise Bad("conflict: %s %s is known with other content" % identity)

    def add_line(self, line):
        self.add(parse_line(line))

    def add_object(self, raw):
        """An event already read from JSON (floats allowed, as by repr)."""
        self.add_line(json.dumps(raw, ensure_ascii=False).encode("utf-8"))
