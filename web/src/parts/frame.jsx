// What stands around every page: the bar with the navigation by role, the quiet word about a lost connection.
import { logOut, session } from "../base/api.js";
import { lang, switchLanguage, t } from "../base/i18n.js";
import { page, route } from "../base/route.js";
import { switchTheme, theme } from "../base/theme.js";
import { AlertBadge } from "./alert_badge.jsx";
import { Sign, Spoken } from "./bits.jsx";

function Switches() {
    const dark = theme.value === "dark";
    return (
        <div class="switches">
            <button type="button" class="quiet" lang={lang.value === "en" ? "zh-CN" : "en"} aria-label={t("app.language.label")} onClick={switchLanguage}>
                {t("app.language")}
            </button>
            <button type="button" class="quiet icon" aria-label={t(dark ? "app.theme.light" : "app.theme.dark")} onClick={switchTheme}>
                <Sign name={dark ? "sun" : "moon"} />
            </button>
        </div>
    );
}

// [where, word, is it here] for what this role sees.
export function links(found, parts) {
    const sees = new Set(found.sees);
    const at = parts[0];
    const own = at === "agents" && parts[1] === found.agent;
    const list = [];
    if (sees.has("me")) list.push([page("me"), "nav.me", at === "me" || own]);
    if (sees.has("teams")) list.push([page("team"), "nav.team", at === "team" || (at === "agents" && !own)]);
    if (sees.has("months")) list.push([page("month"), "nav.month", at === "month"]);
    return list;
}

export function homeOf(found) {
    return links(found, [])[0]?.[0] ?? "/";
}

export function Bar() {
    const found = session.value;
    return (
        <header class="bar">
            <a class="skip" href="#main">
                {t("app.skip")}
            </a>
            <a class="brand" href="/">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <rect width="32" height="32" rx="9" />
                    <path d="M16 7a9 9 0 1 1-9 9" />
                    <circle cx="16" cy="16" r="2.6" />
                </svg>
                <span>{found?.site || "kefud"}</span>
            </a>
            {found && (
                <nav aria-label={t("nav.label")}>
                    {links(found, route.value.parts).map(([to, word, here]) => (
                        <a key={to} href={to} aria-current={here ? "page" : undefined}>
                            {t(word)}
                        </a>
                    ))}
                </nav>
            )}
            {found?.sees.includes("alerts") && <AlertBadge />}
            <Switches />
            {found && (
                <div class="who">
                    <span>{found.login || found.agent || t(`role.${found.role}`)}</span>
                    <button type="button" class="quiet icon" aria-label={t("app.logout")} title={t("app.logout")} onClick={logOut}>
                        <Sign name="out" />
                    </button>
                </div>
            )}
            <Spoken />
        </header>
    );
}

export function PageHead({ title, state, children }) {
    const lost = state?.value === "lost";
    return (
        <>
            <div class="page-head">
                <h1>{title}</h1>
                <div class="facts">{children}</div>
                {state && <span class={`live${lost ? " lost" : ""}`}>{t(lost ? "app.old" : "app.live")}</span>}
            </div>
            <div class="banner-place" role="status">
                {lost && (
                    <p class="banner">
                        <Sign name="warn" />
                        {t("app.lost")}
                    </p>
                )}
            </div>
        </>
    );
}

export function Missing() {
    return (
        <div class="card missing">
            <p>{t("app.missing")}</p>
            <a href="/">{t("app.home")}</a>
        </div>
    );
}
