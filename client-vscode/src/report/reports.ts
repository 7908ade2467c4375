/** The pages of runs: one for each module, made when it is asked for, and brought up to date by what follows. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { type ReportShown, type RunFinished, ServerCommand } from "../protocol";
import type { Server } from "../server/server";
import { ReportPanel, VIEW_TYPE } from "./panel";
import { readState } from "./pure/messages";
import { fileName } from "./pure/words";

export interface Reports extends vscode.Disposable {
    /** Show the last run's report: of a module or test file, or of all. @throws {UserError} There is none. */
    show(uri?: vscode.Uri): Promise<void>;
}

export function createReports(context: vscode.ExtensionContext, server: Server, log: vscode.LogOutputChannel): Reports {
    return new Pages(context.extensionUri, server, log);
}

class Pages implements Reports {
    /** By the module's URI. */
    private readonly panels = new Map<string, ReportPanel>();
    private readonly subscriptions: vscode.Disposable[];

    constructor(
        private readonly extension: vscode.Uri,
        private readonly server: Server,
        private readonly log: vscode.LogOutputChannel,
    ) {
        this.subscriptions = [
            server.onRunFinished((finished) => {
                this.follow(finished);
            }),
            server.onDidChangeState((state) => {
                for (const panel of this.panels.values()) {
                    if (state === "running") {
                        this.refresh(panel);
                    } else {
                        // What an earlier server knew of its runs is gone with it.
                        panel.forgetAdded();
                    }
                }
            }),
            vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
                deserializeWebviewPanel: async (panel, state) => this.restore(panel, state),
            }),
        ];
    }

    async show(uri?: vscode.Uri): Promise<void> {
        const shown = await this.fetch(uri?.toString());
        const panel = this.panels.get(shown.uri) ?? this.keep(this.open(shown.uri));
        panel.show(shown, uri);
        panel.reveal();
    }

    dispose(): void {
        for (const panel of [...this.panels.values()]) {
            panel.dispose();
        }
        for (const subscription of this.subscriptions) {
            subscription.dispose();
        }
    }

    private async fetch(uri: string | undefined): Promise<ReportShown> {
        return this.server.command<ReportShown>(ServerCommand.showReport, {
            ...(uri === undefined ? {} : { uri }),
            show: false,
        });
    }

    private open(uri: string): ReportPanel {
        const panel = vscode.window.createWebviewPanel(VIEW_TYPE, "Testwright", {
            viewColumn: vscode.ViewColumn.Beside,
            preserveFocus: true,
        });
        return this.adopt(panel, uri);
    }

    private adopt(panel: vscode.WebviewPanel, uri: string): ReportPanel {
        return new ReportPanel(panel, uri, {
            extension: this.extension,
            server: this.server,
            log: this.log,
            reload: (of) => {
                void this.load(of);
            },
            becameVisible: (of) => {
                this.refresh(of);
            },
        });
    }

    private keep(panel: ReportPanel): ReportPanel {
        this.panels.set(panel.uri, panel);
        panel.onDidDispose(() => {
            if (this.panels.get(panel.uri) === panel) {
                this.panels.delete(panel.uri);
            }
        });
        return panel;
    }

    /** A page of an earlier session of the editor. */
    private async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
        const uri = readState(state);
        if (uri === null || this.panels.has(uri)) {
            panel.dispose();
            return;
        }
        await this.load(this.keep(this.adopt(panel, uri)));
    }

    /** Show the last report in a page, or why there is none. */
    private async load(panel: ReportPanel): Promise<void> {
        try {
            panel.show(await this.fetch(panel.uri));
        } catch (error) {
            this.log.error(error instanceof Error ? error : String(error));
            panel.showProblem(
                error instanceof UserError
                    ? error.message
                    : `The report of ${fileName(panel.uri)} could not be shown: the log of Testwright says why.`,
            );
        }
    }

    /** Bring a page up to date, if there is something newer; what it shows stays when that cannot be asked. */
    private refresh(panel: ReportPanel): void {
        if (this.server.state !== "running") {
            return;
        }
        this.fetch(panel.uri).then(
            (shown) => {
                panel.show(shown);
            },
            (error: unknown) => {
                this.log.debug(`The report of ${fileName(panel.uri)} was not asked for again: ${String(error)}`);
            },
        );
    }

    private follow(finished: RunFinished): void {
        const panel = this.panels.get(finished.uri);
        if (panel !== undefined && finished.report !== null) {
            this.refresh(panel);
        }
    }
}
