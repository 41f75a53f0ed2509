// An agent's closed months: the slip, how it came about, what was proposed, and the own appeals.
import { session, useData } from "../base/api.js";
import { fullTime, period } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { page, path } from "../base/route.js";
import { serverNow } from "../base/time.js";
import { wordOr } from "../base/words.js";
import { Card } from "./bits.jsx";

const SHOWN = 6;
const when = (ms) => fullTime(ms, lang.value, session.value.timezone);

function OwnProposals({ month }) {
    const { data } = useData(`/v1${path("months", month, "proposals")}`);
    const list = data?.proposals ?? [];
    return list.map((one) => (
        <p key={one.proposal} class="own-proposal">
            <strong>{t("own.proposal", { month: period(month, lang.value), what: wordOr(`action.${one.proposal}`, one.proposal) })}</strong>{" "}
            {one.state !== "open" && t(`own.proposal.${one.state}`, { name: one.decided_by })}
            {one.state === "open" && one.confirm_from > serverNow() && t("own.proposal.early", { time: when(one.confirm_from) })}
            {one.state === "open" && one.confirm_from <= serverNow() && t("own.proposal.open")}
        </p>
    ));
}

export function OwnMonths({ agent }) {
    const { data } = useData("/v1/months", { everyMs: 600000 });
    const closed = (data?.months ?? []).filter((one) => one.state === "closed").slice(0, SHOWN);
    if (closed.length === 0) return null;
    return (
        <Card id="own-months" class="own-months" title={t("own.title")} side={<span class="hint">{t("own.hint")}</span>}>
            <OwnProposals month={closed[0].month} />
            <ul class="own-list">
                {closed.map(({ month }) => (
                    <li key={month}>
                        <b>{period(month, lang.value)}</b>
                        <a href={`/v1${path("agents", agent, "pay", month, "slip")}?lang=${lang.value === "en" ? "en" : "zh"}`} target="_blank" rel="noopener">
                            {t("own.slip")}
                        </a>
                        <a href={page("agents", agent, "why", month)}>{t("own.why")}</a>
                    </li>
                ))}
            </ul>
        </Card>
    );
}
