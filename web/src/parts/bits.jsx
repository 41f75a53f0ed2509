// Small pieces that every page has: cards, tiers, figures with a caption, signs.
import { signal } from "@preact/signals";
import { t } from "../base/i18n.js";
import { tierRank } from "../base/rulebook.js";
import { tierLabel } from "../base/words.js";

export function Card({ title, id, side, class: extra = "", children }) {
    const heading = `${id}-title`;
    return (
        <section class={`card ${extra}`} aria-labelledby={heading}>
            <header class="card-head">
                <h2 id={heading} tabindex="-1">
                    {title}
                </h2>
                {side}
            </header>
            {children}
        </section>
    );
}

// The rank among the rulebook's tiers picks the colour; the words say the same.
export function Tier({ tier, provisional }) {
    return (
        <span class={`tier tier-${tier ? tierRank(tier.name) : "none"}${provisional ? " tier-soft" : ""}`}>
            {tierLabel(tier)}
            {provisional && tier && <small title={t("score.provisional.hint")}>{t("score.provisional")}</small>}
        </span>
    );
}

export function Stat({ name, children, tone = "" }) {
    return (
        <div class={`stat ${tone}`}>
            <dt>{name}</dt>
            <dd>{children}</dd>
        </div>
    );
}

const SIGNS = {
    check: "M4 10.5l4 4 8-9",
    clock: "M10 5v5l3 2M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
    warn: "M10 3l8 14H2zM10 8v4M10 14.6v.2",
    sun: "M10 6.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M4 16l1.4-1.4M14.6 5.4L16 4",
    moon: "M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z",
    out: "M8 3H4v14h4M12.5 6.5L16 10l-3.5 3.5M16 10H8",
    left: "M12 4l-6 6 6 6",
    right: "M8 4l6 6-6 6",
    bell: "M4 14.5h12l-1.6-2.4V9a4.4 4.4 0 0 0-8.8 0v3.1zM8.4 17h3.2",
    sound: "M3 8v4h3l4 3.5v-11L6 8zM13 7.5a3.6 3.6 0 0 1 0 5M15.2 5.2a7 7 0 0 1 0 9.6",
    mute: "M3 8v4h3l4 3.5v-11L6 8zM13 8l4 4M17 8l-4 4",
    link: "M11 4h5v5M16 4l-7 7M14 12v4H4V6h4",
};

export function Sign({ name }) {
    return (
        <svg class="sign" viewBox="0 0 20 20" aria-hidden="true">
            <path d={SIGNS[name]} />
        </svg>
    );
}

// What a screen reader is told when it has a moment. At most one sentence in ten seconds; the last one wins.
const spoken = signal("");
let quietUntil = 0;
let due;

export function say(text) {
    const now = performance.now();
    clearTimeout(due);
    due = setTimeout(() => {
        quietUntil = performance.now() + 10000;
        spoken.value = text;
    }, Math.max(0, quietUntil - now));
}

export const Spoken = () => (
    <div class="unseen" role="status" aria-live="polite">
        {spoken.value}
    </div>
);

export const Empty = ({ children, sign = "check" }) => (
    <div class="empty">
        <Sign name={sign} />
        <div>{children}</div>
    </div>
);
