// Customers who wait, the most urgent first. Seconds are counted here from the server's time.
import { useEffect } from "preact/hooks";
import { clock } from "../base/format.js";
import { t } from "../base/i18n.js";
import { tick } from "../base/time.js";
import { Card, Empty, say, Sign } from "./bits.jsx";

// Who is due first is first; without a deadline (closed hours) who has waited longest.
export function byUrgency(a, b) {
    return (a.due_ms ?? Infinity) - (b.due_ms ?? Infinity) || a.since_ms - b.since_ms || (a.conversation < b.conversation ? -1 : 1);
}

export const isOver = (wait, now) => wait.due_ms != null && now >= wait.due_ms;

// How a wait stands at `now`: its tone, the share of the target that is used up, what is left.
export function standing(wait, now, targetMs) {
    if (wait.due_ms == null) return { tone: "calm", used: 0, left: null };
    const left = wait.due_ms - now;
    if (left <= 0) return { tone: "bad", used: 1, left };
    return { tone: left <= targetMs / 3 ? "warn" : "calm", used: 1 - Math.min(1, left / targetMs), left };
}

function words(left) {
    if (left == null) return t("waits.closed");
    if (left <= 0) return t("waits.over", { time: clock(-left) });
    return t("waits.left", { n: Math.ceil(left / 1000) });
}

export function ConversationLink({ id, url }) {
    if (!url) return <span class="conversation">{id}</span>;
    return (
        <a class="conversation" href={url} target="_blank" rel="noopener noreferrer" aria-label={t("waits.open", { id })}>
            {id}
            <Sign name="link" />
        </a>
    );
}

export function Wait({ wait, targetMs, who }) {
    const now = tick.value;
    const { tone, used, left } = standing(wait, now, targetMs);
    return (
        <li class={`wait ${tone}`} data-conversation={wait.conversation}>
            <span class="wait-time" role="timer" aria-live="off">
                {clock(now - wait.since_ms)}
            </span>
            <span class="wait-who">
                {who}
                <ConversationLink id={wait.conversation} url={wait.url} />
            </span>
            <span class="wait-left">
                {tone !== "calm" && <Sign name={tone === "bad" ? "warn" : "clock"} />}
                {words(left)}
            </span>
            <svg class="wait-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect width={100 * used} height="4" />
            </svg>
        </li>
    );
}

export function Waits({ row, own }) {
    const waits = [...row.waits].sort(byUrgency);
    const over = waits.filter((wait) => isOver(wait, tick.value)).length;
    useEffect(() => {
        say(row.waiting > 0 ? t("waits.say", { n: row.waiting, over }) : t("waits.say.none"));
    }, [row.waiting, over]);
    const count = row.waiting > 0 && <span class={`count ${over > 0 ? "bad" : ""}`}>{t("waits.count", { n: row.waiting })}</span>;
    return (
        <Card id="waits" class="waits" title={t(own ? "waits.title" : "waits.title.other")} side={count}>
            {waits.length === 0 && (
                <Empty>
                    <strong>{t("waits.none")}</strong>
                    <p>{t("waits.none.hint")}</p>
                </Empty>
            )}
            <ul class="wait-list">
                {waits.map((wait) => (
                    <Wait key={wait.conversation} wait={wait} targetMs={row.target_ms} />
                ))}
            </ul>
            {row.waiting > waits.length && <p class="hint">{t("waits.more", { n: row.waiting - waits.length })}</p>}
        </Card>
    );
}
