// What the daemon pushes, as signals: each row is one, so that a change draws one row and not the page.
import { batch, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { boards, bring, unfeed } from "./alerts.js";
import { askTime, loseSession } from "./base/api.js";
import { path } from "./base/route.js";
import { follow } from "./base/stream.js";
import { learnTime } from "./base/time.js";

// state: "starting" until the first figures are here, then "live" or "lost" (what is shown is old), or "missing".
function open(address, apply, state) {
    const stream = {};
    boards.value++;
    const end = follow(`${address}?alerts=1`, {
        event(name, data) {
            if (name === "alerts") {
                bring(stream, data);
                return;
            }
            if (name === "bye") {
                if (data.why === "session") loseSession();
                return;
            }
            batch(() => {
                if (state.value === "lost") askTime();
                learnTime(data.as_of_ms);
                apply(name, data);
                state.value = "live";
            });
        },
        state(live) {
            if (live) return;
            if (state.value === "live") state.value = "lost";
            unfeed(stream);
        },
        gone(status) {
            if (status === 401) loseSession();
            else state.value = "missing";
        },
    });
    return () => {
        end();
        unfeed(stream);
        boards.value--;
    };
}

// One agent: {row, state}; row is undefined until it is here.
export function useAgent(id, own) {
    const live = useMemo(() => ({ row: signal(undefined), state: signal("starting") }), [id, own]);
    useEffect(() => {
        const address = own ? "/v1/me/live" : `/v1${path("agents", id, "live")}`;
        return open(address, (_, data) => (live.row.value = data.agent), live.state);
    }, [live]);
    return live;
}

// A team: {rows: Map of id -> signal, ids, head: {summary, responses, heat}, state}.
export function teamStore() {
    return { rows: new Map(), ids: signal([]), head: signal(undefined), state: signal("starting") };
}

export function applyTeam(store, name, data) {
    const changed = data.agents;
    if (name === "snapshot") {
        const known = new Set(changed.map((row) => row.agent));
        for (const id of store.rows.keys()) if (!known.has(id)) store.rows.delete(id);
    }
    for (const id of data.gone ?? []) store.rows.delete(id);
    for (const row of changed) {
        const had = store.rows.get(row.agent);
        if (had) had.value = row;
        else store.rows.set(row.agent, signal(row));
    }
    const ids = [...store.rows.keys()];
    if (ids.join("\n") !== store.ids.peek().join("\n")) store.ids.value = ids;
    store.head.value = { summary: data.summary, responses: data.responses, heat: data.heat ?? store.head.peek()?.heat ?? null };
}

export function useTeam(team) {
    const store = useMemo(teamStore, [team]);
    useEffect(() => open(`/v1${path("teams", team, "live")}`, (name, data) => applyTeam(store, name, data), store.state), [store]);
    return store;
}
