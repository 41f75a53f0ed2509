"""One conversation: its list of events in order to waits, episodes, ratings.

Keeps true: nothing here depends on the order of arrival, only on the sorted
list, the rulebook and as_of.  What it gives: `Conversation` with the finished
episodes and a list of facts (answer, miss) for the report to count.
"""

RANK = {"conversation.opened": 0, "conversation.reopened": 1,
        "conversation.handoff": 4, "conversation.assigned": 5,
        "conversation.resolved": 7, "rating": 8, "rating.voided": 9,
        "message.recalled": 10, "turn.excused": 11, "decision.undone": 12}
MESSAGE_RANK = {"customer": 2, "bot": 3, "agent": 6, "system": 6}


def utf8(text):
    return text.encode("utf-8")


def order_key(event):
    rank = (MESSAGE_RANK[event["from"]] if event["type"] == "message"
            else RANK[event["type"]])
    return (event["ts"], rank, utf8(event["source"]), utf8(event["id"]))


def identity(event):
    return (event["source"], event["id"])


# ------------------------------------------------------------------- waits

class Hold:
    """A stretch of a wait in the hands of an agent (None: nobody)."""

    def __init__(self, agent, start, explicit):
        self.agent, self.start, self.explicit = agent, start, explicit
        self.worked = None


ALL = object()


class Wait:
    def __init__(self, book, at, holder, explicit):
        self.book = book
        self.present = Hold(holder, at, explicit)
        self.ended = []
        self.excused = set()            # agents; ALL: nobody's part counts

    def counted(self, facts):
        """Without those of whom a lead has excused in this turn."""
        return [f for f in facts
                if ALL not in self.excused and f[1] not in self.excused]

    def end_hold(self, at):
        self.present.worked = self.book.hours.worked(self.present.start, at)
        self.ended.append(self.present)
        self.present = None

    def restart(self, at):
        """A handoff: the bot had it; what was before is forgotten."""
        self.ended = []
        self.present.start = at

    def last_agent(self):
        """The agent who held it last before the present hold."""
        agents = [h.agent for h in self.ended if h.agent is not None]
        return agents[-1] if agents else None

    def assign(self, at, agent, by):
        if agent is None and by == "agent":
            return                      # who lets go holds on
        if agent == self.present.agent:
            self.present.explicit = agent is not None
            return
        if self.present.agent is None and (
                by == "agent" or agent == self.last_agent()):
            self.present.agent, self.present.explicit = agent, True
            return                      # the queue's time is the agent's own
        self.end_hold(at)
        self.present = Hold(agent, at, agent is not None)

    def ended_total(self, agent):
        return sum(h.worked for h in self.ended if h.agent == agent)

    def first_start(self, agent):
        holds = self.ended + ([self.present] if self.present else [])
        starts = [h.start for h in holds if h.agent == agent]
        return min(starts) if starts else None

    def ended_holders(self):
        return sorted({h.agent for h in self.ended},
                      key=lambda a: (a is not None, a or ""))

    def misses(self, holders, reached):
        return [("miss", agent, self.first_start(agent))
                for agent in holders if reached(agent)]

    def reached_target(self, agent):
        book = self.book.at(self.first_start(agent))
        return self.ended_total(agent) >= book.response_target_ms

    def answer(self, sender, at):
        """Ends the wait. Returns (response or None, facts without first)."""
        held = self.present
        if held.agent not in (None, sender) and held.explicit:
            self.end_hold(at)
            return None, self.misses(self.ended_holders(), self.reached_target)
        others = [a for a in self.ended_holders() if a != sender]
        facts = self.misses(others, self.reached_target)
        response = (self.ended_total(sender)
                    + self.book.hours.worked(held.start, at))
        own = [h.start for h in self.ended if h.agent == sender]
        start = min(own) if own else held.start
        if response == 0 and not self.book.hours.is_open(start):
            return None, facts
        return (response, start), facts

    def resolved(self, at):
        self.end_hold(at)
        facts = self.misses(self.ended_holders(), self.reached_target)
        whole = sum(h.worked for h in self.ended)
        last = self.last_agent()
        if facts or last is None:
            return facts
        book = self.book.at(self.first_start(last))
        if whole < book.response_target_ms:
            return facts
        return [("miss", last, self.first_start(last))]

    def open_at(self, as_of):
        """Misses of a wait still open at as_of."""
        present = self.present
        so_far = (self.ended_total(present.agent)
                  + self.book.hours.worked(present.start, as_of))

        def reached(agent):
            if agent == present.agent:
                book = self.book.at(self.first_start(agent))
                return so_far >= book.abandon_after_ms
            return self.reached_target(agent)
        holders = self.ended_holders()
        if present.agent not in holders:
            holders = holders + [present.agent]
        return self.misses(holders, reached)


# ---------------------------------------------------------------- episodes

class Episode:
    def __init__(self, start, assignee, explicit):
        self.start = start
        self.carried = assignee if explicit else None
        self.explicit = {assignee} if explicit else set()
        self.human_hands = False
        self.customer_at = None         # first customer message not ignored
        self.last_customer_at = None
        self.first_human_at = None
        self.last_human_at = None
        self.last_human = None
        self.wait_ends = []             # (agent, at): who ended waits, in order
        self.last_wait_end_at = None    # of the last wait, if a human ended it
        self.first_touch = {}           # agent: first assignment or message
        self.ended = None               # the resolved event
        self.over_wait = False          # ended over an open wait
        self.owner = None               # as ended, or as a timeout would give
        self.end_assignee = None
        self.ratings = []
        self.resolved_at = None         # when it was resolved, if it was

    def touch(self, agent, at):
        self.first_touch.setdefault(agent, at)

    def last_to_serve(self):
        return self.wait_ends[-1][0] if self.wait_ends else self.last_human

    def last_moved(self):
        """Its last customer message, or the answer if that was later."""
        if self.customer_at is None:
            return None
        return max(self.last_customer_at, self.last_wait_end_at
                   or self.last_customer_at)

    def counts(self):
        return (self.human_hands and self.owner is not None
                and self.customer_at is not None)


class Conversation:
    """The fold over the sorted events of one conversation, up to as_of."""

    def __init__(self, book, events, as_of):
        self.book, self.as_of = book, as_of
        self.events = sorted(events, key=order_key)
        self.assignee, self.explicit, self.since = None, False, None
        self.episode, self.wait = None, None
        self.episodes, self.facts, self.early_ratings = [], [], []
        self.replied = False            # a human or bot has
        self.gone = self.recalled()
        undone = {(e["of_source"], e["decision"]) for e in self.events
                  if e["type"] == "decision.undone"}
        stand = [e for e in self.events if identity(e) not in undone]
        self.voided = {(e["of_source"], e["rating"]) for e in stand
                       if e["type"] == "rating.voided"}
        self.excuses = {}               # identity of a message: whose part
        for e in stand:
            if e["type"] == "turn.excused":
                self.excuses.setdefault((e["of_source"], e["message"]), set()) \
                    .add(ALL if e["agent"] is None else e["agent"])
        self.customer = self.named("customer")
        self.shop = self.named("shop")
        self.topic = self.named("topic")
        for event in self.events:
            if identity(event) not in self.gone:
                self.step(event)
        self.finish()

    # ---- what is known before the fold

    def ignored(self, event):
        """Ignored whatever the state (a closer depends on the state)."""
        if event["private"] or event["auto"] or event["from"] == "system":
            return True
        return event["from"] == "agent" and self.book.is_placeholder(
            event["text"])

    def closer(self, event):
        if event["closing"] is not None:
            return event["closing"]
        return self.book.is_closer(event["text"])

    def recalled(self):
        """Identities of the customer messages that never were."""
        recalls = {}
        for event in self.events:
            if event["type"] == "message.recalled":
                recalls.setdefault((event["of_source"], event["message"]),
                                   []).append(order_key(event))
        gone, reply_key = set(), None
        for event in reversed(self.events):
            if event["type"] != "message":
                continue
            if event["from"] == "customer":
                if any(reply_key is None or key < reply_key
                       for key in recalls.get(identity(event), ())):
                    gone.add(identity(event))
            elif not self.ignored(event):
                reply_key = order_key(event)
        return gone

    def named(self, field):
        for event in self.events:
            if identity(event) not in self.gone and event.get(field):
                return event[field]
        return None

    # ---- the fold

    def step(self, event):
        handler = {
            "conversation.opened": self.on_start,
            "conversation.reopened": self.on_start,
            "conversation.handoff": self.on_handoff,
            "conversation.assigned": self.on_assigned,
            "conversation.resolved": self.on_resolved,
            "message": self.on_message,
            "rating": self.on_rating}.get(event["type"])
        if handler:
            handler(event, event["ts"])

    def start(self, at):
        if self.episode is None:
            self.episode = Episode(at, self.assignee, self.explicit)
            self.episodes.append(self.episode)

    def on_start(self, _event, at):
        self.start(at)

    def excuse(self, event):
        """The event opens, holds on or answers the wait that is open."""
        self.wait.excused |= self.excuses.get(identity(event), set())

    def on_handoff(self, event, at):
        self.start(at)
        if not self.episode.human_hands:
            if self.wait is None:
                self.open_wait(at)
            else:
                self.wait.restart(at)
            self.excuse(event)
        self.episode.human_hands = True

    def open_wait(self, at):
        self.wait = Wait(self.book, at, self.assignee, self.explicit)
        self.episode.last_wait_end_at = None

    def set_assignee(self, agent, at, explicit):
        if agent != self.assignee:
            self.assignee, self.since, self.explicit = agent, at, explicit
        elif explicit:
            self.explicit = agent is not None

    def on_assigned(self, event, at):
        agent = event["agent"]
        if agent is not None and not self.episodes:
            self.start(at)
        self.set_assignee(agent, at, agent is not None)
        if self.episode is None:
            return
        if agent is not None:
            self.episode.human_hands = True
            self.episode.explicit.add(agent)
            self.episode.touch(agent, at)
        if self.wait is not None:
            self.wait.assign(at, agent, event["by"])

    def on_message(self, event, at):
        if self.ignored(event):
            return
        sender = event["from"]
        if sender == "customer":
            self.on_customer(event, at)
        elif sender == "bot":
            self.replied = True
            if self.wait and not self.episode.human_hands:
                self.wait = None
        else:
            self.on_agent(event, at)
            self.replied = True

    def on_customer(self, event, at):
        if self.wait is None and self.replied and self.closer(event):
            return
        self.start(at)
        episode = self.episode
        if episode.customer_at is None:
            episode.customer_at = at
        episode.last_customer_at = at
        if self.wait is None:
            self.open_wait(at)
        self.excuse(event)

    def on_agent(self, event, at):
        agent = event["agent"]
        if not self.episodes:
            self.start(at)
        episode = self.episode
        is_first = episode is not None and episode.first_human_at is None
        if episode is not None:
            self.note_human(episode, agent, at)
        if self.wait is not None:
            self.excuse(event)
            self.end_wait(agent, at, is_first)
            self.set_assignee(agent, at, False)
        elif self.assignee is None:
            self.set_assignee(agent, at, False)

    def note_human(self, episode, agent, at):
        episode.human_hands = True
        if episode.first_human_at is None:
            episode.first_human_at = at
        episode.last_human_at, episode.last_human = at, agent
        episode.touch(agent, at)

    def end_wait(self, agent, at, is_first):
        answer, misses = self.wait.answer(agent, at)
        if answer is not None:
            response, start = answer
            misses = misses + [("answer", agent, start, response, is_first)]
        self.facts += self.wait.counted(misses)
        self.wait = None
        self.episode.wait_ends.append((agent, at))
        self.episode.last_wait_end_at = at

    def on_resolved(self, event, at):
        episode = self.episode
        if episode is None:
            return
        if event["by"] == "agent":
            episode.human_hands = True
        episode.over_wait = self.wait is not None
        if self.wait is not None:
            self.facts += self.wait.counted(self.wait.resolved(at))
        episode.ended = event
        episode.end_assignee = self.assignee
        episode.owner = self.owner(episode, event["by"], event["agent"], at)
        episode.resolved_at = self.when_resolved(episode)
        self.wait, self.episode = None, None

    def when_resolved(self, episode):
        """When an ended episode was resolved, or None if it was not."""
        by = episode.ended["by"]
        if by in ("agent", "customer"):
            return episode.ended["ts"]
        if (by == "timeout" and not episode.over_wait and
                self.book.at(episode.ended["ts"]).timeout_counts_as == "resolved_at_last_reply"):
            return episode.last_human_at
        return None

    def owner(self, episode, by, named, at):
        served = episode.last_to_serve()
        if by == "timeout":
            return self.timeout_owner(episode, served, at, at)
        if by == "agent" and named is not None:
            enders = {agent for agent, _ in episode.wait_ends}
            if named in episode.explicit or named in enders:
                return named
        return self.assignee if self.assignee is not None else served

    def timeout_owner(self, episode, served, at, judged_at):
        if served is None or self.assignee in (None, served):
            return served if served is not None else self.assignee
        had = self.book.hours.worked(max(self.since, episode.start), at)
        return (self.assignee
                if had >= self.book.at(judged_at).abandon_after_ms else served)

    def on_rating(self, event, _at):
        if identity(event) in self.voided:
            return
        if not self.episodes:
            self.early_ratings.append(event)
            return
        asked = [e for e in self.episodes if e.customer_at is not None]
        (asked or self.episodes)[-1].ratings.append(event)

    def idle_owner(self, episode):
        """Whose it is if a timeout came at as_of, judged on the idle day."""
        return self.timeout_owner(episode, episode.last_to_serve(),
                                  self.as_of, episode.last_moved() or
                                  self.as_of)

    def finish(self):
        if self.wait is not None:
            self.facts += self.wait.counted(self.wait.open_at(self.as_of))
        if self.episode is not None:
            self.episode.end_assignee = self.assignee
            self.episode.owner = self.idle_owner(self.episode)
