// The words. One dictionary a language, with the same keys (a test holds them to it); zh-CN is the house's first.
//
// A text may hold {name} for a value, and {name|one|many} for a word that follows a count. A key that is missing is a bug
// and shown as itself. The choice: what was picked here before, else what the browser asks for, else Chinese.
import { signal } from "@preact/signals";
import zh from "../i18n/zh.js";
import en from "../i18n/en.js";
import { recall, remember } from "./prefs.js";

const dictionaries = { "zh-CN": zh, en };

export function pickLanguage(chosen, wanted) {
    if (dictionaries[chosen]) return chosen;
    for (const tag of wanted) {
        if (/^zh\b/i.test(tag)) return "zh-CN";
        if (/^en\b/i.test(tag)) return "en";
    }
    return "zh-CN";
}

export const lang = signal("zh-CN");

export function startLanguage() {
    setLanguage(pickLanguage(recall("lang"), navigator.languages ?? []));
}

export function setLanguage(tag) {
    lang.value = tag;
    document.documentElement.lang = tag;
}

export function switchLanguage() {
    setLanguage(lang.value === "en" ? "zh-CN" : "en");
    remember("lang", lang.value);
}

export function fill(text, values) {
    return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
        const value = values[name];
        if (one === undefined) return String(value ?? "");
        return Number(value) === 1 ? one : many;
    });
}

export function t(key, values) {
    const text = dictionaries[lang.value][key] ?? key;
    return values ? fill(text, values) : text;
}

export const has = (key) => key in dictionaries[lang.value];

// A label of the rulebook, {zh, en}, either of which may be missing.
export function label(words, fallback) {
    if (!words) return fallback;
    return (lang.value === "en" ? words.en ?? words.zh : words.zh ?? words.en) ?? fallback;
}
