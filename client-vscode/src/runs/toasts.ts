/** Progress as the user sees it: a toast with Cancel, or for a measurement a word in the status bar. */
import * as vscode from "vscode";

import type { Server, WorkDoneProgress } from "../server/server";
import { isMeasurement, Percentage } from "./pure/progress";

export interface ToastOptions {
    /** What is done, before the colon: `Generating tests for pricing`. */
    readonly title: string;
    readonly location?: vscode.ProgressLocation;
    /** The user wants it to end; the toast is gone by then. */
    readonly onCancel: () => void;
}

/** One progress that is shown, from its making to its end. */
export class Toast {
    readonly #percentage = new Percentage();
    readonly #report: (value: { message?: string; increment?: number }) => void;
    readonly #close: () => void;
    #isOver = false;

    constructor({ title, location = vscode.ProgressLocation.Notification, onCancel }: ToastOptions) {
        let close: () => void = () => undefined;
        const closed = new Promise<void>((resolve) => {
            close = resolve;
        });
        let report: (value: { message?: string; increment?: number }) => void = () => undefined;
        void vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
            report = (value) => {
                progress.report(value);
            };
            token.onCancellationRequested(() => {
                this.end();
                onCancel();
            });
            return closed;
        });
        this.#close = close;
        this.#report = (value) => {
            report(value);
        };
    }

    /** Say what is being done, and how much is done in percent when that is known. */
    report(message: string | undefined, percent: number | undefined): void {
        if (this.#isOver) {
            return;
        }
        const increment = this.#percentage.to(percent);
        this.#report({ ...(message !== undefined && { message }), ...(increment !== undefined && { increment }) });
    }

    /** Take it away; a second time does nothing. */
    end(): void {
        this.#isOver = true;
        this.#close();
    }
}

/** Show what the server begins by itself. Whatever is shown ends with the server, too. */
export function registerToasts(server: Server): vscode.Disposable {
    const shown = new Map<string | number, Toast>();
    const begin = (token: string | number, title: string): Toast =>
        new Toast({
            title,
            location: isMeasurement(title) ? vscode.ProgressLocation.Window : vscode.ProgressLocation.Notification,
            onCancel: () => {
                shown.delete(token);
                server.cancelProgress(token);
            },
        });
    const take = (token: string | number, value: WorkDoneProgress): void => {
        if (value.kind === "begin") {
            shown.get(token)?.end();
            shown.set(token, begin(token, value.title));
        }
        if (value.kind === "end") {
            shown.get(token)?.end();
            shown.delete(token);
        } else {
            shown.get(token)?.report(value.message, value.percentage);
        }
    };
    const endAll = (): void => {
        for (const toast of shown.values()) {
            toast.end();
        }
        shown.clear();
    };
    return vscode.Disposable.from(
        server.onProgress(({ token, value }) => {
            take(token, value);
        }),
        server.onDidChangeState((state) => {
            if (state !== "running") {
                endAll();
            }
        }),
        { dispose: endAll },
    );
}
