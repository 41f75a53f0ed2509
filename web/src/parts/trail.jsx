// Who did what about a month, and who looked at its pay: the book's entries in their chain, and the audit log's lines.
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

const didWord = (did) => wordOr(`did.${did}`, did);

export function Trail({ month, names, mark }) {
    const { data, error } = useData(`/v1${path("pay", month, "trail")}`, { mark });
    if (!data) return <p class="loading">{t(error ? "app.failed" : "app.loading")}</p>;
    return (
        <>
            <Card id="trail" title={t("trail.title")} side={<span class="hint">{t("trail.hint")}</span>}>
                {data.entries.length === 0 && <p class="loading">{t("trail.none")}</p>}
                <ol class="trail">
                    {data.entries.map((one) => (
                        <li key={one.entry.number}>
                            <div class="thing-what">
                                <span>{when(one.entry.at)}</span>
                                <strong>{one.entry.actor === "calendar" ? t("close.calendar") : one.entry.actor}</strong>
                                <span>{what(one, names)}</span>
                            </div>
                            {one.entry.reason && <p class="said">{one.entry.reason}</p>}
                            <code>{one.entry.sha256.slice(0, 16)}</code>
                            {one.entry.kind === "closed" && (
                                <a class="of-version" href={`/v1${path("pay", month, "files", "csv")}?version=${one.entry.version}`} download="">
                                    {t("trail.file", { n: one.entry.version })}
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
