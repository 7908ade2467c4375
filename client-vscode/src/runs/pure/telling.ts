/** What is said of a run that has ended, and what can be done then. */
import type { RunFinished } from "../../protocol";

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
 * in the status bar. One that was cancelled for another reason has a message from the server.
 */
export function tellingOf(finished: RunFinished): Telling | undefined {
    const { message, severity } = finished;
    if (message === "" || (finished.kind === "measure" && severity === "info")) {
        return undefined;
    }
    return { severity, message, steps: stepsAfter(finished) };
}

function stepsAfter(finished: RunFinished): readonly Step[] {
    if (isConflict(finished)) {
        return ["showProposal", "again", "discardProposal"];
    }
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

/** Whether the tests could not be put into their file, and are kept as a proposal. */
export function isConflict(finished: RunFinished): boolean {
    return finished.proposalUri !== undefined;
}

/** By the error's name, as the report has it; a run that could not begin has no report. */
function stepsAfterFailure({ report, message }: RunFinished): readonly Step[] {
    const settings: readonly Step[] = isOfSettings(message) ? ["settings"] : [];
    switch (report?.error?.slug) {
        case "box-unavailable":
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
