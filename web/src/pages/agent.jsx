// An agent's page: the own one ("me"), or the same of one agent for who may see it.
import { useEffect, useState } from "preact/hooks";
import { get, session, useData } from "../base/api.js";
import { mean, NONE, share, yuan } from "../base/format.js";
import { t } from "../base/i18n.js";
import { path } from "../base/route.js";
import { rulebook } from "../base/rulebook.js";
import { limit, nameOf, seconds, wordOr } from "../base/words.js";
import { useAgent } from "../live.js";
import { Card, Empty, Stat, Tier } from "../parts/bits.jsx";
import { Distribution, MonthLine } from "../parts/charts.jsx";
import { Missing, PageHead } from "../parts/frame.jsx";
import { OwnMonths } from "../parts/own_months.jsx";
import { Road } from "../parts/road.jsx";
import { Score } from "../parts/score.jsx";
import { Waits } from "../parts/waits.jsx";

function Today({ row, own }) {
    const { figures, responses } = row.today;
    const turns = figures.answered + figures.missed;
    return (
        <Card id="today" class="today" title={t(own ? "today.title" : "team.responses")} side={<span class="hint">{t("today.target", { time: limit(row.target_ms) })}</span>}>
            <dl class="stats">
                <Stat name={t("today.answered")}>{figures.answered}</Stat>
                <Stat name={t("today.within")}>{share(figures.within, turns)}</Stat>
                <Stat name={t("today.p50")}>{seconds(responses.p50_ms)}</Stat>
                <Stat name={t("today.p90")}>{seconds(responses.p90_ms)}</Stat>
                <Stat name={t("today.missed")} tone={figures.missed > 0 ? "bad" : ""}>
                    {figures.missed}
                </Stat>
            </dl>
            {responses.n > 0 ? <Distribution responses={responses} targetMs={row.target_ms} /> : <Empty sign="clock">{t("today.none")}</Empty>}
        </Card>
    );
}

// The days from the history; the last point is the live score.
export function daysOf(periods, month, today) {
    const days = (periods?.days ?? []).filter((one) => one.day < today.day).map((one) => ({ day: one.day, total_milli: one.month_total_milli }));
    if (today.day.startsWith(month.month)) days.push({ day: today.day, total_milli: month.score.total_milli });
    return days;
}

const NO_TIERS = [];

function Line({ row }) {
    const address = `/v1${path("agents", row.agent, "periods", row.month.month)}`;
    const { data } = useData(address, { mark: row.today.day, everyMs: 600000 });
    const days = daysOf(data, row.month, row.today);
    const some = days.some((one) => one.total_milli != null);
    return (
        <Card id="line" class="month-line" title={t("line.title")}>
            {some ? <MonthLine days={days} tiers={rulebook.value?.tiers ?? NO_TIERS} /> : <Empty sign="clock">{t("line.none")}</Empty>}
        </Card>
    );
}


// Pay is shown only when asked for: others look over a shoulder, and each look is recorded.
function Pay({ agent, month }) {
    const [found, setFound] = useState(null);
    const show = () => get(`/v1${path("agents", agent, "pay", month)}`).then((data) => setFound({ pay: data.pay }), (error) => setFound({ error }));
    const side = (
        <button type="button" class="quiet" aria-expanded={found ? "true" : "false"} onClick={found ? () => setFound(null) : show}>
            {t(found ? "pay.hide" : "pay.show")}
        </button>
    );
    const pay = found?.pay;
    return (
        <Card id="pay" class="pay" title={t("pay.title")} side={side}>
            {!found && <p class="hint">{t("pay.hint")}</p>}
            {found?.error && <p class="wrong">{t("pay.failed")}</p>}
            {pay && (
                <dl class="stats">
                    <Stat name={t("col.tier")}>
                        <Tier tier={pay.tier} />
                    </Stat>
                    <Stat name={t("pay.bonus")}>{pay.bonus_fen == null ? t("app.unrated") : `¥${yuan(pay.bonus_fen)}`}</Stat>
                </dl>
            )}
            {pay && (
                <ul class="perks">
                    {pay.perks.map((name) => <li key={name}>{wordOr(`perk.${name}`, name)}</li>)}
                    {pay.actions.map((name) => <li key={name}>{wordOr(`action.${name}`, name)}</li>)}
                </ul>
            )}
        </Card>
    );
}

function Leaders({ team, mark }) {
    const { data } = useData(`/v1${path("teams", team, "leaderboard")}`, { mark, everyMs: 60000 });
    if (!data) return null;
    return (
        <Card id="leaders" class="leaders" title={t("board.title")}>
            <ol class="leader-list">
                {data.rows.map((row) => (
                    <li key={row.agent} class={row.agent === session.value?.agent ? "self" : ""}>
                        <span class="rank">{row.total == null ? NONE : row.rank}</span>
                        <span>{nameOf(row)}</span>
                        <span class="num">{row.total ?? NONE}</span>
                        <Tier tier={row.tier} provisional={row.provisional} />
                    </li>
                ))}
            </ol>
        </Card>
    );
}

// A mark that moves when what-if could say something new, at most every two seconds.
function useSettled(value) {
    const [settled, setSettled] = useState(value);
    useEffect(() => {
        const timer = setTimeout(() => setSettled(value), 2000);
        return () => clearTimeout(timer);
    }, [value]);
    return settled;
}

export function AgentPage({ id, own }) {
    const live = useAgent(id, own);
    const row = live.row.value;
    const mark = useSettled(row ? `${row.month.month} ${JSON.stringify(row.month.figures)}` : "");
    const sees = session.value?.sees ?? [];
    useEffect(() => {
        if (row) document.title = `${row.waiting > 0 ? `(${row.waiting}) ` : ""}${own ? t("nav.me") : nameOf(row)} · kefud`;
    });
    if (live.state.value === "missing") return <Missing />;
    if (!row) return <p class="loading">{t("app.loading")}</p>;
    const rating = mean(row.month.figures.rating_sum, row.month.figures.rating_n * 1000);
    return (
        <>
            <PageHead title={nameOf(row)} state={live.state}>
                <span>{row.team}</span>
                <span class={`status status-${row.status ?? "none"}`}>{t(`status.${row.status ?? "none"}`)}</span>
                <span>{t("team.open")} <b>{row.open}</b></span>
                <span>{t("col.rating")} <b>{rating}</b></span>
            </PageHead>
            <div class={`me${live.state.value === "live" ? "" : " old"}`}>
                <Waits row={row} own={own} />
                <Score row={row} />
                <Road agent={row.agent} mark={mark} />
                <Today row={row} own={own} />
                <Line row={row} />
                {own && sees.includes("pay") && <Pay agent={row.agent} month={row.month.month} />}
                {own && <OwnMonths agent={row.agent} />}
                {own && sees.includes("leaderboard") && row.team && <Leaders team={row.team} mark={mark} />}
            </div>
        </>
    );
}
