// The alerts that concern who is logged in, asked for every five seconds; and what may be done with them.
//
// Keeps true: one question at a time; what the daemon answered last is shown, and `old` says when it no longer answers; what
// was there when the page came is no news. A page that nobody looks at asks nothing, unless it is to be heard.
import { signal } from "@preact/signals";
import { act, get } from "./base/api.js";
import { path } from "./base/route.js";
import { sound } from "./base/sound.js";

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

async function ask() {
    asking?.abort();
    const abort = new AbortController();
    asking = abort;
    try {
        const found = await get("/v1/alerts", abort.signal);
        if (asking !== abort) return;
        const [fresh, all] = freshOf(known, found.alerts);
        known = all;
        alerts.value = found;
        old.value = false;
        if (fresh.length > 0) news.value = fresh;
    } catch {
        if (asking === abort) old.value = true;
    }
}

// Asks until the function it returns is called.
export function watchAlerts() {
    let timer;
    let ended = false;
    async function round() {
        clearTimeout(timer);
        if (!document.hidden || sound.value !== "off") await ask();
        if (ended) return;
        clearTimeout(timer);
        timer = setTimeout(round, EVERY_MS);
    }
    const seen = () => {
        if (!document.hidden) round();
    };
    wake = round;
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", seen);
    round();
    return () => {
        ended = true;
        clearTimeout(timer);
        asking?.abort();
        asking = known = undefined;
        wake = () => {};
        alerts.value = undefined;
        old.value = false;
        news.value = [];
        document.removeEventListener("visibilitychange", seen);
        removeEventListener("online", seen);
    };
}

// The list is asked for anew, and awaited, whether or not the act succeeded: a refusal means that it is another one by now.
const then = (done) => done.finally(() => wake());

export const acknowledge = (number) => then(act("POST", `/v1${path("alerts", String(number), "ack")}`));
export const silence = (body) => then(act("POST", "/v1/silences", body));
export const endSilence = (id) => then(act("DELETE", `/v1${path("silences", id)}`));
