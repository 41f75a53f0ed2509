// A token in, a cookie out; the token is kept nowhere in the page.
import { useState } from "preact/hooks";
import { logIn } from "../base/api.js";
import { t } from "../base/i18n.js";

function wordsOf(error) {
    if (error.status === 401 || error.status === 400) return t("login.wrong");
    if (error.status === 429) return t("login.many", { n: error.retryAfterS ?? 60 });
    return t("login.failed");
}

export function Login() {
    const [busy, setBusy] = useState(false);
    const [wrong, setWrong] = useState("");
    const submit = async (event) => {
        event.preventDefault();
        const field = event.currentTarget.elements.token;
        setBusy(true);
        try {
            await logIn(field.value.trim());
        } catch (error) {
            setWrong(wordsOf(error));
            setBusy(false);
            field.focus();
            field.select();
        }
    };
    return (
        <main id="main" class="login" tabindex="-1">
            <form class="card" onSubmit={submit}>
                <h1>{t("login.title")}</h1>
                <p id="login-hint" class="hint">
                    {t("login.hint")}
                </p>
                <label for="token">{t("login.token")}</label>
                <input
                    id="token"
                    name="token"
                    type="password"
                    autocomplete="current-password"
                    required
                    autofocus
                    spellcheck={false}
                    aria-describedby="login-hint login-wrong"
                    aria-invalid={wrong ? "true" : undefined}
                />
                <p id="login-wrong" class="wrong" role="alert">
                    {wrong}
                </p>
                <button class="primary" type="submit" disabled={busy}>
                    {t(busy ? "login.busy" : "login.submit")}
                </button>
            </form>
        </main>
    );
}
