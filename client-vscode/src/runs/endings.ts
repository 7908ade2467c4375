/** The one message at the end of a run. */
import * as vscode from "vscode";

import { tell } from "../log";
import { ServerCommand, type GenerateReport, type RunFinished } from "../protocol";
import { lastName } from "../pure/words";
import type { Reports } from "../report/reports";
import type { Server } from "../server/server";
import type { Claims } from "./pure/claims";
import { hasProposal, LABELS, tellingOf, type Step, type Telling } from "./pure/telling";
import { runTests } from "./runTests";

export interface EndingNeeds {
    readonly server: Server;
    readonly reports: Reports;
    readonly claims: Claims;
    readonly log: vscode.LogOutputChannel;
}

/** Tell how each run has ended, unless somebody else does. */
export function registerEndings(needs: EndingNeeds): vscode.Disposable {
    return needs.server.onRunFinished((finished) => {
        const telling = tellingOf(finished);
        if (finished.status === "failed") {
            needs.log.warn(`${finished.run} failed: ${finished.message}`);
        }
        // Whoever tells of many runs together does not tell where that is which a cancelled one had proven.
        const isToldElsewhere =
            needs.claims.holds(finished) && !(finished.status === "cancelled" && hasProposal(finished));
        if (telling !== undefined && !isToldElsewhere) {
            tellEnding(needs, finished, telling).catch(async (error: unknown) => tell(error, needs.log));
        }
    });
}

async function tellEnding(needs: EndingNeeds, finished: RunFinished, telling: Telling): Promise<void> {
    const steps = await possible(telling.steps);
    const step = await ask(telling, steps);
    if (step === undefined) {
        return;
    }
    await take(needs, finished, step);
    if (step === "showProposal") {
        // Who has only looked has not decided yet.
        await tellEnding(needs, finished, { ...telling, steps: telling.steps.filter((one) => one !== step) });
    }
}

async function ask({ severity, message }: Telling, steps: readonly Step[]): Promise<Step | undefined> {
    const show = {
        info: vscode.window.showInformationMessage,
        warning: vscode.window.showWarningMessage,
        error: vscode.window.showErrorMessage,
    }[severity];
    const label = await show(message, ...steps.map((step) => LABELS[step]));
    return steps.find((step) => LABELS[step] === label);
}

const SELECT_INTERPRETER = "python.setInterpreter";

/** Without those that nobody here could take. */
async function possible(steps: readonly Step[]): Promise<readonly Step[]> {
    if (!steps.includes("interpreter")) {
        return steps;
    }
    const has = (await vscode.commands.getCommands(true)).includes(SELECT_INTERPRETER);
    return steps.map((step) => (step === "interpreter" && !has ? "settings" : step));
}

async function take({ server, reports }: EndingNeeds, finished: RunFinished, step: Step): Promise<void> {
    const { testUri, proposalUri } = finished;
    switch (step) {
        case "open":
            if (testUri !== null) {
                await vscode.window.showTextDocument(vscode.Uri.parse(testUri));
            }
            return;
        case "run":
            if (testUri !== null) {
                await runTests(vscode.Uri.parse(testUri), finished.report?.interpreter ?? "");
            }
            return;
        case "report":
            await reports.show(vscode.Uri.parse(finished.uri));
            return;
        case "showProposal":
            if (proposalUri !== undefined) {
                await showProposal(vscode.Uri.parse(proposalUri), testUri);
            }
            return;
        case "again":
        case "generate":
            await server.command(ServerCommand.generate, { uri: finished.uri, ...symbolOf(finished) });
            return;
        case "discardProposal":
            if (proposalUri !== undefined) {
                await vscode.workspace.fs.delete(vscode.Uri.parse(proposalUri));
            }
            return;
        case "doctor":
            await vscode.commands.executeCommand("testwright.doctor");
            return;
        case "settings":
            await vscode.commands.executeCommand("workbench.action.openSettings", "testwright");
            return;
        case "interpreter":
            await vscode.commands.executeCommand(SELECT_INTERPRETER);
            return;
        case "models":
            await vscode.commands.executeCommand("testwright.showModels", vscode.Uri.parse(finished.uri));
            return;
        case "consent":
            await vscode.commands.executeCommand("testwright.consentToModels", vscode.Uri.parse(finished.uri));
            return;
        case "setUpAgent":
            await vscode.commands.executeCommand("testwright.prepareAgent", vscode.Uri.parse(finished.uri));
            return;
        case "key":
            await vscode.commands.executeCommand("testwright.setApiKey");
            return;
        case "logs":
            await vscode.commands.executeCommand("testwright.showLogs");
            return;
    }
}

function symbolOf(finished: RunFinished): { symbol?: string } {
    const symbol = finished.kind === "generate" ? (finished.report as GenerateReport | null)?.symbol : undefined;
    return symbol === undefined || symbol === null ? {} : { symbol };
}

/** Beside the test file as it is now, where there is one. */
async function showProposal(proposal: vscode.Uri, testUri: string | null): Promise<void> {
    if (testUri === null) {
        await vscode.window.showTextDocument(proposal);
        return;
    }
    const test = vscode.Uri.parse(testUri);
    const name = lastName(test);
    await vscode.commands.executeCommand("vscode.diff", test, proposal, `${name} ↔ proposal`);
}
