/** What is said of a run that has ended, and what can be done then. */
import type { Offer, RunFinished } from "../../protocol";

/** What a button below the message does. */
export type Step =
    | "open"
    | "run"
    | "report"
    | "showProposal"
    | "again"
    | "discardProposal"
    | "generate"
    | "doctor"
    | "settings"
    | "interpreter"
    | "models"
    | "consent"
    | "setUpAgent"
    | "key"
    | "logs";

/** The words on the buttons. */
export const LABELS: Readonly<Record<Step, string>> = {
    open: "Open",
    run: "Run",
    report: "Report",
    showProposal: "Show Proposal",
    again: "Generate Again",
    discardProposal: "Discard",
    generate: "Generate Tests",
    doctor: "Doctor",
    settings: "Open Settings",
    interpreter: "Select Interpreter",
    models: "Show Models",
    consent: "Consent to Models…",
    setUpAgent: "Set Up the Agent",
    key: "Set API Key",
    logs: "Show Logs",
};

export interface Telling {
    readonly severity: RunFinished["severity"];
    readonly message: string;
    readonly steps: readonly Step[];
}

/**
 * The one message at the end of a run; undefined when there is nothing to tell.
 *
 * Nothing is told of a run that the user has cancelled, and of a measurement that has succeeded: what it has found is
 * in the status bar. One that was cancelled for another reason, or had proven something, has a message from the server.
 */
export function tellingOf(finished: RunFinished): Telling | undefined {
    const { message, severity } = finished;
    if (message === "" || (finished.kind === "measure" && severity === "info")) {
        return undefined;
    }
    return { severity, message, steps: stepsAfter(finished) };
}

const OFFERED: Readonly<Record<Offer, Step>> = { "set-up-agent": "setUpAgent", consent: "consent" };

function stepsAfter(finished: RunFinished): readonly Step[] {
    if (hasProposal(finished)) {
        return ["showProposal", "again", "discardProposal"];
    }
    const steps = [...ownSteps(finished), ...(finished.offers ?? []).map((offer) => OFFERED[offer])];
    return [...new Set(steps)];
}

function ownSteps(finished: RunFinished): readonly Step[] {
    switch (finished.status) {
        case "written":
            return finished.testUri === null ? ["report"] : ["open", "run", "report"];
        case "nothing-to-add":
        case "judged":
            return ["report"];
        case "failed":
            return stepsAfterFailure(finished);
        default:
            return [];
    }
}

/** Whether there are tests that did not come into their file, and are kept as a proposal. */
export function hasProposal(finished: RunFinished): boolean {
    return finished.proposalUri !== undefined;
}

/** By the error's name, as the report has it; a run that could not begin has no report. */
function stepsAfterFailure({ report, message }: RunFinished): readonly Step[] {
    const settings: readonly Step[] = isOfSettings(message) ? ["settings"] : [];
    switch (report?.error?.slug) {
        case "box-unavailable":
        case "docker":
        case "docker-failure":
            return ["doctor"];
        case "interpreter":
            return ["interpreter", "doctor"];
        case "settings":
        case "registry":
        case "model-budget":
            return ["settings"];
        case "no-models":
        case "models-exhausted":
            return ["models"];
        case "consent":
            return ["consent"];
        case "key":
            return ["key"];
        case "nothing-to-judge":
            return ["generate"];
        case "import-failure":
        case "box-failure":
        case "agent":
        case "nothing-proven":
            return [...settings, "report"];
        case undefined:
            return isOwnFailure(message) ? ["logs"] : settings;
        default:
            return settings; // the sentence has the next step, and that is in the user's own code or files
    }
}

function isOwnFailure(message: string): boolean {
    return message.startsWith("Testwright itself failed");
}

/** Whether the next step is a setting. */
function isOfSettings(message: string): boolean {
    return /\btestwright\.(?:[a-z]+\.)?[a-z]+\b|\[tool\.testwright\]/i.test(message);
}
