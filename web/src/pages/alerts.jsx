// Alerts that concern who is logged in: what is on, who took it on, what is silenced until when. Who may, acts on them here.
import { useEffect, useRef, useState } from "preact/hooks";
import { acknowledge, alerts, endSilence, mayEnd, old, silence, silenceable, sortOut } from "../alerts.js";
import { getAll, session, useData } from "../base/api.js";
import { clock, cut, dateTime } from "../base/format.js";
import { label, lang, t } from "../base/i18n.js";
import { page } from "../base/route.js";
import { sound, switchSound } from "../base/sound.js";
import { serverNow, tick } from "../base/time.js";
import { limit, seconds } from "../base/words.js";
import { isNamed, Nameless, useAct } from "../parts/act_form.jsx";
import { Card, Empty, Sign } from "../parts/bits.jsx";
import { Missing, PageHead } from "../parts/frame.jsx";

const MUTED = { silenced: "alerts.muted.silenced", "own trouble": "alerts.muted.trouble", "quiet hours": "alerts.muted.quiet" };
const MINUTES = [15, 30, 60, 240, 480, 1440];

// A figure of an alert in its unit.
export function figure(value, unit) {
    switch (unit) {
        case "seconds":
            return seconds(Math.round(value * 1000));
        case "share":
            return `${cut(Math.round(value * 1000), 10, 1)}%`;
        case "stars":
            return `${cut(Math.round(value * 1000), 1000, 2)} ${t("unit.star")}`;
        case "points":
            return t("alerts.points", { n: cut(Math.round(value * 1000), 1000, 2) });
        default:
            return cut(Math.round(value * 1000), 1000, Number.isInteger(value) ? 0 : 1);
    }
}

const when = (ms) => dateTime(ms, lang.value, session.value.timezone);

function Whom({ one, names }) {
    if (one.agent) {
        const name = one.agent === session.value.agent ? t("alerts.me") : names.get(one.agent) ?? one.agent;
        return (
            <>
                <a href={page("agents", one.agent)}>{name}</a>
                {one.team && <span>{one.team}</span>}
            </>
        );
    }
    return <span>{one.subject ?? one.team ?? t("alerts.site")}</span>;
}

// What was acted upon moves to another list, or goes: the focus follows it there, once that is drawn.
const focusOn = (selector) => setTimeout(() => (document.querySelector(selector) ?? document.getElementById("main")).focus({ preventScroll: true }));
const focusOnAlert = (one) => focusOn(`[data-alert="${one.alert}"]`);

function SilenceForm({ one, choices, names, close }) {
    const [busy, wrong, run] = useAct();
    const [minutes, setMinutes] = useState(60);
    const first = useRef(null);
    useEffect(() => first.current.focus(), []);
    const submit = (event) => {
        event.preventDefault();
        const { reason, whom } = event.currentTarget.elements;
        const body = { rule: one.rule, minutes, reason: reason.value.trim(), ...choices[Number(whom.value)].body };
        if (body.reason) run(() => silence(body), () => focusOnAlert(one));
    };
    const id = `silence-${one.alert}`;
    const who = { agent: names.get(one.agent) ?? one.agent, team: one.team };
    return (
        <form class="silence-form" aria-label={t("alerts.silence.form", { label: label(one.label, one.rule) })} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && close()}>
            <label for={`${id}-reason`}>{t("alerts.reason")}</label>
            <input id={`${id}-reason`} ref={first} name="reason" required maxLength="100" autocomplete="off" placeholder={t("alerts.reason.hint")} />
            <label for={`${id}-whom`}>{t("alerts.whom")}</label>
            <select id={`${id}-whom`} name="whom">
                {choices.map((choice, i) => (
                    <option key={choice.key} value={i}>
                        {t(`alerts.whom.${choice.key}`, { name: who[choice.key] })}
                    </option>
                ))}
            </select>
            <label for={`${id}-minutes`}>{t("alerts.until")}</label>
            <div class="silence-until">
                <select id={`${id}-minutes`} name="minutes" value={minutes} onChange={(event) => setMinutes(Number(event.currentTarget.value))}>
                    {MINUTES.map((n) => (
                        <option key={n} value={n}>
                            {n < 60 ? t("alerts.minutes", { n }) : t("alerts.hours", { n: n / 60 })}
                        </option>
                    ))}
                </select>
                <span class="hint">{t("alerts.until.at", { time: when(serverNow() + minutes * 60000) })}</span>
            </div>
            <p class="wrong" role="alert">
                {wrong}
            </p>
            <div class="alert-acts">
                <button type="submit" class="primary" disabled={busy}>
                    {t("alerts.silence")}
                </button>
                <button type="button" class="quiet" onClick={close}>
                    {t("alerts.cancel")}
                </button>
            </div>
        </form>
    );
}

function Acts({ one, names }) {
    const [busy, wrong, run] = useAct();
    const [asked, setAsked] = useState(false);
    const opener = useRef(null);
    const choices = silenceable(one, session.value.role === "admin");
    const close = () => {
        setAsked(false);
        opener.current?.focus();
    };
    return (
        <>
            <div class="alert-acts">
                {one.state === "firing" && (
                    <button type="button" class="quiet" disabled={busy} onClick={() => run(() => acknowledge(one.alert), () => focusOnAlert(one))}>
                        {t("alerts.ack")}
                    </button>
                )}
                {choices.length > 0 && !one.muted && (
                    <button type="button" class="quiet" ref={opener} aria-expanded={asked ? "true" : "false"} onClick={() => setAsked(!asked)}>
                        {t("alerts.silence")}
                    </button>
                )}
            </div>
            <p class="wrong" role="alert">
                {wrong}
            </p>
            {asked && <SilenceForm one={one} choices={choices} names={names} close={close} />}
        </>
    );
}

function Alert({ one, names, mayAct }) {
    return (
        <li class={`alert ${one.severity}${one.state === "acknowledged" || one.muted ? " calm" : ""}`} data-alert={one.alert} data-rule={one.rule} tabindex="-1">
            <div class="alert-what">
                <span class="severity">
                    <Sign name={one.severity === "info" ? "clock" : "warn"} />
                    {t(`alerts.severity.${one.severity}`)}
                </span>
                <strong>{label(one.label, one.rule)}</strong>
            </div>
            <div class="alert-facts">
                <Whom one={one} names={names} />
                <span>{t("alerts.value", { value: figure(one.value, one.unit), limit: one.unit === "seconds" ? limit(one.limit * 1000) : figure(one.limit, one.unit) })}</span>
                <span>
                    {t("alerts.since", { time: when(one.since) })} · {clock(tick.value - one.since)}
                </span>
                {one.acked_by && <span class="acked">{t("alerts.acked", { name: one.acked_by })}</span>}
                {one.muted && <span>{t(MUTED[one.muted] ?? "alerts.muted.other")}</span>}
            </div>
            {mayAct && <Acts one={one} names={names} />}
        </li>
    );
}

function List({ id, list, names, mayAct, title }) {
    return (
        <Card id={id} title={title} side={<span class="count">{list.length}</span>}>
            <ul class="alert-list">
                {list.map((one) => (
                    <Alert key={one.alert} one={one} names={names} mayAct={mayAct} />
                ))}
            </ul>
        </Card>
    );
}

function Silence({ one, names, labels, mayAct }) {
    const [busy, wrong, run] = useAct();
    const rule = one.rule === "*" ? t("alerts.rules.all") : labels.get(one.rule) ?? one.rule;
    return (
        <li class="alert calm" data-silence={one.silence}>
            <div class="alert-what">
                <strong>{rule}</strong>
                <span>{one.agent ? names.get(one.agent) ?? one.agent : one.team ?? t("alerts.site")}</span>
            </div>
            <div class="alert-facts">
                <span>{t("alerts.until.at", { time: when(one.until) })}</span>
                <span>{t("alerts.by", { name: one.actor, reason: one.reason })}</span>
            </div>
            {mayAct && mayEnd(one, session.value.role === "admin") && (
                <div class="alert-acts">
                    <button type="button" class="quiet" disabled={busy} onClick={() => run(() => endSilence(one.silence), () => focusOn("#main"))}>
                        {t("alerts.silence.end")}
                    </button>
                </div>
            )}
            <p class="wrong" role="alert">
                {wrong}
            </p>
        </li>
    );
}

function SoundSwitch() {
    const state = sound.value;
    return (
        <button type="button" class="quiet sound-switch" aria-pressed={state === "off" ? "false" : "true"} onClick={switchSound}>
            <Sign name={state === "on" ? "sound" : "mute"} />
            {t(state === "off" ? "alerts.sound.off" : state === "on" ? "alerts.sound.on" : "alerts.sound.blocked")}
        </button>
    );
}

const allAgents = (address, signal) => getAll(address, "agents", signal);

export function AlertsPage() {
    const found = alerts.value;
    const { data } = useData("/v1/agents", { fetcher: allAgents, everyMs: 300000 });
    const { loud, taken, muted } = sortOut(found?.alerts ?? []);
    useEffect(() => {
        document.title = `${loud.length > 0 ? `(${loud.length}) ` : ""}${t("alerts.title")} · kefud`;
    });
    if (!session.value.sees.includes("alerts")) return <Missing />;
    if (!found) return <p class="loading">{t(old.value ? "app.failed" : "app.loading")}</p>;
    const names = new Map((data?.agents ?? []).filter((row) => row.name).map((row) => [row.agent, row.name]));
    const labels = new Map(found.alerts.map((one) => [one.rule, label(one.label, one.rule)]));
    const lists = { names, mayAct: found.may_act && isNamed() };
    return (
        <>
            <PageHead title={t("alerts.title")}>
                <SoundSwitch />
            </PageHead>
            <div role="status">
                {old.value && (
                    <p class="banner">
                        <Sign name="warn" />
                        {t("app.lost")}
                    </p>
                )}
            </div>
            <div class={`alerts${old.value ? " old" : ""}`}>
                {found.may_act && !isNamed() && <Nameless />}
                {loud.length > 0 && <List id="loud" title={t("alerts.on")} list={loud} {...lists} />}
                {loud.length === 0 && (
                    <Card id="loud" title={t("alerts.on")}>
                        <Empty>
                            <strong>{t("alerts.none")}</strong>
                            <p>{t("alerts.none.hint")}</p>
                        </Empty>
                    </Card>
                )}
                {taken.length > 0 && <List id="taken" title={t("alerts.taken")} list={taken} {...lists} />}
                {muted.length > 0 && <List id="muted" title={t("alerts.muted")} list={muted} {...lists} />}
                {found.silences.length > 0 && (
                    <Card id="silences" title={t("alerts.silences")} side={<span class="count">{found.silences.length}</span>}>
                        <ul class="alert-list">
                            {found.silences.map((one) => (
                                <Silence key={one.silence} one={one} labels={labels} {...lists} />
                            ))}
                        </ul>
                    </Card>
                )}
            </div>
        </>
    );
}
