/** The one item in the status bar: how much of the active file its tests cover. */
import * as vscode from "vscode";

import { ServerCommand, ToServer, type CoverageStatus, type ReportShown } from "../protocol";
import { lastName, wordsOf } from "../pure/words";
import type { Server } from "../server/server";
import { isEnabled, settingsOf } from "../settings";
import { itemOf, LINKS, type Click, type Item } from "./pure/figures";
import { isNamedAsTest, subjectOf } from "./pure/subject";

/** To the right of the Python extension's own. */
const PRIORITY = 99;

/** Not declared in package.json: nobody else runs it. */
const CLICKED = "testwright.statusBarClicked";

/** What a click does besides {@link LINKS}: the report if there is one. */
const COMMANDS: Readonly<Record<Click, string>> = { ...LINKS, report: CLICKED };

/** The item, for as long as it is not disposed. */
export interface StatusBar extends vscode.Disposable {
    /** What it shows now; undefined while it is hidden. */
    readonly shown: (Item & { readonly command: string | undefined }) | undefined;
}

export function registerStatusBar(server: Server): StatusBar {
    return new CoverageItem(server);
}

class CoverageItem implements StatusBar {
    readonly #item: vscode.StatusBarItem;
    readonly #subscriptions: vscode.Disposable;
    /** By URI. The server tells by itself of files that are open; of others only when it is asked. */
    readonly #known = new Map<string, CoverageStatus>();
    /** The modules of test files. */
    readonly #tested = new Map<string, string>();
    /** Files that the server was asked about and has not answered. */
    readonly #asked = new Set<string>();
    #shown: StatusBar["shown"];

    constructor(private readonly server: Server) {
        this.#item = vscode.window.createStatusBarItem(
            "testwright.coverage",
            vscode.StatusBarAlignment.Right,
            PRIORITY,
        );
        this.#item.name = "Testwright: Coverage";
        const update = (): void => {
            this.#update();
        };
        this.#subscriptions = vscode.Disposable.from(
            this.#item,
            vscode.commands.registerCommand(CLICKED, async () => this.#clicked()),
            server.onCoverage((status) => {
                this.#take(status);
            }),
            server.onCoverageChanged(() => {
                this.#forgetClosed();
            }),
            server.onRunChanged(() => {
                this.#forgetClosed();
            }),
            // The test file that a run has written is shown before anything else is said of it.
            server.onRunFinished(({ uri, testUri }) => {
                this.#relate(uri, testUri);
                update();
            }),
            server.onDidChangeState((state) => {
                if (state !== "running") {
                    // What an earlier server has told may be no longer true, and nobody would say so.
                    this.#known.clear();
                    this.#asked.clear();
                }
                update();
            }),
            vscode.window.onDidChangeActiveTextEditor(update),
            vscode.workspace.onDidOpenTextDocument(update), // a document whose language was changed
            vscode.workspace.onDidCloseTextDocument(({ uri }) => {
                this.#known.delete(uri.toString());
                update(); // its tests may be what is active
            }),
            vscode.workspace.onDidGrantWorkspaceTrust(update),
            vscode.workspace.onDidChangeConfiguration((change) => {
                if (
                    change.affectsConfiguration("testwright.statusBar") ||
                    change.affectsConfiguration("testwright.enable")
                ) {
                    update();
                }
            }),
        );
        update();
    }

    get shown(): StatusBar["shown"] {
        return this.#shown;
    }

    dispose(): void {
        this.#subscriptions.dispose();
    }

    #update(): void {
        const subject = this.#subject();
        if (subject === undefined || !isEnabled() || settingsOf().get<boolean>("statusBar") === false) {
            this.#hide();
            return;
        }
        const status = this.#known.get(subject);
        if (status === undefined) {
            this.#ask(subject);
        }
        const name = lastName(vscode.Uri.parse(subject));
        if (isNamedAsTest(name) && typeof status?.percent !== "number" && this.server.state === "running") {
            this.#hide();
            return;
        }
        const item = itemOf({
            server: this.server.state,
            isTrusted: vscode.workspace.isTrusted,
            name,
            status,
            testFile:
                typeof status?.testUri === "string"
                    ? vscode.workspace.asRelativePath(vscode.Uri.parse(status.testUri))
                    : undefined,
        });
        this.#show(item);
    }

    #show(item: Item): void {
        const command = item.click && COMMANDS[item.click];
        this.#shown = { ...item, command };
        this.#item.text = item.text;
        this.#item.accessibilityInformation = { label: item.label };
        const tooltip = new vscode.MarkdownString(item.tooltip);
        tooltip.isTrusted = { enabledCommands: Object.values(LINKS) };
        this.#item.tooltip = tooltip;
        this.#item.command = command;
        this.#item.show();
    }

    #hide(): void {
        this.#shown = undefined;
        this.#item.hide();
    }

    /** The file that is told of now. */
    #subject(): string | undefined {
        const document = vscode.window.activeTextEditor?.document;
        return subjectOf(
            document && {
                uri: document.uri.toString(),
                scheme: document.uri.scheme,
                languageId: document.languageId,
            },
            this.#tested,
        );
    }

    #take(status: CoverageStatus): void {
        const uri = quoted(status.uri);
        this.#known.set(uri, status);
        this.#relate(status.uri, status.testUri);
        this.#update();
    }

    #relate(uri: string, testUri: string | null): void {
        if (testUri !== null) {
            this.#tested.set(quoted(testUri), quoted(uri));
        }
    }

    /** What is known of files that are closed may be no longer true; it is asked for again where it is shown. */
    #forgetClosed(): void {
        const open = new Set(vscode.workspace.textDocuments.map(({ uri }) => uri.toString()));
        for (const uri of this.#known.keys()) {
            if (!open.has(uri)) {
                this.#known.delete(uri);
                this.#asked.delete(uri);
            }
        }
        this.#update();
    }

    /** Ask about a file that the server has not told of by itself; only once, and never so that it would be started. */
    #ask(uri: string): void {
        if (this.server.state !== "running" || this.#asked.has(uri)) {
            return;
        }
        this.#asked.add(uri);
        this.server.request<CoverageStatus>(ToServer.coverage, { uri }).then(
            (status) => {
                // A notification that came meanwhile is as new as the answer, or newer.
                if (this.#asked.delete(uri) && !this.#known.has(uri)) {
                    this.#take(status);
                }
            },
            (error: unknown) => {
                // A server that is gone is told of by its state.
                if (this.#asked.delete(uri) && this.server.state === "running" && !this.#known.has(uri)) {
                    this.#take(unknownBecause(uri, wordsOf(error)));
                }
            },
        );
    }

    /** Show the report of the last run; where there is none, because the figures were only measured, measure anew. */
    async #clicked(): Promise<void> {
        const subject = this.#subject();
        if (subject === undefined) {
            return;
        }
        const hasReport = await this.server
            .command<ReportShown>(ServerCommand.showReport, { uri: subject, show: false })
            .then(
                () => true,
                () => false,
            );
        await vscode.commands.executeCommand(hasReport ? LINKS.report : LINKS.measure);
    }
}

function unknownBecause(uri: string, reason: string): CoverageStatus {
    return {
        uri,
        version: null,
        state: "unknown",
        percent: null,
        line: null,
        branch: null,
        stale: false,
        missingLines: [],
        coveredLines: [],
        branches: [],
        tests: 0,
        testUri: null,
        reason,
    };
}

/** An address as the editor writes it; the server quotes other characters. */
function quoted(uri: string): string {
    return vscode.Uri.parse(uri).toString();
}
