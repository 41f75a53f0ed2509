// What came after a month was closed: how a person was paid, how the figures are now, by which conversations; approved or dropped.
import { act, useData } from "../base/api.js";
import { points, yuan } from "../base/format.js";
import { t } from "../base/i18n.js";
import { page, path } from "../base/route.js";
import { rulebook } from "../base/rulebook.js";
import { tierLabel } from "../base/words.js";
import { Acts, isNamed, Nameless } from "./act_form.jsx";
import { Card, Empty } from "./bits.jsx";

export const signed = (fen) => `${fen > 0 ? "+" : fen < 0 ? "−" : ""}¥${yuan(Math.abs(fen))}`;

export const tierNamed = (name) => (name ? tierLabel(rulebook.value?.tiers.find((one) => one.name === name) ?? { name, label: {} }) : t("app.unrated"));

function Evidence({ one }) {
    const more = one.evidence_all - one.evidence.length;
    return (
        <span>
            {t("late.by")} {one.evidence.map(([, id]) => id).join(t("lang.comma"))}
            {more > 0 && ` ${t("late.more", { n: more })}`}
        </span>
    );
}

function Late({ one, month, names, done }) {
    const send = (accept) => ({ reason }) =>
        act("POST", `/v1${path("pay", month, "adjustments", one.agent)}`, { accept, difference_fen: one.difference_fen, ...(reason && { reason }) });
    const amount = one.difference_fen === 0 ? t("late.same") : signed(one.difference_fen);
    const acts = [
        { key: "accept", label: t("late.accept"), text: one.difference_fen === 0 ? t("late.accept.same") : t("late.accept.text", { amount }), submit: send(true) },
        { key: "reject", label: t("late.reject"), text: t("late.reject.text"), submit: send(false) },
    ];
    return (
        <li class="thing" data-agent={one.agent}>
            <div class="thing-what">
                <a href={page("agents", one.agent, "why", month)}>{names.get(one.agent) ?? one.agent}</a>
                <strong class={one.difference_fen < 0 ? "less" : ""}>{amount}</strong>
            </div>
            <div class="alert-facts">
                <span>{t("late.score", { from: one.from.total_milli == null ? "–" : points(one.from.total_milli), to: one.to.total_milli == null ? "–" : points(one.to.total_milli) })}</span>
                <span>{t("late.tier", { from: tierNamed(one.from.tier), to: tierNamed(one.to.tier) })}</span>
                <span>{t("late.changed", { list: one.changed.map((name) => t(`fig.${name}`)).join(t("lang.comma")) })}</span>
                <Evidence one={one} />
            </div>
            {isNamed() && <Acts id={`late-${one.agent}`} acts={acts} done={done} after="#late-title" />}
        </li>
    );
}

export function Adjustments({ month, names, mark, done }) {
    const { data, error } = useData(`/v1${path("pay", month, "adjustments")}`, { mark });
    const list = data?.adjustments ?? [];
    return (
        <Card id="late" title={t("late.title")} side={<span class="count">{list.length}</span>}>
            <p class="hint">{t("late.hint")}</p>
            {!data && <p class="loading">{t(error ? "app.failed" : "app.loading")}</p>}
            {data && list.length === 0 && (
                <Empty>
                    <strong>{t("late.none")}</strong>
                </Empty>
            )}
            {list.length > 0 && !isNamed() && <Nameless />}
            <ul class="things">
                {list.map((one) => (
                    <Late key={one.agent} one={one} month={month} names={names} done={done} />
                ))}
            </ul>
        </Card>
    );
}
