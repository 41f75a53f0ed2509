// The way to the alerts, in the bar of every page: how many are on, said politely when a new one comes, and heard if wanted.
import { useEffect } from "preact/hooks";
import { alerts, isLoud, news } from "../alerts.js";
import { label, lang, t } from "../base/i18n.js";
import { page, route } from "../base/route.js";
import { play, sound } from "../base/sound.js";
import { Sign } from "./bits.jsx";

// The worst of a list, which the daemon sorts by severity.
const worst = (list) => list[0]?.severity ?? "none";

export function AlertBadge() {
    const loud = alerts.value?.alerts.filter(isLoud) ?? [];
    const fresh = news.value;
    useEffect(() => {
        if (fresh.length > 0) play(fresh.some((one) => one.severity === "critical"));
    }, [fresh]);
    const told = fresh.length > 0 ? t("alerts.say", { n: fresh.length, label: label(fresh[0].label, fresh[0].rule) }) : "";
    return (
        <>
            <a class={`alert-badge ${worst(loud)}`} href={page("alerts")} aria-current={route.value.parts[0] === "alerts" ? "page" : undefined}>
                <Sign name={sound.value === "off" ? "bell" : sound.value === "on" ? "sound" : "mute"} />
                <span>{t("alerts.title")}</span>
                {loud.length > 0 && <span class="count">{loud.length}</span>}
                <span class="unseen">{t(loud.length > 0 ? "alerts.badge" : "alerts.badge.none")}</span>
            </a>
            <span class="unseen" aria-live="polite" lang={lang.value}>
                {told}
            </span>
        </>
    );
}
