// Who did what about a month, and who looked at its pay: the book's entries in their chain with the appeals between them, and the audit
// log's lines.
import { session, useData } from "../base/api.js";
import { fullTime } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { path } from "../base/route.js";
import { wordOr } from "../base/words.js";
import { Card } from "./bits.jsx";

const when = (ms) => fullTime(ms, lang.value, session.value.timezone);

function what({ entry, agent }, names) {
    const who = names.get(agent) ?? agent ?? "–";
    if (entry.kind === "adjusted") return t(`trail.adjusted.${entry.decision}`, { who });
    if (entry.kind === "proposal") return t(`trail.proposal.${entry.decision}`, { who, what: wordOr(`action.${entry.proposal}`, entry.proposal) });
    return t(`trail.${entry.kind}`, { n: entry.version });
}

// What came of appeals, each a line with its time: {key, at, actor, text, reason}.
function appealLines(one, names) {
    const words = { who: names.get(one.agent) ?? one.agent, what: t(`appeal.about.${one.about}`) };
    const line = (how, at, actor, reason) => ({ key: `${one.id} ${how}`, at, actor: names.get(actor) ?? actor, text: t(`trail.appeal.${how}`, words), reason });
    const lines = [line("opened", one.at, one.actor, one.reason)];
    if (one.state !== "open") lines.push(line(one.state, one.decided_at, one.decided_by, one.decision));
    if (one.undone) lines.push(line("undone", one.undone_at, one.undone_by));
    return lines;
}

// All of it, as it happened.
export function linesOf(data, names) {
    const entries = data.entries.map((one) => ({
        key: one.entry.number,
        at: one.entry.at,
        actor: one.entry.actor === "calendar" ? t("close.calendar") : one.entry.actor,
        text: what(one, names),
        reason: one.entry.reason,
        entry: one.entry,
    }));
    return entries.concat(data.appeals.flatMap((one) => appealLines(one, names))).sort((a, b) => a.at - b.at);
}

const didWord = (did) => wordOr(`did.${did}`, did);

export function Trail({ month, names, mark }) {
    const { data, error } = useData(`/v1${path("pay", month, "trail")}`, { mark });
    if (!data) return <p class="loading">{t(error ? "app.failed" : "app.loading")}</p>;
    const lines = linesOf(data, names);
    return (
        <>
            <Card id="trail" title={t("trail.title")} side={<span class="hint">{t("trail.hint")}</span>}>
                {lines.length === 0 && <p class="loading">{t("trail.none")}</p>}
                <ol class="trail">
                    {lines.map(({ key, at, actor, text, reason, entry }) => (
                        <li key={key}>
                            <div class="thing-what">
                                <span>{when(at)}</span>
                                <strong>{actor}</strong>
                                <span>{text}</span>
                            </div>
                            {reason && <p class="said">{reason}</p>}
                            {entry && <code>{entry.sha256.slice(0, 16)}</code>}
                            {entry?.kind === "closed" && (
                                <a class="of-version" href={`/v1${path("pay", month, "files", "csv")}?version=${entry.version}`} download="">
                                    {t("trail.file", { n: entry.version })}
                                </a>
                            )}
                        </li>
                    ))}
                </ol>
                <p class="hint seal">
                    {t("close.head")} <code>{data.head}</code>
                </p>
            </Card>
            <Card id="looks" title={t("trail.looks")} side={<span class="count">{data.looks.length}</span>}>
                {data.looks.length === 0 && <p class="loading">{t("trail.looks.none")}</p>}
                <ol class="trail">
                    {data.looks.map((one, i) => (
                        <li key={i}>
                            <div class="thing-what">
                                <span>{when(Date.parse(one.at))}</span>
                                <strong>{one.login ?? one.subject ?? one.token ?? one.role}</strong>
                                <span>{didWord(one.did)}</span>
                                {one.agent && <span>{names.get(one.agent) ?? one.agent}</span>}
                            </div>
                        </li>
                    ))}
                </ol>
            </Card>
        </>
    );
}
