// Why a figure is what it is: each conversation, its seconds, and for each turn whether it counted and why.
//
// What the lines count adds up to the figures above them; the daemon promises it and this page shows both. All pages of a
// list belong to one snapshot; when that is gone (410) the list is loaded anew.
import { useEffect, useState } from "preact/hooks";
import { act, get, session, useData } from "../base/api.js";
import { cut, dateTime, period as periodWords, yuan } from "../base/format.js";
import { label, lang, t } from "../base/i18n.js";
import { go, page, path } from "../base/route.js";
import { rulebook } from "../base/rulebook.js";
import { limit, nameOf, seconds } from "../base/words.js";
import { Acts } from "../parts/act_form.jsx";
import { Appeals } from "../parts/appeals.jsx";
import { Card } from "../parts/bits.jsx";
import { Missing, PageHead } from "../parts/frame.jsx";
import { ConversationLink } from "../parts/waits.jsx";

const TIMES = new Set(["response_sum", "first_sum", "resolve_sum"]);

function figure(name, n) {
    if (TIMES.has(name)) return seconds(n);
    if (name === "rating_sum") return `${cut(n, 1000, 2)} ${t("unit.star")}`;
    if (name === "cross_fen") return `¥${yuan(n)}`;
    return String(n);
}

function Counts({ counts }) {
    const names = Object.keys(counts);
    if (names.length === 0) return <span class="not">{t("why.notcounted")}</span>;
    return (
        <ul class="counts">
            {names.map((name) => (
                <li key={name}>
                    {t(`fig.${name}`)} <b>{figure(name, counts[name])}</b>
                </li>
            ))}
        </ul>
    );
}

function toneOf(item) {
    const { counts } = item;
    if (Object.keys(counts).length === 0) return "idle";
    if (counts.missed || counts.fcr_fail || (item.ms != null && item.limit_ms != null && item.ms > item.limit_ms)) return "bad";
    return "good";
}

// What an agent may contest: a turn that was answered late or not at all, a rating below five stars; what does no harm needs no
// appeal. The item is named as the daemon shows it.
export function thingOf(item) {
    if (item.kind === "rating") return item.score_milli < 5000 ? { about: "rating", day: item.day, score_milli: item.score_milli } : null;
    const harms = item.kind === "miss" || (item.kind === "answer" && item.ms > item.limit_ms);
    return harms && item.asked_ms != null ? { about: "turn", asked_ms: item.asked_ms } : null;
}

function Contest({ agent, item, id, done }) {
    const thing = thingOf(item);
    if (!thing || item.conversation == null) return null;
    const submit = ({ reason }) => act("POST", `/v1${path("agents", agent, "appeals")}`, { ...thing, conversation: item.conversation, reason });
    const what = t(`appeal.about.${thing.about}`);
    return <Acts id={id} done={done} after="#appeals-title" acts={[{ key: "contest", label: t("appeal.file"), text: t("appeal.file.text", { what }), must: true, submit }]} />;
}

function Item({ item, id, contest }) {
    const at = item.from_ms ?? item.to_ms;
    return (
        <tr role="row" class={`item item-${toneOf(item)}`}>
            <td role="cell" class="when">{at == null ? periodWords(item.day, lang.value) : dateTime(at, lang.value, session.value.timezone)}</td>
            <td role="cell">{t(`kind.${item.kind}`)}</td>
            <td role="cell">
                {item.order != null && <span class="order">{item.order} </span>}
                {item.conversation != null && <ConversationLink id={item.conversation} url={item.url} />}
            </td>
            <td role="cell" class="because">{label(item.text, item.why)}</td>
            <td role="cell" class="num">{item.score_milli != null ? `${cut(item.score_milli, 1000, 2)} ${t("unit.star")}` : seconds(item.ms)}</td>
            <td role="cell" class="num">{limit(item.limit_ms)}</td>
            <td role="cell">
                <Counts counts={item.counts} />
                {contest && <Contest agent={contest.agent} item={item} id={id} done={contest.done} />}
            </td>
        </tr>
    );
}

const HEADINGS = ["time", "kind", "conversation", "why", "ms", "limit", "counts"];

function Items({ items, contest }) {
    return (
        <div class="scroll" role="group" aria-label={t("nav.why")} tabindex="0">
            <table class="items" role="table">
                <caption class="unseen">{t("nav.why")}</caption>
                <thead>
                    <tr>
                        {HEADINGS.map((name) => (
                            <th key={name} scope="col" class={name === "ms" || name === "limit" ? "num" : ""}>
                                {t(`why.col.${name}`)}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {items.map((item, i) => (
                        <Item key={i} item={item} id={`item-${i}`} contest={contest} />
                    ))}
                </tbody>
            </table>
        </div>
    );
}

// The figures of a KPI that the lines add up to; all that are not 0 if none is chosen.
const OF_METRIC = {
    reply_within_rate: ["within", "answered", "missed"],
    first_reply_within_rate: ["first_within", "first_n"],
    response_mean_seconds: ["response_sum", "answered"],
    first_response_mean_seconds: ["first_sum", "first_n"],
    resolved_within_rate: ["resolved_within", "handled"],
    resolved_rate: ["resolved", "handled"],
    fcr_rate: ["fcr_pass", "fcr_fail", "fcr_pending"],
    rating_mean: ["rating_sum", "rating_n"],
    rating_good_rate: ["rating_good", "rating_n"],
    cross_sell_orders: ["cross", "cross_fen"],
};

export function figuresOf(figures, metric) {
    return OF_METRIC[metric] ?? Object.keys(figures).filter((name) => figures[name] !== 0);
}

function Figures({ figures, metric }) {
    return (
        <dl class="stats">
            {figuresOf(figures, metric).map((name) => (
                <div key={name} class="stat">
                    <dt>{t(`fig.${name}`)}</dt>
                    <dd>{figure(name, figures[name])}</dd>
                </div>
            ))}
        </dl>
    );
}

// The pages loaded so far; `more` loads the next, `again` begins anew.
function useItems(address) {
    const [turn, setTurn] = useState(0);
    const first = useData(address, { mark: turn });
    const [later, setLater] = useState({ items: [], next: undefined, gone: false });
    useEffect(() => setLater({ items: [], next: undefined, gone: false }), [first.data]);
    const next = later.next === undefined ? first.data?.next : later.next;
    const more = () =>
        get(`${address}&after=${encodeURIComponent(next)}`).then(
            (page) => setLater({ items: later.items.concat(page.items), next: page.next, gone: false }),
            (error) => setLater({ ...later, gone: error.status === 410 }),
        );
    return { first, items: (first.data?.items ?? []).concat(later.items), next, more, gone: later.gone, again: () => setTurn(turn + 1) };
}

function More({ list }) {
    const { first, items, next, gone } = list;
    return (
        <div class="more">
            <span class="hint" role="status">
                {t("why.items.of", { shown: items.length, n: first.data.n })}
            </span>
            {gone && <span class="wrong">{t("why.gone")}</span>}
            {gone && (
                <button type="button" class="quiet" onClick={list.again}>
                    {t("why.reload")}
                </button>
            )}
            {next != null && !gone && (
                <button type="button" class="quiet" onClick={list.more}>
                    {t("why.more")}
                </button>
            )}
        </div>
    );
}

function Filters({ agent, period, kpi }) {
    const month = period.slice(0, 7);
    const to = (when, name) => page("agents", agent, "why", when) + (name ? `?kpi=${encodeURIComponent(name)}` : "");
    const { data } = useData(`/v1${path("agents", agent, "periods", month)}`);
    return (
        <div class="filters">
            <nav class="tabs" aria-label={t("why.kpi")}>
                <a href={to(period, "")} aria-current={kpi ? undefined : "page"}>
                    {t("why.kpi.all")}
                </a>
                {(rulebook.value?.kpis ?? []).map((one) => (
                    <a key={one.name} href={to(period, one.name)} aria-current={kpi === one.name ? "page" : undefined}>
                        {label(one.label, one.name)}
                    </a>
                ))}
            </nav>
            <label>
                {t("why.period")}
                <select value={period} onChange={(event) => go(to(event.currentTarget.value, kpi))}>
                    <option value={month}>
                        {periodWords(month, lang.value)} · {t("why.period.month")}
                    </option>
                    {[...(data?.days ?? [])].reverse().map((one) => (
                        <option key={one.day} value={one.day}>
                            {periodWords(one.day, lang.value)}
                        </option>
                    ))}
                </select>
            </label>
        </div>
    );
}

export function WhyPage({ agent, period, kpi }) {
    const address = `/v1${path("agents", agent, "explain", period)}?limit=100${kpi ? `&kpi=${encodeURIComponent(kpi)}` : ""}`;
    const list = useItems(address);
    const { data: who } = useData(`/v1${path("agents", agent)}`);
    const { first, items } = list;
    const own = session.value.agent === agent;
    const [filed, setFiled] = useState(0);
    const appeals = useData(own ? "/v1/appeals" : null, { mark: filed }).data?.appeals ?? [];
    const contest = own ? { agent, done: () => setFiled((n) => n + 1) } : undefined;
    const metric = rulebook.value?.kpis.find((one) => one.name === kpi)?.metric;
    const name = who ? nameOf(who.agent) : agent;
    useEffect(() => {
        document.title = `${name} · ${t("nav.why")} · kefud`;
    });
    if ([400, 404].includes(first.error?.status) && !first.data) return <Missing />;
    return (
        <>
            <PageHead title={t("why.title", { name })}>
                <a href={own ? page("me") : page("agents", agent)}>{t("why.back")}</a>
                {first.data && <span>{t("app.as_of", { time: dateTime(first.data.as_of_ms, lang.value, session.value.timezone) })}</span>}
            </PageHead>
            <Filters agent={agent} period={period} kpi={kpi} />
            {!first.data && <p class="loading">{t(first.error ? "app.failed" : "app.loading")}</p>}
            {first.data && (
                <Card id="why" class="why" title={periodWords(period, lang.value)} side={<span class="hint">{t("why.items", { n: first.data.n })}</span>}>
                    <Figures figures={first.data.figures} metric={metric} />
                    <p class="hint">{t(first.data.let_go ? "why.letgo" : "why.sum")}</p>
                    {items.length > 0 ? <Items items={items} contest={contest} /> : <p class="loading">{t("why.none")}</p>}
                    <More list={list} />
                </Card>
            )}
            {own && <Appeals list={appeals} month={period.slice(0, 7)} names={new Map()} done={contest.done} />}
        </>
    );
}
