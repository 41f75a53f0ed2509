// Who qualifies for what by a closed month, and since when without a break.
import { useData } from "../base/api.js";
import { period } from "../base/format.js";
import { lang, t } from "../base/i18n.js";
import { page, path } from "../base/route.js";
import { wordOr } from "../base/words.js";
import { Card, Empty } from "./bits.jsx";
import { Plain } from "./month_pay.jsx";

export function Perks({ month, names, closed, mark }) {
    const { data, error } = useData(closed ? `/v1${path("pay", month, "perks")}` : null, { mark });
    const columns = [
        { title: t("col.name"), of: (row) => <a href={page("agents", row.agent, "why", month)}>{names.get(row.agent) ?? row.agent}</a> },
        { title: t("perks.what"), of: (row) => wordOr(`perk.${row.perk}`, row.perk) },
        { title: t("perks.since"), of: (row) => period(row.since, lang.value) },
    ];
    return (
        <Card id="perks" title={t("perks.title")} side={data && <span class="count">{data.perks.length}</span>}>
            {closed && !data && <p class="loading">{t(error ? "app.failed" : "app.loading")}</p>}
            {!closed && <p class="hint">{t("perks.open")}</p>}
            {data?.perks.length === 0 && (
                <Empty>
                    <strong>{t("perks.none")}</strong>
                </Empty>
            )}
            {data?.perks.length > 0 && <Plain caption={t("perks.title")} columns={columns} rows={data.perks} rowKey={(row) => `${row.agent} ${row.perk}`} />}
        </Card>
    );
}
