/** In the extension host: what the extension asks and tells the user is recorded, and answered as a test says. */
import * as vscode from "vscode";

import { waitFor } from "./waiting";

export interface Message {
    readonly severity: "info" | "warning" | "error";
    readonly text: string;
    readonly detail: string;
    readonly buttons: readonly string[];
}

export interface List {
    readonly title: string;
    readonly items: readonly (vscode.QuickPickItem & { readonly picked?: boolean })[];
    readonly isForMany: boolean;
}

export interface Shown {
    readonly title: string;
    readonly location: vscode.ProgressLocation;
    readonly isCancellable: boolean;
    readonly reports: readonly { readonly message?: string; readonly increment?: number }[];
    isOver: boolean;
    /** As the button does it. */
    cancel(): void;
}

/** The extension's own buttons are texts, those of the server objects. */
function labelOf(button: unknown): string {
    return typeof button === "string" ? button : (button as vscode.MessageItem).title;
}

function isOptions(value: unknown): value is vscode.MessageOptions {
    return typeof value === "object" && value !== null && !("title" in value);
}

/** Stands between the extension and the editor's messages, lists, boxes and progress. */
export class Messages implements vscode.Disposable {
    readonly messages: Message[] = [];
    readonly lists: List[] = [];
    readonly boxes: vscode.InputBoxOptions[] = [];
    readonly progress: Shown[] = [];
    /** The button of a message; undefined closes it. */
    press: (message: Message) => string | undefined | Promise<string | undefined> = () => undefined;
    /** What is chosen of a list; undefined closes it. */
    choose: (list: List) => readonly vscode.QuickPickItem[] | undefined = () => undefined;
    /** What is typed into a box; undefined closes it. */
    type: (box: vscode.InputBoxOptions) => string | undefined = () => undefined;

    readonly #real = new Map<string, unknown>();

    constructor() {
        for (const severity of ["info", "warning", "error"] as const) {
            const name = { info: "Information", warning: "Warning", error: "Error" }[severity];
            this.#replace(`show${name}Message`, async (...[text, ...rest]: readonly unknown[]) => {
                const options = isOptions(rest[0]) ? rest.shift() : undefined;
                const message: Message = {
                    severity,
                    text: String(text),
                    detail: (options as vscode.MessageOptions | undefined)?.detail ?? "",
                    buttons: rest.map(labelOf),
                };
                this.messages.push(message);
                const pressed = await this.press(message);
                return rest.find((button) => labelOf(button) === pressed);
            });
        }
        this.#replace("showQuickPick", async (...[given, options]: readonly unknown[]) => {
            const items = (await given) as readonly vscode.QuickPickItem[];
            const { title, placeHolder, canPickMany } = options as vscode.QuickPickOptions;
            const list = { title: title ?? placeHolder ?? "", items, isForMany: canPickMany ?? false };
            this.lists.push(list);
            const chosen = this.choose(list);
            return list.isForMany ? chosen : chosen?.[0];
        });
        this.#replace("showInputBox", async (...[options]: readonly unknown[]) => {
            const box = options as vscode.InputBoxOptions;
            this.boxes.push(box);
            return Promise.resolve(this.type(box));
        });
        const withProgress = vscode.window.withProgress.bind(vscode.window);
        this.#replace("withProgress", async (...[options, task]: readonly unknown[]) =>
            this.#shown(withProgress, options as vscode.ProgressOptions, task as ProgressTask),
        );
    }

    /** Forget all that was seen, and close whatever comes. */
    reset(): void {
        for (const seen of [this.messages, this.lists, this.boxes, this.progress]) {
            seen.length = 0;
        }
        this.press = () => undefined;
        this.choose = () => undefined;
        this.type = () => undefined;
    }

    /** The first message that was seen, or the next one. */
    async message(seconds = 60): Promise<Message> {
        return waitFor("message", () => this.messages[0], { seconds });
    }

    dispose(): void {
        for (const [name, real] of this.#real) {
            Object.assign(vscode.window, { [name]: real });
        }
    }

    #replace(name: string, by: (...given: readonly unknown[]) => unknown): void {
        this.#real.set(name, (vscode.window as unknown as Record<string, unknown>)[name]);
        Object.assign(vscode.window, { [name]: by });
    }

    /** The real one goes on; its button is the one thing that a test cannot press. */
    async #shown(
        withProgress: typeof vscode.window.withProgress,
        options: vscode.ProgressOptions,
        task: ProgressTask,
    ): Promise<unknown> {
        const button = new vscode.CancellationTokenSource();
        const reports: { message?: string; increment?: number }[] = [];
        const shown: Shown = {
            title: options.title ?? "",
            location: options.location as vscode.ProgressLocation,
            isCancellable: options.cancellable ?? false,
            reports,
            isOver: false,
            cancel: () => {
                button.cancel();
            },
        };
        this.progress.push(shown);
        return withProgress(options, async (progress, token) => {
            token.onCancellationRequested(() => {
                button.cancel();
            });
            const recording = {
                report: (value: { message?: string; increment?: number }) => {
                    reports.push(value);
                    progress.report(value);
                },
            };
            try {
                return await task(recording, button.token);
            } finally {
                shown.isOver = true;
            }
        });
    }
}

type ProgressTask = (
    progress: vscode.Progress<{ message?: string; increment?: number }>,
    token: vscode.CancellationToken,
) => Thenable<unknown>;
