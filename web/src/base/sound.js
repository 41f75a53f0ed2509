// A short tone for a new alert, made here and played only to who switched it on; the choice is kept in this browser.
//
// A browser lets a page sound only after somebody touched it: until then the state is "blocked", and the first touch ends that.
import { signal } from "@preact/signals";
import { recall, remember } from "./prefs.js";

export const sound = signal("off"); // "off", "on", "blocked"

let context;

function settle() {
    if (sound.value !== "off") sound.value = context?.state === "running" ? "on" : "blocked";
}

function open() {
    if (!context) {
        context = new AudioContext();
        context.onstatechange = settle;
    }
    settle();
    return context.resume();
}

function unlock() {
    if (sound.value === "blocked") open();
}

export function startSound() {
    addEventListener("pointerdown", unlock);
    addEventListener("keydown", unlock);
    if (recall("sound") !== "on") return;
    sound.value = "blocked";
    open();
}

// One note that swells and fades, so that it does not click.
function note(hertz, atS, lastsS) {
    const tone = context.createOscillator();
    const loudness = context.createGain();
    tone.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, atS);
    loudness.gain.linearRampToValueAtTime(0.2, atS + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.001, atS + lastsS);
    tone.connect(loudness).connect(context.destination);
    tone.start(atS);
    tone.stop(atS + lastsS);
}

// Two rising notes; for a critical alert twice, and higher.
export function play(critical) {
    if (sound.value !== "on") return;
    const now = context.currentTime;
    const notes = critical ? [880, 1175, 880, 1175] : [587, 784];
    notes.forEach((hertz, i) => note(hertz, now + i * 0.16, 0.3));
}

export async function switchSound() {
    if (sound.value !== "off") {
        sound.value = "off";
        remember("sound", "off");
        return;
    }
    remember("sound", "on");
    sound.value = "blocked";
    await open();
    settle();
    play(false);
}
