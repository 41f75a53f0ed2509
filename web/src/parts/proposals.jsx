// What a closed month proposes about people. What hurts one is confirmed by a person, by name, after the days of appeal.
import { act, session } from "../base/api.js";
import { fullTime } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { page, path } from "../base/route.js";
import { serverNow } from "../base/time.js";
import { wordOr } from "../base/words.js";
import { Acts, isNamed, Nameless } from "./act_form.jsx";
import { Card, Empty } from "./bits.jsx";

const when = (ms) => fullTime(ms, lang.value, session.value.timezone);
const mayDecide = () => ["lead", "hr", "admin"].includes(session.value.role);

function actsOf(one, month, name) {
    const what = wordOr(`action.${one.proposal}`, one.proposal);
    const send = (accept) => ({ reason }) =>
        act("POST", `/v1${path("months", month, "proposals", one.agent)}`, { proposal: one.proposal, accept, ...(reason && { reason }) });
    const drop = { key: "drop", label: t("proposal.drop"), text: t("proposal.drop.text"), submit: send(false) };
    if (one.confirm_from > serverNow()) return [drop];
    return [{ key: "confirm", label: t("proposal.confirm"), text: t("proposal.confirm.text", { what, name }), submit: send(true) }, drop];
}

function Proposal({ one, month, names, done }) {
    const name = names.get(one.agent) ?? one.agent;
    const early = one.state === "open" && one.confirm_from > serverNow();
    return (
        <li class="thing" data-agent={one.agent} data-proposal={one.proposal}>
            <div class="thing-what">
                {session.value.role !== "agent" && <a href={page("agents", one.agent, "why", month)}>{name}</a>}
                <span>{wordOr(`action.${one.proposal}`, one.proposal)}</span>
                <span class={`mark mark-${one.state}`}>{t(`proposal.state.${one.state}`)}</span>
            </div>
            <div class="alert-facts">
                {one.months > 1 && <span>{t("proposal.months", { n: one.months })}</span>}
                {early && <span>{t("proposal.early", { time: when(one.confirm_from) })}</span>}
                {one.decided_by && <span>{t("proposal.decided", { name: one.decided_by, time: when(one.decided_at) })}</span>}
                {one.reason && <span>{one.reason}</span>}
            </div>
            {one.state === "open" && mayDecide() && isNamed() && <Acts id={`proposal-${one.agent}-${one.proposal}`} acts={actsOf(one, month, name)} done={done} after="#proposals-title" />}
        </li>
    );
}

export function Proposals({ list, month, names, done }) {
    return (
        <Card id="proposals" title={t("proposal.title")} side={<span class="count">{list.length}</span>}>
            <p class="hint">{t("proposal.hint")}</p>
            {list.length === 0 && (
                <Empty>
                    <strong>{t("proposal.none")}</strong>
                </Empty>
            )}
            {list.some((one) => one.state === "open") && mayDecide() && !isNamed() && <Nameless />}
            <ul class="things">
                {list.map((one) => (
                    <Proposal key={`${one.agent} ${one.proposal}`} one={one} month={month} names={names} done={done} />
                ))}
            </ul>
        </Card>
    );
}
