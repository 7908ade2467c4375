/** One page of a run in the editor: what it shows, and what is done when something on it is asked for. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

import { tell, UserError } from "../log";
import { type Added, type ReportShown, type Reviewed, type RunStarted, ServerCommand } from "../protocol";
import type { Server } from "../server/server";
import { isWithin, openAt, openTest } from "./opening";
import { acceptLabel, discardLabel } from "./pure/generatePage";
import { readRequest, type Request, type Told } from "./pure/messages";
import { type Frame, isJudgement, renderProblem, renderReport } from "./pure/page";
import type { Place } from "./pure/parts";
import { fileName } from "./pure/words";

export const VIEW_TYPE = "testwright.report";

/** What a page needs of its surroundings. */
export interface Surroundings {
    readonly extension: vscode.Uri;
    readonly server: Server;
    readonly log: vscode.LogOutputChannel;
    /** Load the page anew, since what it shows is not what was asked for. */
    readonly reload: (panel: ReportPanel) => void;
    /** It can be seen again: others may have changed meanwhile what it is about. */
    readonly becameVisible: (panel: ReportPanel) => void;
}

export class ReportPanel implements vscode.Disposable {
    readonly onDidDispose: vscode.Event<void>;
    private shown: ReportShown | null = null;
    private added: Added | null = null;
    /** What the user has asked to see the report of, beside the module itself. */
    private asked: vscode.Uri | undefined;
    /** A change that is being made: the next one waits until the page shows it. */
    private busy = false;
    private disposed = false;
    private readonly subscriptions: vscode.Disposable[];

    /** @param uri The module's. */
    constructor(
        private readonly panel: vscode.WebviewPanel,
        readonly uri: string,
        private readonly around: Surroundings,
    ) {
        panel.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [this.resources] };
        panel.iconPath = vscode.Uri.joinPath(around.extension, "media", "icon.png");
        panel.title = `Tests of ${stem(uri)}`;
        this.onDidDispose = panel.onDidDispose;
        let visible = panel.visible;
        this.subscriptions = [
            panel.webview.onDidReceiveMessage((message: unknown) => {
                void this.received(message);
            }),
            panel.onDidChangeViewState(() => {
                if (panel.visible && !visible) {
                    around.becameVisible(this);
                }
                visible = panel.visible;
            }),
            panel.onDidDispose(() => {
                this.disposed = true;
                for (const subscription of this.subscriptions) {
                    subscription.dispose();
                }
            }),
        ];
    }

    dispose(): void {
        this.panel.dispose();
    }

    reveal(): void {
        this.panel.reveal(undefined, false);
    }

    /**
     * Show a report. The page is only made anew for another one: else it would jump to its beginning.
     *
     * @param asked The file that the user has asked for.
     */
    show(shown: ReportShown, asked?: vscode.Uri): void {
        if (this.disposed) {
            return;
        }
        this.asked = asked ?? this.asked;
        const same = this.shown?.run === shown.run && sameReport(this.shown, shown);
        // A page has buttons for what a run has added only when it was made with them.
        const wasOpen = this.added !== null;
        this.shown = shown;
        this.added = shown.added;
        if (same && (wasOpen || shown.added === null)) {
            this.tellAdded(null);
        } else {
            this.panel.title = `Tests of ${stem(shown.uri)}`;
            this.panel.webview.html = renderReport(
                {
                    run: shown.run,
                    uri: shown.uri,
                    report: shown.report,
                    names: {
                        module: pathShown(shown.uri),
                        tests: shown.testUri === null ? null : pathShown(shown.testUri),
                    },
                    added: shown.added,
                },
                this.frame(),
            );
        }
    }

    /** Say why there is nothing to show. */
    showProblem(why: string): void {
        if (!this.disposed) {
            this.shown = null;
            this.added = null;
            this.panel.webview.html = renderProblem(stem(this.uri), why, this.uri, this.frame());
        }
    }

    /** Nothing can be taken out or put back any more. */
    forgetAdded(): void {
        if (this.added !== null) {
            this.added = null;
            this.tellAdded(null);
        }
    }

    private get resources(): vscode.Uri {
        return vscode.Uri.joinPath(this.around.extension, "dist", "page");
    }

    private frame(): Frame {
        const { webview } = this.panel;
        return {
            nonce: randomBytes(18).toString("base64url"),
            source: webview.cspSource,
            style: webview.asWebviewUri(vscode.Uri.joinPath(this.resources, "report.css")).toString(),
            script: webview.asWebviewUri(vscode.Uri.joinPath(this.resources, "report.js")).toString(),
        };
    }

    private tellAdded(answer: Told["answer"]): void {
        const told: Told = {
            type: "reviewed",
            run: this.shown?.run ?? null,
            added: this.added,
            labels: {
                discard: discardLabel(this.added?.tests.length ?? 0),
                accept: acceptLabel(this.added?.rejected.length ?? 0),
            },
            answer,
        };
        void this.panel.webview.postMessage(told);
    }

    // ------------------------------------------------------------------------------------------- what is asked for

    private async received(message: unknown): Promise<void> {
        const request = readRequest(message, this.shown?.run ?? null);
        if (request === null) {
            this.around.log.warn("The page of a report has sent what it never sends; it was left alone.");
            return;
        }
        try {
            await this.perform(request);
        } catch (error) {
            if (error instanceof UserError) {
                this.around.log.warn(error.message);
                this.tellAdded({ text: error.message, failed: true });
            } else {
                await tell(error, this.around.log);
            }
        }
    }

    private async perform(request: Request): Promise<void> {
        switch (request.type) {
            case "ready":
                // What is shown was made before: the editor makes a page that was hidden anew, as it was.
                this.tellAdded(null);
                return;
            case "retry":
                this.around.reload(this);
                return;
            case "logs":
                await vscode.commands.executeCommand("testwright.showLogs");
                return;
            case "doctor":
                await vscode.commands.executeCommand("testwright.doctor");
                return;
            case "open":
                await openAt(this.place(request.place), request.line, request.end, this.panel.viewColumn);
                return;
            case "open-tests":
                await openAt(this.place("tests"), null, null, this.panel.viewColumn);
                return;
            case "test":
                if (namesOf(this.current).has(request.name)) {
                    await openTest(this.place("tests"), request.name, this.panel.viewColumn);
                }
                return;
            case "again":
                await this.start(ServerCommand.generate);
                return;
            case "judge":
                await this.start(ServerCommand.judge);
                return;
            case "reject":
                await this.review(ServerCommand.reject, [request.name]);
                return;
            case "accept":
                await this.review(ServerCommand.accept, [request.name]);
                return;
            case "accept-all":
                await this.review(ServerCommand.accept, this.added?.rejected ?? []);
                return;
            case "discard":
                await this.review(ServerCommand.discard, null);
        }
    }

    /** @throws {UserError} The page has none. */
    private get current(): ReportShown {
        if (this.shown === null) {
            throw new UserError("There is no report on this page.");
        }
        return this.shown;
    }

    /** The file that the page means. @throws {UserError} It is none that a report may lead to. */
    private place(place: Place): vscode.Uri {
        const uri = place === "module" ? this.current.uri : this.current.testUri;
        if (uri === null) {
            throw new UserError("There is no test file.");
        }
        const found = vscode.Uri.parse(uri, true);
        if (!isWithin(found, this.asked)) {
            throw new UserError(
                `${fileName(found.path)} is not in this workspace, so it is not opened from here. Open its folder, and the report again.`,
            );
        }
        return found;
    }

    private async start(command: string): Promise<void> {
        const { uri, report } = this.current;
        const symbol = report.symbol ?? "";
        const wanted = command === ServerCommand.generate && symbol !== "" ? { symbol } : {};
        const started = await this.around.server.command<RunStarted>(command, { uri, ...wanted });
        const text = {
            "already-running": "That is being done already.",
            queued: "It begins when the runs before it have ended.",
            started: `It has begun for ${started.subject}. This page shows how it ends.`,
        }[started.status];
        this.tellAdded({ text, failed: false });
    }

    /** @param tests Names of tests of the run; null for all that it has. */
    private async review(command: string, tests: readonly string[] | null): Promise<void> {
        const known = new Set([...(this.added?.tests ?? []), ...(this.added?.rejected ?? [])]);
        if (this.busy || known.size === 0 || tests?.length === 0 || tests?.some((name) => !known.has(name))) {
            return;
        }
        this.busy = true;
        try {
            const { run } = this.current;
            const answer = await this.around.server.command<Reviewed>(
                command,
                tests === null ? { run } : { run, tests },
            );
            // The server may have been started again, and the page show another run meanwhile.
            if (this.shown?.run === answer.run && this.added !== null) {
                this.added = { tests: answer.tests, rejected: answer.rejected };
                this.tellAdded({ text: answer.message, failed: false });
            }
        } finally {
            this.busy = false;
        }
    }
}

function namesOf(shown: ReportShown): ReadonlySet<string> {
    const tests = isJudgement(shown) ? shown.report.tests : "kept" in shown.report.tests ? shown.report.tests.kept : [];
    return new Set(tests.map(({ name }) => name));
}

/** Whether two answers are of the same run; ids of one server alone tell that, so its figures are compared, too. */
function sameReport(a: ReportShown, b: ReportShown): boolean {
    return (
        a.uri === b.uri &&
        a.kind === b.kind &&
        a.testUri === b.testUri &&
        JSON.stringify(a.report.seconds) === JSON.stringify(b.report.seconds)
    );
}

function stem(uri: string): string {
    return fileName(vscode.Uri.parse(uri).path).replace(/\.py$/, "");
}

/** A path as the editor tells it: from the workspace's folder. */
function pathShown(uri: string): string {
    return vscode.workspace.asRelativePath(vscode.Uri.parse(uri));
}
