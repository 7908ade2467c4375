/** The agent of this machine: whether it is set up is shown, and it is set up by one click. */
import * as vscode from "vscode";

import { tell } from "../log";
import { type AgentChanged, type AgentSetUp, type AgentStatus, ServerCommand, ToServer } from "../protocol";
import { wordsOf } from "../pure/words";
import type { Server } from "../server/server";
import { type Item, itemOf, LABELS, type Step, stepsAfter } from "./pure/words";

/** Settings by which it is looked for. */
const SETTINGS = ["engine", "agentBox", "agentSdk", "agentImageBase"].map((name) => `testwright.${name}`);

const CANCEL = "Cancel";

export interface Agent extends vscode.Disposable {
    /** What is shown of it; undefined while there is nothing to say. */
    readonly shown: Item | undefined;
    /** Cancels its set-up; undefined while none goes on that this window has begun. */
    readonly going: (() => Promise<void>) | undefined;

    /**
     * Set it up, unless it is there or being set up already; returns when that has begun.
     *
     * @param about The module that a run has left something of, which the agent would take on.
     * @throws {UserError} It cannot be set up here, and why.
     */
    setUp(about?: vscode.Uri): Promise<void>;
}

export function registerAgent(server: Server, log: vscode.LogOutputChannel): Agent {
    return new MachineAgent(server, log);
}

class MachineAgent implements Agent {
    readonly #subscriptions: vscode.Disposable;
    #item: vscode.LanguageStatusItem | undefined;
    #shown: Item | undefined;
    #status: AgentStatus | undefined;
    /** The set-up that goes on, as the server names it. */
    #run: string | undefined;
    #about: vscode.Uri | undefined;
    /** The last question; what an earlier one gets is old. */
    #asked = 0;

    constructor(
        private readonly server: Server,
        private readonly log: vscode.LogOutputChannel,
    ) {
        this.#subscriptions = vscode.Disposable.from(
            server.onDidChangeState((state) => {
                if (state === "running") {
                    this.#ask();
                } else {
                    this.#run = undefined; // it ends with the server
                    this.#show(undefined);
                }
            }),
            server.onAgentChanged((changed) => {
                this.#take(changed);
            }),
            vscode.workspace.onDidGrantWorkspaceTrust(() => {
                this.#ask();
            }),
            // It may have been set up elsewhere meanwhile: in a terminal, or by another window.
            server.onRunFinished(({ kind }) => {
                if (kind === "generate") {
                    this.#askAgain();
                }
            }),
            vscode.window.onDidChangeWindowState(({ focused }) => {
                if (focused) {
                    this.#askAgain();
                }
            }),
            vscode.workspace.onDidChangeConfiguration((change) => {
                if (SETTINGS.some((name) => change.affectsConfiguration(name))) {
                    this.#ask();
                }
            }),
        );
        this.#ask();
    }

    get shown(): Item | undefined {
        return this.#shown;
    }

    get going(): (() => Promise<void>) | undefined {
        const run = this.#run;
        return run === undefined
            ? undefined
            : async () => {
                  await this.server.command(ServerCommand.cancel, { run });
              };
    }

    dispose(): void {
        this.#subscriptions.dispose();
        this.#item?.dispose();
    }

    async setUp(about?: vscode.Uri): Promise<void> {
        this.#about = about ?? this.#about;
        const { status, message } = await this.server.command<AgentSetUp>(ServerCommand.setUpAgent, {});
        if (status !== "started") {
            // Of one that has begun its progress tells.
            this.#tell(status, message).catch(async (error: unknown) => tell(error, this.log));
        }
    }

    async #tell(status: "already-running" | "set-up", message: string): Promise<void> {
        const chosen = await vscode.window.showInformationMessage(
            message,
            ...(status === "already-running" ? [CANCEL] : []),
        );
        if (chosen === CANCEL) {
            await this.going?.();
        }
    }

    #take(changed: AgentChanged): void {
        this.#run = changed.state === "setting-up" ? "set-up-agent" : undefined;
        this.#show(this.#status);
        if (changed.state !== "setting-up") {
            this.#ask();
        }
        if (changed.message !== "") {
            this.#tellEnd(changed).catch(async (error: unknown) => tell(error, this.log));
        }
    }

    async #tellEnd(changed: AgentChanged): Promise<void> {
        const show = {
            info: vscode.window.showInformationMessage,
            warning: vscode.window.showWarningMessage,
            error: vscode.window.showErrorMessage,
        }[changed.severity];
        const about = this.#about;
        const steps = stepsAfter(changed, about !== undefined);
        if (changed.severity === "error") {
            this.log.warn(changed.message);
        }
        const label = await show(changed.message, ...steps.map((step) => LABELS[step]));
        await this.#do(
            steps.find((step) => LABELS[step] === label),
            about,
        );
    }

    async #do(step: Step | undefined, about: vscode.Uri | undefined): Promise<void> {
        switch (step) {
            case "generate":
                this.#about = undefined;
                await this.server.command(ServerCommand.generate, { uri: about?.toString() });
                return;
            case "retry":
                await this.setUp();
                return;
            case "doctor":
                await vscode.commands.executeCommand("testwright.doctor");
                return;
            case undefined:
                return;
        }
    }

    /** Ask the server how it is; it is not started for that, and tells nothing of a machine whose user trusts nobody. */
    #ask(): void {
        if (this.server.state !== "running" || !vscode.workspace.isTrusted) {
            return;
        }
        const asked = (this.#asked += 1);
        this.server.request<AgentStatus>(ToServer.agent, {}).then(
            (status) => {
                if (asked === this.#asked) {
                    this.#show(status);
                }
            },
            (error: unknown) => {
                this.log.debug(`How the agent is set up was not told: ${wordsOf(error)}`);
            },
        );
    }

    #askAgain(): void {
        if (this.#status !== undefined && this.#status.state !== "set-up") {
            this.#ask();
        }
    }

    #show(status: AgentStatus | undefined): void {
        this.#status = status;
        const shown = (this.#shown = itemOf(status, this.#run !== undefined));
        if (shown === undefined) {
            this.#item?.dispose();
            this.#item = undefined;
            return;
        }
        const item = (this.#item ??= madeItem());
        item.text = shown.text;
        item.detail = shown.detail;
        item.busy = shown.isBusy;
        item.command = commandOf(shown.action, this.#run);
    }
}

function madeItem(): vscode.LanguageStatusItem {
    const item = vscode.languages.createLanguageStatusItem("testwright.agent", { language: "python", scheme: "file" });
    item.name = "Testwright Agent";
    return item;
}

function commandOf(action: Item["action"], run: string | undefined): vscode.Command | undefined {
    switch (action) {
        case "set-up":
            return { title: "Set Up", command: "testwright.prepareAgent" };
        case "cancel":
            return { title: CANCEL, command: ServerCommand.cancel, arguments: [{ run }] };
        case undefined:
            return undefined;
    }
}
