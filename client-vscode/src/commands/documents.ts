/** Documents that are made for being read: nobody can change them, and they are on no disk. */
import * as vscode from "vscode";

const SCHEME = "testwright-document";
const PREVIEW = "markdown.showPreview";
/** Renders Markdown. It comes with the editor, and can be switched off. */
const RENDERER = "vscode.markdown-language-features";

/** Shows texts in Markdown under a name; a further one of that name takes the place of the first. */
export class Documents implements vscode.Disposable {
    readonly #texts = new Map<string, string>();
    readonly #changed = new vscode.EventEmitter<vscode.Uri>();
    readonly #subscriptions: vscode.Disposable;

    constructor() {
        this.#subscriptions = vscode.Disposable.from(
            this.#changed,
            vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
                onDidChange: this.#changed.event,
                provideTextDocumentContent: (uri) => this.#texts.get(uri.path) ?? "",
            }),
        );
    }

    /** @param as `preview`: as it is meant to be read. `text`: as it is written, to be copied. */
    async show(name: string, markdown: string, as: "preview" | "text"): Promise<void> {
        const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}.md` });
        this.#texts.set(uri.path, markdown);
        this.#changed.fire(uri);
        // Its command is not among those that are registered before it has first been used.
        if (as === "preview" && vscode.extensions.getExtension(RENDERER) !== undefined) {
            await vscode.commands.executeCommand(PREVIEW, uri);
            return;
        }
        const document = await vscode.workspace.openTextDocument(uri);
        await vscode.window.showTextDocument(document, { preview: false });
    }

    dispose(): void {
        this.#subscriptions.dispose();
    }
}
