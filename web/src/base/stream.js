// Server-sent events over fetch, for as long as the page is open: it comes back by itself after a restart of the daemon, a
// lost network or a laptop's sleep.
//
// Not EventSource: that hides the beats by which a dead connection is told from a quiet one, hides the status of an answer
// (logged out, not there, too busy), and forgets the last id when it is made anew. Keeps true: at most one connection at a
// time; tries again after 0.5 s, doubling to 10 s with a spread, so that a shop's boards do not all come back at once.

const FIRST_MS = 500;
const LONGEST_MS = 10000;
const SILENT_MS = 40000;

// Takes a stream's text apart. feed(text) calls emit({id, name, data}) for each whole event.
export function parser(emit) {
    let rest = "";
    let event = { id: undefined, name: "message", data: [] };
    function line(text) {
        if (text === "") {
            if (event.data.length > 0) emit({ id: event.id, name: event.name, data: event.data.join("\n") });
            event = { id: undefined, name: "message", data: [] };
            return;
        }
        const colon = text.indexOf(":");
        if (colon === 0) return; // a beat
        const field = colon < 0 ? text : text.slice(0, colon);
        const value = colon < 0 ? "" : text.slice(colon + (text[colon + 1] === " " ? 2 : 1));
        if (field === "data") event.data.push(value);
        else if (field === "event") event.name = value;
        else if (field === "id") event.id = value;
    }
    return function feed(text) {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        for (const one of lines) line(one.endsWith("\r") ? one.slice(0, -1) : one);
    };
}

// One connection, read until it ends, falls silent or is aborted. Returns the status of an answer for good (401, 404), else 0.
async function listen(path, lastId, abort, emit) {
    let silent;
    const beat = () => {
        clearTimeout(silent);
        silent = setTimeout(() => abort.abort(), SILENT_MS);
    };
    beat();
    try {
        const headers = lastId === undefined ? {} : { "Last-Event-ID": lastId };
        const answer = await fetch(path, { headers, signal: abort.signal, cache: "no-store" });
        if (answer.status === 401 || answer.status === 404) return answer.status;
        if (!answer.ok) return 0;
        const reader = answer.body.getReader();
        const decoder = new TextDecoder();
        const feed = parser(emit);
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return 0;
            beat();
            feed(decoder.decode(value, { stream: true }));
        }
    } finally {
        clearTimeout(silent);
        abort.abort();
    }
}

// Follows `path` until the function it returns is called. `on`: event(name, data), state(live: boolean), gone(status) when
// there is nothing to come back to (401 logged out, 404 not there).
export function follow(path, on) {
    let stopped = false;
    let lastId;
    let abort;
    let pause = FIRST_MS;
    let wake = () => {};

    function emit(event) {
        if (event.id !== undefined) lastId = event.id;
        pause = FIRST_MS;
        on.state(true);
        try {
            on.event(event.name, JSON.parse(event.data));
        } catch (error) {
            // A mistake of ours must not look like a lost connection.
            setTimeout(() => {
                throw error;
            });
        }
    }

    async function run() {
        while (!stopped) {
            abort = new AbortController();
            const status = await listen(path, lastId, abort, emit).catch(() => 0);
            if (stopped) return;
            if (status) return on.gone(status);
            on.state(false);
            await new Promise((go) => {
                wake = go;
                setTimeout(go, pause * (0.6 + 0.4 * Math.random()));
            });
            pause = Math.min(pause * 2, LONGEST_MS);
        }
    }

    const hurry = () => {
        if (!document.hidden) wake();
    };
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    run();
    return () => {
        stopped = true;
        abort.abort();
        wake();
        removeEventListener("online", hurry);
        document.removeEventListener("visibilitychange", hurry);
    };
}
