/** VS Code's own coverage view, fed with what the server knows. */
import * as vscode from "vscode";

import { tell } from "../log";
import { ServerCommand, ToServer, type CoverageOfAll, type CoverageStatus } from "../protocol";
import { wordsOf } from "../pure/words";
import type { Server } from "../server/server";
import { isSame, statementsOf, summariesOf, type Count, type Summary } from "./pure/details";
import { Turns, type Turn } from "./pure/turns";

/** What belongs together comes within this time: the end of a run, the change of data, the beginning of the next run. */
const PAUSE_MS = 400;

/** For which files are told to the editor before the extension host gets to do something else. */
const AT_ONCE_MS = 5;

const NAME = "Testwright";

/** The view, filled when there is reason to. */
export interface CoverageView extends vscode.Disposable {
    /** What it was filled with last; undefined before that. Whether it is still there no extension is told. */
    readonly shown: Shown | undefined;
    /** The profile by which the editor asks for details; undefined before the view was filled. */
    readonly profile: vscode.TestRunProfile | undefined;
}

export interface Shown {
    readonly run: vscode.TestRun;
    readonly summaries: readonly Summary[];
    readonly files: readonly vscode.FileCoverage[];
}

export function registerCoverageView(server: Server, log: vscode.LogOutputChannel): CoverageView {
    return new FilledView(server, log);
}

class FilledView implements CoverageView {
    readonly #turns = new Turns();
    readonly #subscriptions: vscode.Disposable;
    #tests: Tests | undefined;
    #shown: Shown | undefined;
    #timer: NodeJS.Timeout | undefined;
    #isSeen = false;
    #filling: Promise<void> = Promise.resolve();
    /** Runs that the editor has begun by itself; each wants what the view is filled with next as its result. */
    #requests: { readonly request: vscode.TestRunRequest; readonly isDone: () => void }[] = [];
    #isDisposed = false;

    constructor(
        private readonly server: Server,
        private readonly log: vscode.LogOutputChannel,
    ) {
        this.#subscriptions = vscode.Disposable.from(
            server.onRunChanged((change) => {
                this.#turns.runChanged(change);
                this.#soon();
            }),
            server.onRunFinished((finished) => {
                this.#turns.runFinished(finished);
                this.#soon();
            }),
            server.onCoverageChanged(() => {
                this.#turns.changed();
                this.#soon();
            }),
            server.onDidChangeState((state) => {
                if (state !== "running") {
                    this.#turns.serverGone();
                }
                this.#soon();
            }),
        );
    }

    get shown(): Shown | undefined {
        return this.#shown;
    }

    get profile(): vscode.TestRunProfile | undefined {
        return this.#tests?.profile;
    }

    dispose(): void {
        this.#isDisposed = true;
        clearTimeout(this.#timer);
        this.#subscriptions.dispose();
        this.#tests?.controller.dispose();
    }

    /** See what is to be done after a moment, once for all that happens in it. */
    #soon(): void {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
            const isSeen = this.#isSeen;
            this.#isSeen = false;
            const turn = this.server.state === "running" ? this.#turns.take(isSeen) : undefined;
            if (turn !== undefined) {
                this.#filling = this.#filling.then(async () => this.#fill(turn));
            }
        }, PAUSE_MS);
    }

    /** Fill the view; it never fails. */
    async #fill(turn: Turn): Promise<void> {
        const requests = this.#requests.splice(0);
        try {
            // A server that was stopped meanwhile stays so, unless the user has asked for figures.
            if (this.server.state !== "running" && requests.length === 0) {
                return;
            }
            const { modules } = await this.server.request<CoverageOfAll>(ToServer.coverageOfAll, {});
            const summaries = summariesOf(modules);
            const isOld = turn === "compare" && this.#shown !== undefined && isSame(this.#shown.summaries, summaries);
            // A run without coverage would close what the view shows, whosever it is.
            if (!this.#isDisposed && !isOld && (summaries.length > 0 || requests.length > 0)) {
                for (const { request } of requests.length > 0 ? requests : [{ request: undefined }]) {
                    await this.#show(summaries, request);
                }
            }
        } catch (error) {
            // Nothing is told: the status bar tells of a server that is gone, and nobody has asked for this in words.
            this.log.warn(`The coverage view was not filled: ${wordsOf(error)}`);
        } finally {
            for (const { isDone } of requests) {
                isDone();
            }
        }
    }

    async #show(summaries: readonly Summary[], request?: vscode.TestRunRequest): Promise<void> {
        const { controller, profile } = (this.#tests ??= this.#create());
        // The focus stays where it is, and by that no panel opens, whatever `testing.automaticallyOpenTestResults` says. What is
        // not persisted is gone with the window: the figures are the server's.
        const run = controller.createTestRun(
            request ?? new vscode.TestRunRequest(undefined, undefined, profile, false, true),
            NAME,
            false,
        );
        const files: vscode.FileCoverage[] = [];
        try {
            run.appendOutput(`${told(summaries.length)}\r\n`);
            let begun = performance.now();
            for (const summary of summaries) {
                const file = fileCoverage(summary);
                files.push(file);
                run.addCoverage(file);
                if (performance.now() - begun > AT_ONCE_MS) {
                    await new Promise(setImmediate);
                    begun = performance.now();
                }
            }
        } finally {
            // Before its end: the editor then asks for the details of what is open.
            this.#shown = { run, summaries, files };
            run.end();
        }
    }

    /** Made when there is something to show, since the editor shows its Testing view as soon as there is a controller. */
    #create(): Tests {
        const controller = vscode.tests.createTestController("testwright", NAME);
        // A run has details by its profile. There are no items to run: the tests are those of the Python extension's tree. But the
        // last run may be ours, and "Rerun Last Run", with coverage or without, then finds a profile of its kind to call. Without
        // one it would end a run of nothing, and by that close the coverage that is shown.
        const [profile] = [vscode.TestRunProfileKind.Coverage, vscode.TestRunProfileKind.Run].map((kind) => {
            const made = controller.createRunProfile("Measure Coverage", kind, async (request, cancel) =>
                this.#measure(request, cancel),
            );
            made.loadDetailedCoverage = async (run, file, token) => this.#details(run, file, token);
            return made;
        }) as [vscode.TestRunProfile, vscode.TestRunProfile];
        return { controller, profile };
    }

    /** Measure what is open, and show it as the result of a request. */
    async #measure(request: vscode.TestRunRequest, cancel: vscode.CancellationToken): Promise<void> {
        try {
            await measureOpen(this.server, cancel);
        } catch (error) {
            void tell(error, this.log);
            return;
        }
        if (cancel.isCancellationRequested || this.server.state !== "running") {
            return;
        }
        await new Promise<void>((isDone) => {
            cancel.onCancellationRequested(() => {
                isDone();
            });
            this.#requests.push({ request, isDone });
            this.#turns.ask();
            this.#soon();
        });
    }

    async #details(
        run: vscode.TestRun,
        file: vscode.FileCoverage,
        cancel: vscode.CancellationToken,
    ): Promise<vscode.FileCoverageDetail[]> {
        if (run === this.#shown?.run) {
            this.#isSeen = true;
            this.#soon();
        }
        // Looking at a file does not start a server that was stopped.
        if (this.server.state === "off") {
            throw new Error("The language server is not running.");
        }
        // What fails is asked again when the file is opened the next time; an empty answer would stay.
        const status = await this.server.request<CoverageStatus>(
            ToServer.coverage,
            { uri: file.uri.toString() },
            cancel,
        );
        return statementsOf(status).map(
            ({ line, isExecuted, branches }) =>
                new vscode.StatementCoverage(
                    isExecuted,
                    new vscode.Position(line, 0),
                    branches.map(({ isTaken, label }) => new vscode.BranchCoverage(isTaken, undefined, label)),
                ),
        );
    }
}

interface Tests {
    readonly controller: vscode.TestController;
    readonly profile: vscode.TestRunProfile;
}

/** What stands in the place of a test run's output. */
function told(modules: number): string {
    return modules === 0
        ? "Nothing has been measured yet of this workspace's modules."
        : `What tests cover of ${modules === 1 ? "1 module" : `${modules} modules`}, as Testwright has measured it.`;
}

function fileCoverage({ uri, lines, branches }: Summary): vscode.FileCoverage {
    const counted = ({ covered, total }: Count): vscode.TestCoverageCount =>
        new vscode.TestCoverageCount(covered, total);
    return new vscode.FileCoverage(vscode.Uri.parse(uri, true), counted(lines), branches && counted(branches));
}

/** Measure all modules that are open; over when all have been, or when it is cancelled. @throws {UserError} It cannot be. */
async function measureOpen(server: Server, cancel: vscode.CancellationToken): Promise<void> {
    const ended = new Set<string>();
    const changed = new vscode.EventEmitter<void>();
    const subscriptions = vscode.Disposable.from(
        changed,
        server.onRunFinished(({ run }) => {
            ended.add(run);
            changed.fire();
        }),
        server.onDidChangeState(() => {
            changed.fire();
        }),
        cancel.onCancellationRequested(() => {
            changed.fire();
        }),
    );
    try {
        const { runs } = await server.command<{ readonly runs: readonly { readonly run: string }[] }>(
            ServerCommand.refreshCoverage,
            {},
        );
        await new Promise<void>((resolve) => {
            const look = (): void => {
                if (
                    cancel.isCancellationRequested ||
                    server.state !== "running" ||
                    runs.every(({ run }) => ended.has(run))
                ) {
                    resolve();
                }
            };
            changed.event(look);
            look();
        });
        if (cancel.isCancellationRequested) {
            await Promise.all(runs.map(async ({ run }) => server.command(ServerCommand.cancel, { run })));
        }
    } finally {
        subscriptions.dispose();
    }
}
