// Light or dark: as the system has it until a person chooses; `data-theme` on the root always names the one in force.
import { signal } from "@preact/signals";
import { recall, remember } from "./prefs.js";

export const theme = signal("light");

function apply(name) {
    theme.value = name;
    document.documentElement.dataset.theme = name;
}

export function startTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
        if (!recall("theme")) apply(dark.matches ? "dark" : "light");
    };
    const chosen = recall("theme");
    if (chosen === "dark" || chosen === "light") apply(chosen);
    else apply(dark.matches ? "dark" : "light");
    dark.addEventListener("change", follow);
}

export function switchTheme() {
    apply(theme.value === "dark" ? "light" : "dark");
    remember("theme", theme.value);
}
