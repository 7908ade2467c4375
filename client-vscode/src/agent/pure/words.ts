/** What is said of the agent of this machine, and what can be done about it. */
import type { AgentChanged, AgentStatus } from "../../protocol";

/** What stands behind the braces beside the language of a Python file. */
export interface Item {
    readonly text: string;
    readonly detail: string;
    readonly isBusy: boolean;
    readonly action: "set-up" | "cancel" | undefined;
}

/**
 * The item; undefined where nothing is to be said: nobody has asked yet, or the settings want no agent.
 *
 * @param isOurs Whether it is set up by this window's server, which can cancel that.
 */
export function itemOf(status: AgentStatus | undefined, isOurs: boolean): Item | undefined {
    if (status === undefined || (status.engine === "embedded" && !isOurs)) {
        return undefined;
    }
    switch (isOurs ? "setting-up" : status.state) {
        case "setting-up":
            return {
                text: "Setting up the agent",
                detail: isOurs ? "" : "by another window or a terminal",
                isBusy: true,
                action: isOurs ? "cancel" : undefined,
            };
        case "set-up":
            return { text: "Agent", detail: whichOf(status), isBusy: false, action: undefined };
        case "missing":
            // An image is made in a terminal, which the sentence says.
            return status.box === "docker"
                ? { text: "No agent", detail: status.message, isBusy: false, action: undefined }
                : { text: "No agent", detail: "not set up on this machine", isBusy: false, action: "set-up" };
    }
}

/** `OpenHands SDK 1.34.0, in Docker`. */
function whichOf({ sdk, image }: AgentStatus): string {
    return `OpenHands SDK${sdk === null ? "" : ` ${sdk}`}${image === null ? "" : ", in Docker"}`;
}

/** What a button below the message at the end of a set-up does. */
export type Step = "generate" | "retry" | "doctor";

export const LABELS: Readonly<Record<Step, string>> = {
    generate: "Generate Again",
    retry: "Set Up the Agent",
    doctor: "Doctor",
};

/**
 * What can be done at the end of a set-up.
 *
 * @param isAwaited Whether a run has left something for which the agent was set up.
 */
export function stepsAfter({ state, severity }: AgentChanged, isAwaited: boolean): readonly Step[] {
    if (state === "set-up") {
        return isAwaited ? ["generate"] : [];
    }
    return severity === "error" ? ["retry", "doctor"] : [];
}
