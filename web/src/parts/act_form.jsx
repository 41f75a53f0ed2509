// Acts that stand under a person's name: a button that opens a form, which says what will happen, asks why, and has it typed.
import { useEffect, useRef, useState } from "preact/hooks";
import { session } from "../base/api.js";
import { fullTime } from "../base/format.js";
import { has, lang, t } from "../base/i18n.js";

// Acts need a name: an agent's is the id, others have a login.
export const isNamed = () => Boolean(session.value.login || session.value.role === "agent");

// Why something was refused, in the reader's language; of what the pages never ask for, in the daemon's words.
export function troubleOf(error) {
    const key = `refused.${error.code}`;
    const { value } = error;
    if (has(key)) return t(key, { value, time: /^\d{10,}$/.test(value) ? fullTime(Number(value), lang.value, session.value?.timezone) : "" });
    if (error.status === 404) return t("act.gone");
    if (error.status === 400 && error.said) return t("act.refused", { why: error.said });
    return t("act.failed");
}

// [busy, what went wrong, run(begin, after)]
export function useAct() {
    const [busy, setBusy] = useState(false);
    const [wrong, setWrong] = useState("");
    const run = async (begin, after) => {
        setBusy(true);
        setWrong("");
        try {
            const found = await begin();
            setBusy(false);
            after?.(found);
        } catch (error) {
            setBusy(false);
            setWrong(troubleOf(error));
        }
    };
    return [busy, wrong, run];
}

// The form itself. `must`: the reason is asked for. `typed`: what must be typed. `tick`: a box that must be ticked; its words.
function ActForm({ id, text, label, danger, must, typed, tick, submit, close, done }) {
    const [busy, wrong, run] = useAct();
    const [values, setValues] = useState({ reason: "", typed: "", ticked: false });
    const first = useRef(null);
    useEffect(() => first.current.focus(), []);
    const set = (name, value) => setValues({ ...values, [name]: value });
    const ready = (!must || values.reason.trim()) && (!typed || values.typed.trim() === typed) && (!tick || values.ticked);
    const send = (event) => {
        event.preventDefault();
        if (ready && !busy) run(() => submit({ reason: values.reason.trim(), confirm: values.typed.trim() }), done);
    };
    return (
        <form class="act-form" aria-label={label} onSubmit={send} onKeyDown={(event) => event.key === "Escape" && close()}>
            {text && <p>{text}</p>}
            {tick && (
                <label class="tick">
                    <input type="checkbox" checked={values.ticked} onChange={(event) => set("ticked", event.currentTarget.checked)} />
                    {tick}
                </label>
            )}
            {typed && (
                <label for={`${id}-typed`}>
                    {t("act.typed", { text: typed })}
                    <input id={`${id}-typed`} ref={must ? undefined : first} value={values.typed} inputmode="numeric" autocomplete="off" spellcheck={false} onInput={(event) => set("typed", event.currentTarget.value)} />
                </label>
            )}
            <label for={`${id}-reason`}>
                {t(must ? "act.reason" : "act.reason.may")}
                <input id={`${id}-reason`} ref={typed && !must ? undefined : first} value={values.reason} maxLength="150" autocomplete="off" required={must} onInput={(event) => set("reason", event.currentTarget.value)} />
            </label>
            <p class="wrong" role="alert">
                {wrong}
            </p>
            <div class="alert-acts">
                <button type="submit" class={danger ? "primary danger" : "primary"} disabled={!ready || busy}>
                    {label}
                </button>
                <button type="button" class="quiet" onClick={close}>
                    {t("alerts.cancel")}
                </button>
            </div>
        </form>
    );
}

// Buttons, of which one opens its form at a time. `acts`: [{key, label, ...of the form}]. After an act the focus goes to `after`, a
// selector, since what was acted upon may be gone.
export function Acts({ id, acts, done, after = "#main" }) {
    const [open, setOpen] = useState(null);
    const openers = useRef({});
    const close = () => {
        openers.current[open]?.focus();
        setOpen(null);
    };
    const finished = () => {
        setOpen(null);
        done();
        setTimeout(() => (document.querySelector(after) ?? document.getElementById("main")).focus({ preventScroll: true }));
    };
    const form = acts.find((one) => one.key === open);
    return (
        <>
            <div class="alert-acts">
                {acts.map(({ key, label }) => (
                    <button key={key} type="button" class="quiet" ref={(element) => (openers.current[key] = element)} aria-expanded={open === key ? "true" : "false"} onClick={() => setOpen(open === key ? null : key)}>
                        {label}
                    </button>
                ))}
            </div>
            {form && <ActForm {...form} key={form.key} id={`${id}-${form.key}`} close={close} done={finished} />}
        </>
    );
}

export const Nameless = () => <p class="hint nameless">{t("refused.nameless")}</p>;
