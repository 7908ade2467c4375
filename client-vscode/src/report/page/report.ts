/** The script of the page: it sends what is clicked, and shows what the extension tells. It never makes markup. */

import { messageOf, type Told } from "../pure/messages";

interface Kept {
    readonly uri: string;
    readonly run: string | null;
    readonly scroll?: number;
    /** Which of the parts that open and close are not as the page has them, by their number. */
    readonly toggled?: readonly number[];
}

declare function acquireVsCodeApi(): {
    postMessage(message: object): void;
    getState(): Kept | undefined;
    setState(state: Kept): void;
};

const editor = acquireVsCodeApi();
const state = JSON.parse(document.body.dataset["state"] ?? "{}") as Kept;

function send(message: object): void {
    editor.postMessage({ run: state.run, ...message });
}

document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null;
    if (button !== null) {
        send(messageOf(button.dataset));
    }
});

// ------------------------------------------------------------------ what the extension tells

window.addEventListener("message", ({ data }: MessageEvent<Told>) => {
    // Of an earlier page in the same frame.
    if (data.run !== state.run) {
        return;
    }
    showTests(data);
    if (data.answer !== null) {
        const answer = document.getElementById("answer");
        if (answer !== null) {
            answer.textContent = data.answer.text;
            answer.classList.toggle("failed", data.answer.failed);
        }
    }
});

function showTests({ added, labels }: Told): void {
    const out = new Set(added?.rejected);
    const focused = document.activeElement;
    for (const test of document.querySelectorAll<HTMLElement>(".test")) {
        const isOut = out.has(test.dataset["name"] ?? "");
        test.classList.toggle("out", isOut);
        show(test.querySelector(".state"), isOut);
        const reject = test.querySelector<HTMLElement>("[data-do=reject]");
        const accept = test.querySelector<HTMLElement>("[data-do=accept]");
        show(reject, added !== null && !isOut);
        show(accept, added !== null && isOut);
        if (added !== null && focused !== null && (focused === reject || focused === accept)) {
            // The button that was pressed is gone; the one in its place is where the keyboard goes on.
            (isOut ? accept : reject)?.focus();
        }
    }
    label("discard", labels.discard, added !== null && added.tests.length > 0);
    label("accept-all", labels.accept, added !== null && added.rejected.length > 0);
}

function label(does: string, text: string, shown: boolean): void {
    const button = document.querySelector(`.toolbar [data-do=${does}]`);
    if (button !== null && shown) {
        button.textContent = text;
    }
    show(button, shown);
}

function show(element: Element | null, shown: boolean): void {
    element?.toggleAttribute("hidden", !shown);
}

// ------------------------------------------------------------------ as it was before the editor was loaded again

const foldable = [...document.querySelectorAll("details")];
const initially = foldable.map((one) => one.open);
const before = editor.getState();
if (before?.uri === state.uri && before.run === state.run) {
    for (const index of before.toggled ?? []) {
        const one = foldable[index];
        if (one !== undefined) {
            one.open = !one.open;
        }
    }
    window.scrollTo(0, before.scroll ?? 0);
}

function keep(): void {
    const toggled = foldable.flatMap((one, index) => (one.open === initially[index] ? [] : [index]));
    editor.setState({ uri: state.uri, run: state.run, scroll: window.scrollY, toggled });
}

let timer: number | undefined;
function keepSoon(): void {
    window.clearTimeout(timer);
    timer = window.setTimeout(keep, 200);
}
window.addEventListener("scroll", keepSoon, { passive: true });
document.addEventListener("toggle", keepSoon, { capture: true });

keep();
send({ type: "ready" });
