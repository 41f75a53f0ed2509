// The road to the next tier in plain words: what one KPI alone would have to do, the easiest first.
import { useData } from "../base/api.js";
import { cut } from "../base/format.js";
import { t } from "../base/i18n.js";
import { path } from "../base/route.js";
import { kpiLabel, metricNeed, metricValue, tierLabel } from "../base/words.js";
import { Card } from "./bits.jsx";

// A way in words, or null where this KPI alone does not get there.
export function wayOf(step, tier) {
    if (!step.reachable) return null;
    if (step.more != null && step.unit) return t(`road.more.${step.unit}`, { n: step.more, tier });
    if (step.need_value_micro == null) return null;
    return t("road.value", { value: metricNeed(step.metric, step.need_value_micro), tier });
}

const shownPoints = (milli) => cut(Math.ceil(milli / 10), 100, 2);

function Way({ step, tier }) {
    const now = metricValue(step.metric, step.value_micro);
    return (
        <li class="way">
            <span class="way-name">{kpiLabel(step)}</span>
            <strong>{wayOf(step, tier)}</strong>
            {step.need_value_micro != null && step.unit !== "order" && (
                <span class="hint">{t("road.need", { value: now, need: metricNeed(step.metric, step.need_value_micro) })}</span>
            )}
        </li>
    );
}

function Pace({ step }) {
    const { target, have, projected } = step.pace;
    const onPace = step.pace.on_pace || projected >= target; // not "behind, 5 of 5 by the end"
    return (
        <p class="pace">
            <span>{kpiLabel(step)}</span> {t("road.pace", { target, have })}
            <span class={onPace ? "good" : "warn"}>{t(onPace ? "road.pace.ok" : "road.pace.slow", { projected })}</span>
        </p>
    );
}

function Ways({ data, tier }) {
    const ways = data.steps.filter((step) => wayOf(step, tier) != null);
    ways.sort((a, b) => (a.more ?? Infinity) - (b.more ?? Infinity));
    const alone = data.steps.filter((step) => wayOf(step, tier) == null);
    return (
        <>
            {ways.length > 0 && <p class="hint">{t("road.ways")}</p>}
            <ul class="ways">
                {ways.map((step) => (
                    <Way key={step.name} step={step} tier={tier} />
                ))}
            </ul>
            {alone.length > 0 && <p class="hint">{t("road.alone", { kpis: alone.map(kpiLabel).join(t("lang.comma")) })}</p>}
        </>
    );
}

function Head({ data, tier }) {
    if (data.handled_more > 0) return <p class="road-gap">{t("road.handled", { n: data.handled_more })}</p>;
    if (data.score.total_milli == null) return <p class="road-gap">{t("road.nodata")}</p>;
    if (!data.next_tier) return <p class="road-gap good">{t("road.top")}</p>;
    return <p class="road-gap">{t("road.gap", { tier, points: shownPoints(data.gap_milli) })}</p>;
}

export function Road({ agent, mark }) {
    const { data } = useData(`/v1${path("agents", agent, "whatif")}`, { mark });
    const tier = data?.next_tier ? tierLabel(data.next_tier) : "";
    return (
        <Card id="road" class="road" title={t("road.title")}>
            {!data && <p class="hint">{t("app.loading")}</p>}
            {data && <Head data={data} tier={tier} />}
            {data?.next_tier && data.score.total_milli != null && <Ways data={data} tier={tier} />}
            {data?.steps.filter((step) => step.pace).map((step) => <Pace key={step.name} step={step} />)}
        </Card>
    );
}
