/** Cancelling what goes on: the one run there is, or those that the user picks. */
import * as vscode from "vscode";

import { ServerCommand, ToServer, type ServerStatus } from "../protocol";
import type { Server } from "../server/server";
import type { Parts } from "./commands";
import { choices, type Going } from "./pure/cancel";

export async function cancel(parts: Parts): Promise<void> {
    const going = await allThatGoesOn(parts);
    const [first] = going;
    if (first === undefined) {
        void vscode.window.showInformationMessage("Nothing is going on that could be cancelled.");
        return;
    }
    if (going.length === 1) {
        await first.cancel();
        return;
    }
    const chosen = await vscode.window.showQuickPick(choices(going), { placeHolder: "Cancel what?" });
    await Promise.all((chosen?.what ?? []).map(async (one) => one.cancel()));
}

async function allThatGoesOn({ server, runs, agent }: Parts): Promise<readonly Going[]> {
    const batches = runs.batches.going;
    const ofBatches = new Set(batches.map((batch) => batch.run));
    // Who does not run has no runs, and is not started to be asked for them.
    const status = server.state === "running" ? await server.request<ServerStatus>(ToServer.status, {}) : undefined;
    return [
        ...batches.map((batch) => ({
            label: batch.label,
            cancel: async () => {
                batch.cancel();
                return Promise.resolve();
            },
        })),
        ...(status?.runs ?? []).filter(({ run }) => !ofBatches.has(run)).map((run) => goingRun(server, run)),
        ...(agent.going === undefined ? [] : [{ label: "Setting up the agent", cancel: agent.going }]),
    ];
}

const WORDS = { generate: "Generating tests for", judge: "Judging the tests of", measure: "Measuring" } as const;

function goingRun(server: Server, { run, kind, state, uri }: ServerStatus["runs"][number]): Going {
    const name = vscode.workspace.asRelativePath(vscode.Uri.parse(uri));
    return {
        label: `${WORDS[kind]} ${name}${state === "queued" ? " (waiting)" : ""}`,
        cancel: async () => {
            await server.command(ServerCommand.cancel, { run });
        },
    };
}
