// How a month stands: open, in review, closed; what is to be looked at; closing it and opening it again.
import { act, session } from "../base/api.js";
import { fullTime, period } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { path } from "../base/route.js";
import { serverNow } from "../base/time.js";
import { Acts, isNamed, Nameless } from "./act_form.jsx";
import { Card, Stat } from "./bits.jsx";

const STATES = ["open", "review", "closed"];
const when = (ms) => fullTime(ms, lang.value, session.value.timezone);

function Way({ state }) {
    const at = STATES.indexOf(state);
    return (
        <ol class="stages" aria-label={t("close.way")}>
            {STATES.map((one, i) => (
                <li key={one} class={i < at ? "past" : ""} aria-current={i === at ? "step" : undefined}>
                    {t(`close.state.${one}`)}
                </li>
            ))}
        </ol>
    );
}

function Closed({ entry }) {
    return (
        <>
            <dl class="stats">
                <Stat name={t("close.by")}>{entry.actor === "calendar" ? t("close.calendar") : entry.actor}</Stat>
                <Stat name={t("close.at")}>{when(entry.at)}</Stat>
                <Stat name={t("close.version")}>{entry.version}</Stat>
                <Stat name={t("close.rulebook")}>{entry.rulebook}</Stat>
            </dl>
            <details class="seal">
                <summary>
                    {t("close.head")} <code>{entry.sha256.slice(0, 16)}</code>
                </summary>
                <p>
                    <code>{entry.sha256}</code>
                </p>
                <p class="hint">{t("close.head.hint")}</p>
            </details>
        </>
    );
}

function Open({ review }) {
    const over = review.settled_ms <= serverNow();
    const held = (review.status.held ?? []).filter((one) => one.why !== "first_contacts"); // which the hint says
    return (
        <>
            <dl class="stats">
                <Stat name={t("close.pending")} tone={review.fcr_pending > 0 && review.ends_ms <= serverNow() ? "bad" : ""}>
                    {review.fcr_pending}
                </Stat>
                <Stat name={t("close.waiting")}>{review.waiting}</Stat>
                {review.quarantined != null && <Stat name={t("close.quarantined")}>{review.quarantined}</Stat>}
                <Stat name={t("close.people")}>{review.rows}</Stat>
                <Stat name={t("close.rulebook")}>{review.rulebook}</Stat>
            </dl>
            {held.length > 0 && (
                <ul class="held" aria-label={t("close.held")}>
                    {held.map((one) => (
                        <li key={`${one.why} ${one.name}`}>{t(`close.held.${one.why}`, { name: one.name, time: one.until ? when(one.until) : "" })}</li>
                    ))}
                </ul>
            )}
            <p class="hint">
                {t(over ? "close.settled" : "close.settled.not", { time: when(review.settled_ms) })} {t("close.waits")}
            </p>
        </>
    );
}

function actsOf(month, review, isLast) {
    const closed = review.status.state === "closed";
    const name = period(month, lang.value);
    const to = (word, extra) => ({ reason, confirm }) => act("POST", `/v1${path("pay", month, word)}`, { confirm, ...(reason && { reason }), ...extra });
    if (closed && isLast) return [{ key: "reopen", label: t("close.reopen"), text: t("close.reopen.text", { month: name }), must: true, typed: month, danger: true, submit: to("reopen") }];
    if (closed || review.ends_ms > serverNow()) return [];
    const early = review.settled_ms > serverNow();
    return [
        {
            key: "close",
            label: t("close.close"),
            text: t("close.close.text", { month: name, name: session.value.login ?? "" }),
            tick: early ? t("close.force", { n: review.fcr_pending, time: when(review.settled_ms) }) : undefined,
            typed: month,
            submit: to("close", early ? { force: true } : {}),
        },
    ];
}

export function MonthHead({ month, review, isLast, done }) {
    const { state, closed } = review.status;
    const acts = session.value.role === "payroll" ? actsOf(month, review, isLast) : [];
    return (
        <Card id="close" class="close" title={t("close.title")} side={<Way state={state} />}>
            {closed ? <Closed entry={closed} /> : <Open review={review} />}
            {acts.length > 0 && (isNamed() ? <Acts id="close" acts={acts} done={done} after="#close-title" /> : <Nameless />)}
        </Card>
    );
}
