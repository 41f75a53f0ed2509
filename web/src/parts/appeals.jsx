// What agents contest: a list for those who decide, and for an agent the own ones.
import { act, session } from "../base/api.js";
import { fullTime } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { page, path } from "../base/route.js";
import { Acts, isNamed, Nameless } from "./act_form.jsx";
import { Card, Empty } from "./bits.jsx";

const when = (ms) => fullTime(ms, lang.value, session.value.timezone);
const mayDecide = () => ["lead", "admin"].includes(session.value.role);

export const stateOf = (one) => (one.undone ? "undone" : one.state);

function actsOf(one) {
    const to = `/v1${path("agents", one.agent, "appeals", one.id)}`;
    if (one.state === "open") {
        const what = t(`appeal.brings.${one.about}`);
        return [
            { key: "accept", label: t("appeal.accept"), text: t("appeal.accept.text", { what }), must: true, submit: ({ reason }) => act("POST", to, { accept: true, reason }) },
            { key: "reject", label: t("appeal.reject"), text: t("appeal.reject.text"), must: true, submit: ({ reason }) => act("POST", to, { accept: false, reason }) },
        ];
    }
    if (stateOf(one) !== "accepted") return [];
    return [{ key: "undo", label: t("appeal.undo"), text: t("appeal.undo.text"), must: true, danger: true, submit: ({ reason }) => act("POST", `${to}/undo`, { reason }) }];
}

function Appeal({ one, month, names, done }) {
    const acts = mayDecide() && isNamed() ? actsOf(one) : [];
    return (
        <li class="thing" data-appeal={one.id}>
            <div class="thing-what">
                {session.value.role !== "agent" && <a href={page("agents", one.agent, "why", month)}>{names.get(one.agent) ?? one.agent}</a>}
                <span>{t(`appeal.about.${one.about}`)}</span>
                <span class="conversation">{one.conversation}</span>
                <span class={`mark mark-${stateOf(one)}`}>{t(`appeal.state.${stateOf(one)}`)}</span>
            </div>
            <p class="said">{one.reason}</p>
            <div class="alert-facts">
                <span>{when(one.at)}</span>
                {one.decided_by && <span>{t("appeal.decided", { name: one.decided_by, time: when(one.decided_at), reason: one.decision })}</span>}
            </div>
            {acts.length > 0 && <Acts id={`appeal-${one.id}`} acts={acts} done={done} after="#appeals-title" />}
        </li>
    );
}

// Open ones first, the oldest on top; then the others, the newest on top.
export function inOrder(list) {
    const open = list.filter((one) => one.state === "open").sort((a, b) => a.at - b.at);
    return open.concat(list.filter((one) => one.state !== "open").sort((a, b) => b.at - a.at));
}

export function Appeals({ list, month, names, done }) {
    const open = list.filter((one) => one.state === "open").length;
    return (
        <Card id="appeals" title={t("appeal.title")} side={<span class={`count${open ? " bad" : ""}`}>{t("appeal.open.n", { n: open })}</span>}>
            {list.length === 0 && (
                <Empty>
                    <strong>{t("appeal.none")}</strong>
                </Empty>
            )}
            {list.length > 0 && mayDecide() && !isNamed() && <Nameless />}
            <ul class="things">
                {inOrder(list).map((one) => (
                    <Appeal key={one.id} one={one} month={month} names={names} done={done} />
                ))}
            </ul>
        </Card>
    );
}
