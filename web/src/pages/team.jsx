// A team lead's page: who waits too long on top, then a row an agent, then the day so far.
import { computed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { useData } from "../base/api.js";
import { clock, mean, NONE, share } from "../base/format.js";
import { t } from "../base/i18n.js";
import { go, page } from "../base/route.js";
import { tick } from "../base/time.js";
import { nameOf, seconds } from "../base/words.js";
import { useTeam } from "../live.js";
import { Card, Empty, say, Stat, Tier } from "../parts/bits.jsx";
import { Distribution, Heat } from "../parts/charts.jsx";
import { Missing, PageHead } from "../parts/frame.jsx";
import { sorted, Table, useSort } from "../parts/table.jsx";
import { byUrgency, isOver, Wait } from "../parts/waits.jsx";

const turns = (figures) => figures.answered + figures.missed;
const oldest = (row) => (row.waits.length > 0 ? Math.min(...row.waits.map((wait) => wait.since_ms)) : null);
const dueFirst = (row) => (row.waits.length > 0 ? Math.min(...row.waits.map((wait) => wait.due_ms ?? Infinity)) : null);
const rate = (num, den) => (den > 0 ? num / den : null);

// `value` sorts; `down`: the first press sorts from the greatest down.
const COLUMNS = [
    { name: "name", title: "col.name", value: nameOf },
    { name: "status", title: "col.status", value: (row) => ["online", "busy", "away", "offline"].indexOf(row.status) + 1 || null },
    { name: "waiting", title: "col.waiting", class: "num", down: true, value: (row) => row.waiting },
    { name: "oldest", title: "col.oldest", class: "num", value: dueFirst },
    { name: "open", title: "col.open", class: "num", down: true, value: (row) => row.open },
    { name: "score", title: "col.score", class: "num", down: true, value: (row) => row.month.score.total_milli },
    { name: "tier", title: "col.tier", down: true, value: (row) => row.month.live_tier?.min_milli ?? null },
    { name: "answered", title: "col.answered", class: "num", down: true, value: (row) => row.today.figures.answered },
    { name: "within", title: "col.within", class: "num", value: (row) => rate(row.today.figures.within, turns(row.today.figures)) },
    { name: "p50", title: "col.p50", class: "num", down: true, value: (row) => row.today.responses.p50_ms },
    { name: "rating", title: "col.rating", class: "num", value: (row) => rate(row.month.figures.rating_sum, row.month.figures.rating_n) },
];

function Oldest({ row }) {
    const since = oldest(row);
    if (since == null) return <td class="num">{NONE}</td>;
    const over = row.waits.some((wait) => isOver(wait, tick.value));
    return <td class={`num clock${over ? " bad" : ""}`}>{clock(tick.value - since)}</td>;
}

function Row({ cell }) {
    const row = cell.value;
    const { figures, responses } = row.today;
    const status = row.status ?? "none";
    return (
        <tr data-agent={row.agent}>
            <th scope="row">
                <a href={page("agents", row.agent)}>{nameOf(row)}</a>
            </th>
            <td>
                <span class={`status status-${status}`}>{t(`status.${status}`)}</span>
            </td>
            <td class="num">{row.waiting}</td>
            <Oldest row={row} />
            <td class="num">{row.open}</td>
            <td class="num strong" data-score>
                {row.month.score.total ?? NONE}
            </td>
            <td>
                <Tier tier={row.month.live_tier} provisional={row.month.provisional} />
            </td>
            <td class="num">{figures.answered}</td>
            <td class="num">{share(figures.within, turns(figures))}</td>
            <td class="num">{seconds(responses.p50_ms)}</td>
            <td class="num">{mean(row.month.figures.rating_sum, row.month.figures.rating_n * 1000)}</td>
        </tr>
    );
}

function Agents({ store }) {
    const [sort, by] = useSort("team", { column: "oldest", down: false });
    const column = COLUMNS.find((one) => one.name === sort.column) ?? COLUMNS[3];
    // Only when the order is another one is the table drawn anew; a changed figure draws its row.
    const order = useMemo(
        () => computed(() => sorted(store.ids.value, (id) => column.value(store.rows.get(id).value), sort.down).join("\n")),
        [store, column, sort.down],
    );
    const ids = order.value === "" ? [] : order.value.split("\n");
    if (ids.length === 0) return <Empty>{t("team.noagents")}</Empty>;
    return (
        <Table caption={t("team.agents")} columns={COLUMNS} sort={sort} by={by}>
            {ids.map((id) => (
                <Row key={id} cell={store.rows.get(id)} />
            ))}
        </Table>
    );
}

// The waits that are over the limit now, of all agents, the most urgent first.
export function overdue(rows, now) {
    const list = [];
    for (const row of rows) for (const wait of row.waits) if (isOver(wait, now)) list.push({ wait, row });
    return list.sort((a, b) => byUrgency(a.wait, b.wait));
}

function Urgent({ store }) {
    const rows = store.ids.value.map((id) => store.rows.get(id).value);
    const list = overdue(rows, tick.value);
    useEffect(() => {
        if (list.length > 0) say(t("team.urgent.say", { n: list.length }));
    }, [list.length]);
    const count = list.length > 0 && <span class="count bad">{list.length}</span>;
    return (
        <Card id="urgent" class={`waits urgent${list.length > 0 ? " has" : ""}`} title={t("team.urgent")} side={count}>
            {list.length === 0 && <p class="hint calm">{t("team.urgent.none")}</p>}
            <ul class="wait-list wide">
                {list.slice(0, 12).map(({ wait, row }) => (
                    <Wait key={`${row.agent} ${wait.conversation}`} wait={wait} targetMs={row.target_ms} who={<a href={page("agents", row.agent)}>{nameOf(row)}</a>} />
                ))}
            </ul>
            {list.length > 12 && <p class="hint">{t("waits.more", { n: list.length - 12 })}</p>}
        </Card>
    );
}

function Summary({ store }) {
    const { summary, responses } = store.head.value;
    const rows = store.ids.value.map((id) => store.rows.get(id).value);
    const within = rows.reduce((n, row) => n + row.today.figures.within, 0);
    const all = rows.reduce((n, row) => n + turns(row.today.figures), 0);
    const over = overdue(rows, tick.value).length;
    return (
        <dl class="stats summary">
            <Stat name={t("team.online")}>
                {summary.online_n} <small>/ {summary.agents_n}</small>
            </Stat>
            <Stat name={t("team.waiting")}>{summary.waiting}</Stat>
            <Stat name={t("team.over")} tone={over > 0 ? "bad" : ""}>
                {over}
            </Stat>
            <Stat name={t("team.oldest")}>{summary.oldest_wait_ms == null ? NONE : clock(tick.value - summary.oldest_wait_ms)}</Stat>
            <Stat name={t("team.open")}>{summary.open}</Stat>
            <Stat name={t("team.within")}>{share(within, all)}</Stat>
            <Stat name={t("team.median")}>{seconds(responses.p50_ms)}</Stat>
        </dl>
    );
}

function Board({ team }) {
    const store = useTeam(team);
    const state = store.state.value;
    useEffect(() => {
        const waiting = store.head.value?.summary.over ?? 0;
        document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${team} · kefud`;
    });
    if (state === "missing") return <Missing />;
    if (!store.head.value) return <p class="loading">{t("app.loading")}</p>;
    const target = store.ids.value.length > 0 ? store.rows.get(store.ids.value[0]).value.target_ms : 30000;
    const { responses, heat } = store.head.value;
    return (
        <>
            <PageHead title={team} state={store.state} />
            <div class={`team${state === "live" ? "" : " old"}`}>
                <Summary store={store} />
                <Urgent store={store} />
                <Card id="agents" class="agents" title={t("team.agents")} side={<span class="hint">{store.ids.value.length}</span>}>
                    <Agents store={store} />
                </Card>
                {heat && (
                    <Card id="heat" class="heat-card" title={t("team.heat")}>
                        <Heat heat={heat} />
                    </Card>
                )}
                <Card id="responses" class="responses" title={t("team.responses")}>
                    {responses.n > 0 ? <Distribution responses={responses} targetMs={target} /> : <Empty sign="clock">{t("today.none")}</Empty>}
                </Card>
            </div>
        </>
    );
}

function Choice({ teams, team }) {
    if (teams.length < 2) return null;
    return (
        <nav class="tabs" aria-label={t("team.choose")}>
            {teams.map((one) => (
                <a key={one.team} href={page("team", one.team)} aria-current={one.team === team ? "page" : undefined}>
                    {one.team}
                    {one.over > 0 && <span class="count bad">{one.over}</span>}
                </a>
            ))}
        </nav>
    );
}

export function TeamPage({ team }) {
    const { data, error } = useData("/v1/teams", { everyMs: 15000 });
    const first = data?.teams[0]?.team;
    useEffect(() => {
        if (team == null && first != null) go(page("team", first), { replace: true });
    }, [team, first]);
    if (error && !data) return <p class="loading">{t("app.failed")}</p>;
    if (!data) return <p class="loading">{t("app.loading")}</p>;
    if (data.teams.length === 0) return <p class="loading">{t("team.none")}</p>;
    return (
        <>
            <Choice teams={data.teams} team={team ?? first} />
            {team != null && <Board key={team} team={team} />}
        </>
    );
}
