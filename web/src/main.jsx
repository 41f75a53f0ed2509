// The board. Finds out who is there, then shows the page of the address bar; what a role does not see is not linked, and the
// daemon answers 404 for it anyway.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { watchAlerts } from "./alerts.js";
import { findSession, session, unreachable } from "./base/api.js";
import { startLanguage, t } from "./base/i18n.js";
import { go, route, startRoute } from "./base/route.js";
import { loadRulebook } from "./base/rulebook.js";
import { startSound } from "./base/sound.js";
import { startTheme } from "./base/theme.js";
import { startTicking } from "./base/time.js";
import { AgentPage } from "./pages/agent.jsx";
import { AlertsPage } from "./pages/alerts.jsx";
import { Login } from "./pages/login.jsx";
import { MonthPage } from "./pages/month.jsx";
import { TeamPage } from "./pages/team.jsx";
import { WhyPage } from "./pages/why.jsx";
import { Bar, homeOf, Missing } from "./parts/frame.jsx";

function Page() {
    const { parts, query } = route.value;
    const [at, one, two, three] = parts;
    const found = session.value;
    useEffect(() => {
        if (at === undefined && homeOf(found) !== "/") go(homeOf(found), { replace: true });
    });
    if (at === undefined) return null;
    if (at === "me" && found.agent != null) return <AgentPage id={found.agent} own={true} />;
    if (at === "team") return <TeamPage team={one} />;
    if (at === "alerts") return <AlertsPage />;
    if (at === "month") return <MonthPage month={one} />;
    if (at === "agents" && one && two === "why" && three) return <WhyPage key={one} agent={one} period={three} kpi={query.get("kpi") ?? ""} />;
    if (at === "agents" && one && !two) return <AgentPage key={one} id={one} own={one === found.agent} />;
    return <Missing />;
}

function App() {
    const found = session.value;
    useEffect(() => {
        if (!found) return undefined;
        loadRulebook();
        const hourly = setInterval(loadRulebook, 3600000);
        return () => clearInterval(hourly);
    }, [found]);
    useEffect(() => (found?.sees.includes("alerts") ? watchAlerts() : undefined), [found]);
    if (found === null) {
        return (
            <>
                <Bar />
                <Login />
            </>
        );
    }
    return (
        <>
            <Bar />
            <main id="main" tabindex="-1">
                {found ? <Page /> : <p class="loading">{t(unreachable.value ? "app.unreachable" : "app.loading")}</p>}
            </main>
        </>
    );
}

startTheme();
startLanguage();
startRoute();
startTicking();
startSound();
findSession();
render(<App />, document.getElementById("app"));
