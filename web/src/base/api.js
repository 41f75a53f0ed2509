// Asking the daemon. One session for the page: `session` is undefined until it is known, null when nobody is logged in.
//
// Keeps true: a 401 from anywhere brings the log-in page; an answer that came too late for what is shown now is dropped.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { forgetTime, learnTime } from "./time.js";

export const session = signal(undefined);
export const unreachable = signal(false); // the daemon did not answer when the page asked who is there

export class Refused extends Error {
    constructor(status, retryAfterS, { error, code, value }) {
        super(`HTTP ${status}`);
        this.status = status;
        this.retryAfterS = retryAfterS;
        this.said = error; // the daemon's words, in English; may be undefined
        this.code = code; // by which our own words are found, with what they need; may be undefined
        this.value = value;
    }
}

const saidOf = (answer) => answer.json().catch(() => ({}));

async function ask(path, options) {
    const answer = await fetch(path, options);
    if (!answer.ok) throw new Refused(answer.status, Number(answer.headers.get("Retry-After")) || null, await saidOf(answer));
    return answer.status === 204 ? null : answer.json();
}

export async function get(path, signal) {
    try {
        return await ask(path, { signal });
    } catch (error) {
        if (error.status === 401) session.value = null;
        throw error;
    }
}

// Does something: `body`, if there is one, goes as JSON; a text goes as it is.
export async function act(method, path, body) {
    const headers = body && { "Content-Type": "application/json" };
    try {
        return await ask(path, { method, headers, body: typeof body === "string" ? body : body && JSON.stringify(body) });
    } catch (error) {
        if (error.status === 401) session.value = null;
        throw error;
    }
}

// Logged out without having asked for it: by expiry or by being revoked.
export const loseSession = () => {
    session.value = null;
};

function begin(found) {
    learnTime(found.now_ms);
    session.value = found;
    unreachable.value = false;
}

// Asks until there is an answer; a daemon that is just starting is waited for.
export async function findSession() {
    for (let pause = 500; session.value === undefined; pause = Math.min(pause * 2, 10000)) {
        try {
            begin(await ask("/v1/session"));
        } catch (error) {
            if (error.status === 401) session.value = null;
            else unreachable.value = true;
        }
        if (session.value === undefined) await new Promise((go) => setTimeout(go, pause));
    }
    unreachable.value = false;
}

// After a break the daemon's clock may be another one.
export async function askTime() {
    const found = await get("/v1/session").catch(() => null);
    if (!found) return;
    forgetTime();
    learnTime(found.now_ms);
}

export async function logIn(token) {
    const headers = { "Content-Type": "application/json" };
    begin(await ask("/v1/session", { method: "POST", headers, body: JSON.stringify({ token }) }));
}

export async function logOut() {
    await ask("/v1/session", { method: "DELETE" }).catch(() => {});
    session.value = null;
}

// All rows of a paged list: the first page's object with the rows of every page.
export async function getAll(path, rows, signal) {
    const whole = await get(path, signal);
    for (let next = whole.next; next; ) {
        const page = await get(`${path}${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(next)}`, signal);
        whole[rows] = whole[rows].concat(page[rows]);
        next = page.next;
    }
    return whole;
}

// {data, error} of `path` (null: ask nothing), asked anew when the path or `mark` changes and, if `everyMs` is given, in that
// rhythm. Data stay while they are asked for anew, and go when the path changes.
export function useData(path, { mark, everyMs, fetcher = get } = {}) {
    const [state, setState] = useState({});
    useEffect(() => {
        if (!path) return undefined;
        const abort = new AbortController();
        const load = () =>
            fetcher(path, abort.signal).then(
                (data) => setState({ path, data }),
                (error) => {
                    if (!abort.signal.aborted) setState((had) => ({ path, data: had.path === path ? had.data : undefined, error }));
                },
            );
        load();
        const timer = everyMs && setInterval(load, everyMs);
        return () => {
            abort.abort();
            clearInterval(timer);
        };
    }, [path, mark, everyMs]);
    return state.path === path ? state : {};
}
