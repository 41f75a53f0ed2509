"""The rulebook of the oracle: the seed, what a file may change, the words
(closers, placeholders) and the hours (worked, days, months).

Everything is exact: decimals become fractions, rounded to 6 places.  What is
not in the table of fields is refused, so that a misspelt override is seen.
"""
import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
MS = dt.timedelta(milliseconds=1)

SEED = {
    "name": "seed",
    "response_target_ms": 30_000,
    "resolution_limit_ms": 600_000,
    "fcr_window_ms": 86_400_000,
    "abandon_after_ms": 600_000,
    "idle_after_ms": 86_400_000,
    "timeout_counts_as": None,
    "timezone": "Asia/Shanghai",
    "service_hours": None,
    "special_days": {},
    "closing_phrases": (
        "谢谢 谢谢你 谢谢您 感谢 多谢 好的 好 好滴 好哒 嗯 哦 知道了 明白了 了解 "
        "收到 没有了 没事了 不用了 再见 拜拜 ok okay thanks").split()
        + ["thank you", "thx", "bye"],
    "closing_particles": "啦 呀 哈 哦 呢 亲 啊".split(),
    "placeholder_phrases": [],
    "cross_sell_min_fen": 0,
    "tier_min_handled": 10,
    "kpis": [
        {"name": "response", "metric": "reply_within_rate", "weight": 20,
         "score": {"zero_at": 0, "full_at": 1}},
        {"name": "resolution", "metric": "resolved_within_rate", "weight": 30,
         "score": {"zero_at": 0, "full_at": Fraction(9, 10)}},
        {"name": "satisfaction", "metric": "rating_mean", "weight": 40,
         "min_samples": 5,
         "score": {"zero_at": 0, "full_at": Fraction(9, 2)}},
        {"name": "cross_sell", "metric": "cross_sell_orders", "weight": 10,
         "score": {"zero_at": 0, "full_at": 5}},
    ],
    "tiers": [
        {"name": "excellent", "min": 90},
        {"name": "good", "min": 80},
        {"name": "qualified", "min": 70},
        {"name": "unqualified", "min": 0},
    ],
}

# Fields that a rulebook may carry and that move no figure of the report.
SILENT = {"effective_from", "label", "incentives", "hysteresis", "dwell",
          "dwell_ms", "version"}


# ---------------------------------------------------------------- numbers

def round_away(value):
    """A fraction to the nearest whole number, half away from zero."""
    value = Fraction(value)
    whole = (abs(value.numerator) * 2 + value.denominator) // (
        2 * value.denominator)
    return whole if value >= 0 else -whole


def exact6(value):
    """A decimal of a rulebook: exact to 6 places, further ones rounded."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    return Fraction(round_away(Fraction(value) * 10**6), 10**6)


# ------------------------------------------------------------------ words

STRIPPED = (
    (0x00, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0xBF), (0xD7, 0xD7),
    (0xF7, 0xF7), (0x2000, 0x2BFF), (0x3000, 0x303F), (0xFE00, 0xFE0F),
    (0xFE30, 0xFE4F), (0xFF00, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF65), (0x1F000, 0x1FAFF), (0xE0000, 0xE007F))


def lower_ascii(char):
    return chr(ord(char) + 32) if "A" <= char <= "Z" else char


def stripped(text):
    kept = (c for c in text
            if not any(lo <= ord(c) <= hi for lo, hi in STRIPPED))
    return "".join(lower_ascii(c) for c in kept)


def is_chain(text, phrases, particles):
    """text is phrases and particles one after the other, one phrase at least."""
    # reach[i]: the ways to have read text[:i]; a way is "with a phrase" or not
    reach = [set() for _ in range(len(text) + 1)]
    reach[0].add(False)
    for i in range(len(text)):
        for seen in reach[i]:
            for words, is_phrase in ((phrases, True), (particles, False)):
                for word in words:
                    if word and text.startswith(word, i):
                        reach[i + len(word)].add(seen or is_phrase)
    return True in reach[len(text)]


def asks_for_nothing(text, phrases, particles):
    if text is None or text == "" or "?" in text or "\uff1f" in text:
        return False
    rest = stripped(text)
    return rest == "" or is_chain(rest, [stripped(p) for p in phrases],
                                  [stripped(p) for p in particles])


# ------------------------------------------------------------------ hours

def at(ms):
    return EPOCH + ms * MS


def to_ms(moment):
    return (moment.astimezone(UTC) - EPOCH) // MS


class Hours:
    """Open hours in a time zone; naive: it walks over the days."""

    def __init__(self, zone, weekly, special):
        self.zone = ZoneInfo(zone)
        self.weekly = weekly
        self.special = special or {}
        self.always = weekly is None and not self.special
        self.cache = {}

    def local(self, ms):
        return at(ms).astimezone(self.zone)

    def day(self, ms):
        return self.local(ms).date().isoformat()

    def month(self, ms):
        return self.day(ms)[:7]

    def moment(self, date, clock):
        hour, minute = (int(part) for part in clock.split(":"))
        if hour == 24:
            date, hour = date + dt.timedelta(days=1), 0
        return to_ms(dt.datetime(date.year, date.month, date.day, hour, minute,
                                 tzinfo=self.zone))

    def spans_of(self, date):
        """The (start, end) spans that start on this local date."""
        if date in self.cache:
            return self.cache[date]
        next_day = date + dt.timedelta(days=1)
        listed = self.special.get(date.isoformat())
        if listed is None and self.weekly is None:
            listed = [("00:00", "24:00")]
        elif listed is None:
            listed = self.weekly.get(DAY_NAMES[date.weekday()], [])
        spans = []
        for start, end in listed:
            runs_over = minutes(end) <= minutes(start)
            spans.append((self.moment(date, start),
                          self.moment(next_day if runs_over else date, end)))
        self.cache[date] = spans
        return spans

    def spans_between(self, a, b):
        date = self.local(a).date() - dt.timedelta(days=2)
        last = self.local(b).date() + dt.timedelta(days=1)
        while date <= last:
            yield from self.spans_of(date)
            date += dt.timedelta(days=1)

    def worked(self, a, b):
        """Milliseconds of [a, b) inside the service hours; never negative."""
        if b <= a:
            return 0
        if self.always:
            return b - a
        total, done = 0, a
        for start, end in sorted(self.spans_between(a, b)):
            start, end = max(start, done), min(end, b)
            if end > start:
                total, done = total + end - start, end
        return total

    def is_open(self, ms):
        return self.worked(ms, ms + 1) == 1


def minutes(clock):
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


# --------------------------------------------------------------- rulebook

class Rulebook:
    """The seed with the overrides, each field replaced whole."""

    def __init__(self, overrides=None):
        fields = dict(SEED)
        for key, value in (overrides or {}).items():
            if key not in SEED and key not in SILENT:
                raise ValueError("rulebook: unknown field %r" % key)
            fields[key] = value
        for key in SEED:
            setattr(self, key, fields[key])
        for key in SEED:
            if key.endswith("_ms"):
                setattr(self, key, int(fields[key]))
        self.hours = Hours(self.timezone, self.service_hours, self.special_days)

    def at(self, _ms):
        return self

    def in_force(self, _period):
        return self

    def is_closer(self, text):
        return asks_for_nothing(text, self.closing_phrases,
                                self.closing_particles)

    def is_placeholder(self, text):
        return bool(self.placeholder_phrases) and asks_for_nothing(
            text, self.placeholder_phrases, self.closing_particles)


class HoursByMonth(Hours):
    """Each local day has the hours of the rulebook of its month."""

    def __init__(self, zone, books):
        super().__init__(zone, None, None)
        self.books = books
        self.always = all(book.hours.always for _, book in books)

    def spans_of(self, date):
        return of_month(self.books, date.isoformat()[:7]).hours.spans_of(date)


def of_month(books, month):
    return [book for since, book in books if since <= month][-1]


class Rulebooks:
    """Several of a site: each fact is judged by that of its own day.

    Each gives its effective_from; the first one's month is before all facts.
    """

    def __init__(self, zone, overrides):
        self.books = [(o["effective_from"], Rulebook({**o, "timezone": zone}))
                      for o in overrides]
        self.hours = HoursByMonth(zone, self.books)

    def at(self, ms):
        return of_month(self.books, self.hours.month(ms))

    def in_force(self, period):
        return of_month(self.books, period[:7])

    def is_closer(self, text):
        return self.books[0][1].is_closer(text)

    def is_placeholder(self, text):
        return self.books[0][1].is_placeholder(text)


def without_comments(text):
    """JSON text with // and /* */ comments blanked out."""
    out, i, in_string = [], 0, False
    while i < len(text):
        two = text[i:i + 2]
        if in_string:
            step = 2 if text[i] == "\\" else 1
            in_string = text[i] != '"'
            out.append(text[i:i + step])
            i += step
        elif two == "//":
            end = text.find("\n", i)
            i = len(text) if end < 0 else end
        elif two == "/*":
            i = text.index("*/", i + 2) + 2
            out.append(" ")
        else:
            in_string = text[i] == '"'
            out.append(text[i])
            i += 1
    return "".join(out)


def read_rulebook(path):
    with open(path, encoding="utf-8") as handle:
        text = without_comments(handle.read())
    return json.loads(text, parse_float=Decimal)
