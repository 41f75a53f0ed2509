// A month: how it stands, everybody's table, and behind tabs what came late, what is contested and proposed, files, a rulebook on trial,
// who did what. Amounts only for payroll, and only when asked for. After each act everything is asked for anew.
import { useEffect, useRef, useState } from "preact/hooks";
import { getAll, session, useData } from "../base/api.js";
import { dateTime, NONE, period, points, yuan } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { page, path, route } from "../base/route.js";
import { serverNow } from "../base/time.js";
import { kpiLabel, metricValue, nameOf } from "../base/words.js";
import { Card, Sign, Tier } from "../parts/bits.jsx";
import { Appeals } from "../parts/appeals.jsx";
import { Missing, PageHead } from "../parts/frame.jsx";
import { MonthHead } from "../parts/month_head.jsx";
import { Adjustments } from "../parts/month_late.jsx";
import { Bonus, Files, Trial } from "../parts/month_pay.jsx";
import { Perks } from "../parts/perks.jsx";
import { Proposals } from "../parts/proposals.jsx";
import { sorted, Table, useSort } from "../parts/table.jsx";
import { Trail } from "../parts/trail.jsx";

// "2026-03" a number of months on.
export function monthOn(month, n) {
    const [year, number] = month.split("-").map(Number);
    const at = year * 12 + number - 1 + n;
    return `${String(Math.floor(at / 12)).padStart(4, "0")}-${String((at % 12) + 1).padStart(2, "0")}`;
}

// The month it is for the site.
export function monthNow(ms, zone) {
    const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit" }).formatToParts(ms);
    const part = (type) => parts.find((one) => one.type === type).value;
    return `${part("year")}-${part("month")}`;
}

const allRows = (address, signal) => getAll(address, "rows", signal);

function kpisOf(rows) {
    return rows[0]?.score.kpis.filter((kpi) => kpi.weight_micro > 0) ?? [];
}

const kpiOf = (row, name) => row.score.kpis.find((kpi) => kpi.name === name);

function columnsOf(kpis, pay, closed) {
    const list = [
        { name: "name", title: "col.name", value: nameOf },
        { name: "no", title: "col.no", value: (row) => row.employee_no },
        { name: "team", title: "col.team", value: (row) => row.team },
        { name: "handled", title: "col.handled", class: "num", down: true, value: (row) => row.figures.handled },
        ...kpis.map((kpi) => ({ name: `kpi:${kpi.name}`, title: kpiLabel(kpi), class: "num", down: true, value: (row) => kpiOf(row, kpi.name)?.value_micro ?? null })),
        { name: "total", title: "col.total", class: "num", down: true, value: (row) => row.score.total_milli },
        { name: "tier", title: "col.tier", down: true, value: (row) => row.score.tier?.min_milli ?? null },
    ];
    if (pay) list.push({ name: "bonus", title: closed ? "pay.column.closed" : "pay.column", class: "num", down: true, value: (row) => pay.get(row.agent)?.bonus_fen ?? null });
    return list;
}

function Row({ row, kpis, pay, month }) {
    const bonus = pay?.get(row.agent)?.bonus_fen;
    return (
        <tr data-agent={row.agent}>
            <th scope="row">
                <a href={page("agents", row.agent, "why", month)}>{nameOf(row)}</a>
            </th>
            <td>{row.employee_no ?? NONE}</td>
            <td>{row.team ?? NONE}</td>
            <td class="num">{row.figures.handled}</td>
            {kpis.map(({ name }) => {
                const kpi = kpiOf(row, name);
                return (
                    <td key={name} class="num">
                        {metricValue(kpi?.metric, kpi?.value_micro)}
                        <small>{kpi?.score_milli == null ? NONE : points(kpi.score_milli, 1)}</small>
                    </td>
                );
            })}
            <td class="num strong">{row.score.total ?? NONE}</td>
            <td>
                <Tier tier={row.score.tier} />
            </td>
            {pay && <td class="num">{bonus == null ? t("app.unrated") : yuan(bonus)}</td>}
        </tr>
    );
}

// How many are in each tier, from the highest.
export function tierCounts(rows) {
    const counts = new Map();
    for (const { score } of rows) {
        const key = score.tier?.name ?? "";
        const had = counts.get(key) ?? { tier: score.tier, n: 0 };
        counts.set(key, { tier: score.tier, n: had.n + 1 });
    }
    return [...counts.values()].sort((a, b) => (b.tier?.min_milli ?? -1) - (a.tier?.min_milli ?? -1));
}

function Tiers({ rows }) {
    return (
        <ul class="tier-counts" aria-label={t("month.tiers")}>
            {tierCounts(rows).map(({ tier, n }) => (
                <li key={tier?.name ?? ""}>
                    <Tier tier={tier} /> <b>{n}</b>
                </li>
            ))}
        </ul>
    );
}

function Steps({ month, latest }) {
    const before = monthOn(month, -1);
    const after = monthOn(month, 1);
    return (
        <nav class="steps" aria-label={t("month.choose")}>
            <a class="icon" href={page("month", before)} aria-label={t("month.prev")}>
                <Sign name="left" />
            </a>
            <span>{period(month, lang.value)}</span>
            {after <= latest ? (
                <a class="icon" href={page("month", after)} aria-label={t("month.next")}>
                    <Sign name="right" />
                </a>
            ) : (
                <span class="icon" />
            )}
        </nav>
    );
}

// {pay: Map of agent -> pay, total_fen} | {error} | null, and the button that fetches or hides it.
function usePay(month, mark) {
    const [found, setFound] = useState(null);
    useEffect(() => setFound(null), [month, mark]);
    const show = () =>
        allRows(`/v1${path("pay", month)}`).then(
            (data) => setFound({ pay: new Map(data.rows.map((row) => [row.agent, row])), totalFen: data.total_fen }),
            (error) => setFound({ error }),
        );
    return [found, found ? () => setFound(null) : show];
}

function PayLine({ found, toggle, closed }) {
    return (
        <div class="pay-line">
            <button type="button" class="quiet" aria-expanded={found ? "true" : "false"} onClick={toggle}>
                {t(found ? "pay.hide" : "pay.show")}
            </button>
            <span class={found?.error ? "wrong" : "hint"}>
                {found?.error ? t("pay.failed") : found ? `${t(closed ? "pay.total.closed" : "pay.total")}: ¥${yuan(found.totalFen)}` : t("pay.hint")}
            </span>
        </div>
    );
}

function Months({ data, month, mark }) {
    const [sort, by] = useSort("month", { column: "name", down: false });
    const [found, toggle] = usePay(month, mark);
    const kpis = kpisOf(data.rows);
    const columns = columnsOf(kpis, found?.pay, data.signed);
    const column = columns.find((one) => one.name === sort.column) ?? columns[0];
    const rows = new Map(data.rows.map((row) => [row.agent, row]));
    const ids = sorted(rows.keys(), (id) => column.value(rows.get(id)), sort.down);
    return (
        <Card id="month" class="month" title={t("month.rows", { n: data.rows.length })} side={<span class="hint">{t("month.rulebook", { name: data.rulebook })}</span>}>
            <Tiers rows={data.rows} />
            {session.value.sees.includes("pay") && <PayLine found={found} toggle={toggle} closed={data.signed} />}
            <Table caption={t("month.title")} columns={columns} sort={sort} by={by}>
                {ids.map((id) => (
                    <Row key={id} row={rows.get(id)} kpis={kpis} pay={found?.pay} month={month} />
                ))}
            </Table>
        </Card>
    );
}

// The tabs of this role.
function tabsOf(found) {
    const sees = new Set(found.sees);
    const list = ["table"];
    if (found.role === "payroll") list.push("late");
    if (sees.has("appeals")) list.push("appeals");
    if (sees.has("proposals")) list.push("proposals");
    if (found.role === "payroll") list.push("bonus", "files", "trial", "trail");
    return list;
}

// Who has something to do there; for all others the number is only a number.
const DECIDES = { appeals: ["lead", "admin"], proposals: ["lead", "hr", "admin"] };

function Tabs({ month, here, counts }) {
    const to = (name) => page("month", month) + (name === "table" ? "" : `?part=${name}`);
    const current = useRef(null);
    useEffect(() => {
        const tab = current.current;
        if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
    }, [here]);
    return (
        <nav class="tabs" aria-label={t("month.parts")}>
            {tabsOf(session.value).map((name) => (
                <a key={name} ref={name === here ? current : undefined} href={to(name)} aria-current={name === here ? "page" : undefined}>
                    {t(`month.part.${name}`)}
                    {counts[name] > 0 && <span class={DECIDES[name].includes(session.value.role) ? "count bad" : "count"}>{counts[name]}</span>}
                </a>
            ))}
        </nav>
    );
}

const openOf = (list) => list.filter((one) => one.state === "open").length;

function Part({ here, month, data, review, appeals, proposals, mark, done }) {
    const names = new Map(data.rows.map((row) => [row.agent, nameOf(row)]));
    const closed = review.status.state === "closed";
    const more = { month, names, mark, done };
    switch (here) {
        case "late":
            return <Adjustments {...more} />;
        case "appeals":
            return <Appeals list={appeals} {...more} />;
        case "proposals":
            return <Proposals list={proposals} {...more} />;
        case "bonus":
            return (
                <>
                    <Bonus month={month} closed={closed} mark={mark} />
                    <Perks closed={closed} {...more} />
                </>
            );
        case "files":
            return <Files month={month} closed={closed} />;
        case "trial":
            return <Trial />;
        case "trail":
            return <Trail {...more} />;
        default:
            return data.rows.length > 0 ? <Months data={data} month={month} mark={mark} /> : <p class="loading">{t("month.none")}</p>;
    }
}

// The latest month that is closed: it alone can be opened again.
const latestClosed = (list) => list?.months.find((one) => one.state === "closed")?.month;

function useMonth(month, latest, mark) {
    const everyMs = month === latest ? 60000 : undefined;
    const sees = session.value.sees;
    return {
        table: useData(`/v1${path("months", month)}`, { fetcher: allRows, everyMs, mark }),
        review: useData(`/v1${path("months", month, "review")}`, { everyMs, mark }),
        list: useData("/v1/months", { mark }),
        appeals: useData(sees.includes("appeals") ? `/v1/appeals?since=${month}` : null, { everyMs: 60000, mark }),
        proposals: useData(sees.includes("proposals") ? `/v1${path("months", month, "proposals")}` : null, { mark }),
    };
}

function Stamp({ data }) {
    if (data?.signed) return null;
    return (
        <p class="stamp">
            <strong>{t("month.provisional")}</strong> {t("month.provisional.hint")}
        </p>
    );
}

export function MonthPage({ month: asked }) {
    const zone = session.value.timezone;
    const latest = monthNow(serverNow(), zone);
    const month = /^\d{4}-\d\d$/.test(asked ?? "") ? asked : latest;
    const [mark, setMark] = useState(0);
    const found = useMonth(month, latest, mark);
    const { data, error } = found.table;
    const review = found.review.data;
    const appeals = found.appeals.data?.appeals ?? [];
    const proposals = found.proposals.data?.proposals ?? [];
    const part = route.value.query.get("part");
    const here = tabsOf(session.value).includes(part) ? part : "table";
    const done = () => setMark((n) => n + 1);
    useEffect(() => {
        document.title = `${t("month.title")} ${month} · kefud`;
    });
    if (error?.status === 404 && !data) return <Missing />;
    return (
        <>
            <PageHead title={t("month.title")}>
                <Steps month={month} latest={latest} />
                {data && <span>{t("app.as_of", { time: dateTime(data.as_of_ms, lang.value, zone) })}</span>}
            </PageHead>
            <Stamp data={data} />
            <div role="status">
                {error && data && (
                    <p class="banner">
                        <Sign name="warn" />
                        {t("app.failed")}
                    </p>
                )}
            </div>
            {!(data && review) && <p class="loading">{t(error ? "app.failed" : "app.loading")}</p>}
            {data && review && (
                <div class="month-page">
                    <MonthHead month={month} review={review} isLast={latestClosed(found.list.data) === month} done={done} />
                    <Tabs month={month} here={here} counts={{ appeals: openOf(appeals), proposals: openOf(proposals) }} />
                    <Part here={here} month={month} data={data} review={review} appeals={appeals} proposals={proposals} mark={mark} done={done} />
                </div>
            )}
        </>
    );
}
