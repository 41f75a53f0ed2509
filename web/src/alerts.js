// The alerts that concern who is logged in, as the daemon pushes them; and what may be done with them.
//
// They come along with the figures of the page (live.js), on a page without live figures by a stream of their own, and while
// there is none they are asked for every five seconds. Keeps true: one question at a time; what the daemon said last is shown,
// and `old` says when it no longer answers; what was there when the page came is no news. A page that nobody looks at opens and
// asks nothing of its own, unless it is to be heard.
import { effect, signal } from "@preact/signals";
import { act, get, loseSession } from "./base/api.js";
import { path } from "./base/route.js";
import { sound } from "./base/sound.js";
import { follow } from "./base/stream.js";

const EVERY_MS = 5000;

export const alerts = signal(undefined); // as /v1/alerts says; undefined until it is known
export const old = signal(false); // the last question had no answer
export const news = signal([]); // what came with the last answer that brought something new

// Raised, not yet taken on, and not held back: what a person should hear of.
export const isLoud = (one) => one.state === "firing" && !one.muted;

// The three lists of the page, each in the daemon's order: most severe first, then the oldest. What is pending is not yet an alert.
export function sortOut(list) {
    const on = list.filter((one) => one.state !== "pending");
    return {
        loud: on.filter(isLoud),
        taken: on.filter((one) => one.state === "acknowledged" && !one.muted),
        muted: on.filter((one) => one.muted),
    };
}

// What is loud now and was not in `known` (numbers; undefined: nothing is known, so nothing is new). [new ones, known from now on]
export function freshOf(known, list) {
    const loud = list.filter(isLoud);
    const fresh = known ? loud.filter((one) => !known.has(one.alert)) : [];
    return [fresh, new Set(loud.map((one) => one.alert))];
}

// Whom a person may silence by this alert: [{key, body}], the narrowest first. Only who sees all silences for all.
export function silenceable(one, all) {
    const list = [];
    if (one.agent) list.push({ key: "agent", body: { agent: one.agent } });
    if (one.team) list.push({ key: "team", body: { team: one.team } });
    if (all) list.push({ key: "all", body: {} });
    return list;
}

export const mayEnd = (silence, all) => all || Boolean(silence.agent || silence.team);

let known;
let asking; // the question under way
let wake = () => {};

function take(found) {
    const [fresh, all] = freshOf(known, found.alerts);
    known = all;
    alerts.value = found;
    old.value = false;
    if (fresh.length > 0) news.value = fresh;
}

// Streams that bring the list. `boards`: how many pages' streams are open; `fed`: those by which it has come since they opened.
export const boards = signal(0);
const fed = new Set();

// The list came by this stream; it ended, or was lost: then it is asked for until it comes again.
export function bring(stream, found) {
    fed.add(stream);
    asking?.abort();
    asking = undefined;
    take(found);
}

export function unfeed(stream) {
    if (fed.delete(stream)) wake();
}

// A stream of its own, for pages that have none.
function followAlone() {
    const stream = {};
    const end = follow("/v1/alerts/live", {
        event(name, data) {
            if (name === "alerts") bring(stream, data);
            else if (name === "bye" && data.why === "session") loseSession();
        },
        state(live) {
            if (!live) unfeed(stream);
        },
        gone(status) {
            if (status === 401) loseSession();
        },
    });
    return () => {
        end();
        unfeed(stream);
    };
}

async function ask() {
    asking?.abort();
    const abort = new AbortController();
    asking = abort;
    try {
        const found = await get("/v1/alerts", abort.signal);
        if (asking === abort) take(found);
    } catch {
        if (asking === abort) old.value = true;
    }
}

// Follows them until the function it returns is called.
export function watchAlerts() {
    let timer;
    let ended = false;
    const wanted = () => !document.hidden || sound.value !== "off";
    const hidden = signal(document.hidden);
    const leave = effect(() => {
        const alone = boards.value === 0 && (!hidden.value || sound.value !== "off");
        return alone ? followAlone() : undefined;
    });
    async function round(must) {
        clearTimeout(timer);
        if (must === true || (fed.size === 0 && wanted())) await ask();
        if (ended) return;
        clearTimeout(timer);
        timer = setTimeout(round, EVERY_MS);
    }
    const seen = () => {
        hidden.value = document.hidden;
        if (!document.hidden) round();
    };
    wake = round;
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", seen);
    round();
    return () => {
        ended = true;
        wake = () => {};
        leave();
        clearTimeout(timer);
        asking?.abort();
        asking = known = undefined;
        alerts.value = undefined;
        old.value = false;
        news.value = [];
        document.removeEventListener("visibilitychange", seen);
        removeEventListener("online", seen);
    };
}

// The list is asked for anew, and awaited, whether or not the act succeeded: a refusal means that it is another one by now.
const then = (done) => done.finally(() => wake(true));

export const acknowledge = (number) => then(act("POST", `/v1${path("alerts", String(number), "ack")}`));
export const silence = (body) => then(act("POST", "/v1/silences", body));
export const endSilence = (id) => then(act("DELETE", `/v1${path("silences", id)}`));
