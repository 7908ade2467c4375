/** VS Code's window as a user handles it: by keyboard and mouse, seeing what is shown. */
import type { Locator, Page } from "playwright-core";

import { waitFor } from "./waiting";

/** Steps that a busy machine may take long for. */
const PATIENCE = 30_000;

export class Workbench {
    constructor(readonly page: Page) {}

    /** Wait until the window can be used. */
    async ready(): Promise<void> {
        await this.page.locator(".monaco-workbench .statusbar").waitFor({ timeout: 60_000 });
        await this.page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: PATIENCE });
    }

    /** Open a file of the workspace by its path, or what else Quick Open finds by it, with the keyboard. */
    async open(path: string): Promise<void> {
        const name = path.slice(path.lastIndexOf("/") + 1);
        await this.pick("Control+p", path, new RegExp(`^${escaped(name)}\\b`));
        await this.tab(name, { active: true }).waitFor({ timeout: PATIENCE });
        await this.focusEditor();
    }

    /** Run a command of the palette, by its whole title. */
    async run(title: string): Promise<void> {
        await this.pick("F1", `>${title}`, new RegExp(`^${escaped(title)}(,|$)`));
    }

    /** The titles of the palette's commands that a filter finds. */
    async commands(filter: string): Promise<string[]> {
        await this.page.keyboard.press("F1");
        const input = this.page.locator(".quick-input-widget input[type=text]");
        await input.waitFor({ timeout: PATIENCE });
        await input.fill(`>${filter}`);
        const rows = this.page.locator(".quick-input-list .monaco-list-row");
        await rows.first().waitFor({ timeout: PATIENCE });
        const titles = await Promise.all((await rows.all()).map(async (row) => row.getAttribute("aria-label")));
        await this.page.keyboard.press("Escape");
        await input.waitFor({ state: "hidden", timeout: PATIENCE });
        return titles.map((title) => title?.split(",")[0] ?? "");
    }

    /** Choose in a quick pick that a key opens or that is open. */
    async pick(key: string | undefined, text: string, label: RegExp): Promise<void> {
        if (key !== undefined) {
            await this.page.keyboard.press(key);
        }
        const input = this.page.locator(".quick-input-widget input[type=text]");
        await input.waitFor({ timeout: PATIENCE });
        await input.fill(text);
        const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ has: this.labelled(label) });
        await row.first().click({ timeout: PATIENCE });
        await input.waitFor({ state: "hidden", timeout: PATIENCE });
    }

    private labelled(label: RegExp): Locator {
        return this.page.locator(".quick-input-list-label, .label-name").filter({ hasText: label });
    }

    /** The tab of a file. */
    tab(name: string, { active = false } = {}): Locator {
        return this.page.locator(`.tab${active ? ".active" : ""}[data-resource-name="${name}"]`);
    }

    /** Tabs by what stands on them. */
    tabs(label: RegExp): Locator {
        return this.page.locator(".tab").filter({ hasText: label });
    }

    /** The tab of a file that has unsaved changes; one of them, where the file is shown twice. */
    dirtyTab(name: string): Locator {
        return this.page.locator(`.tab.dirty[data-resource-name="${name}"]`).first();
    }

    /** The whole text of the active editor, as copying it gives it. */
    async editorText(): Promise<string> {
        await this.page.keyboard.press("Control+a");
        await this.page.keyboard.press("Control+c");
        await this.page.keyboard.press("ArrowRight");
        return this.page.evaluate<string>("navigator.clipboard.readText()");
    }

    async focusEditor(): Promise<void> {
        await this.page
            .locator(".editor-group-container.active .monaco-editor .view-lines")
            .first()
            .waitFor({ timeout: PATIENCE });
        await this.run("View: Focus Active Editor Group");
    }

    /** Put the cursor on a line, counted from 1, of the active file. */
    async goToLine(line: number, column = 1): Promise<void> {
        await this.page.keyboard.press("Control+g");
        const input = this.page.locator(".quick-input-widget input[type=text]");
        await input.waitFor({ timeout: PATIENCE });
        await input.fill(`:${line}:${column}`);
        await this.page.keyboard.press("Enter");
        await input.waitFor({ state: "hidden", timeout: PATIENCE });
    }

    /** Ask for code actions at the cursor until one is among them: the server may not be there yet. */
    async codeActionsWith(title: RegExp): Promise<Locator> {
        const menu = this.page.locator(".action-widget .monaco-list-row");
        const none = this.nothing();
        await waitFor(`code action ${String(title)}`, async () => {
            await none.waitFor({ state: "hidden", timeout: PATIENCE });
            await this.page.keyboard.press("Control+.");
            // What changes in the editor meanwhile, such as a lens that appears, closes the menu before it is seen.
            await seen(menu.or(none).first());
            if (await this.codeAction(title).isVisible()) {
                return true;
            }
            await this.page.keyboard.press("Escape");
            return false;
        });
        return this.codeAction(title);
    }

    /** The bubble at the cursor that says that there is nothing to be done. */
    nothing(): Locator {
        return this.page.locator(".monaco-editor-overlaymessage");
    }

    /** A row of the menu of code actions. */
    codeAction(title: RegExp): Locator {
        return this.page.locator(".action-widget .monaco-list-row").filter({ hasText: title });
    }

    /** A notification in the lower right corner. */
    toast(message: RegExp): Locator {
        return this.page.locator(".notifications-toasts .notification-toast").filter({ hasText: message });
    }

    /** A button on something. */
    button(on: Locator, label: string | RegExp): Locator {
        const whole = typeof label === "string" ? new RegExp(`^${escaped(label)}$`) : label;
        return on.locator(".monaco-button").filter({ hasText: whole });
    }

    /** What the notifications say now. */
    async toasts(): Promise<string[]> {
        return this.page.locator(".notifications-toasts .notification-list-item-message").allInnerTexts();
    }

    /** An item of the status bar. */
    status(text: RegExp): Locator {
        return this.page.locator(".statusbar-item").filter({ hasText: text });
    }

    /** A row of the explorer. */
    file(name: string): Locator {
        return this.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`);
    }

    /** Choose from the menu that a right click opens. */
    async contextMenu(on: Locator, item: RegExp): Promise<void> {
        await on.click({ button: "right" });
        const row = this.page.locator(".monaco-menu .action-item").filter({ hasText: item }).first();
        await row.waitFor({ timeout: PATIENCE });
        // VS Code ignores clicks of the first 100 ms, lest the click that opens a menu choose from it.
        await waitFor(`choice of ${String(item)}`, async () => {
            await row.click({ timeout: 1_000 }).catch(() => undefined); // the menu may have gone meanwhile
            return row.waitFor({ state: "hidden", timeout: 1_000 }).then(
                () => true,
                () => false,
            );
        });
    }

    /** A row of an open quick pick. */
    choice(label: RegExp): Locator {
        return this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: label });
    }

    /** Show the explorer, and every folder in it. */
    async showExplorer(): Promise<void> {
        await this.run("View: Show Explorer");
    }

    /** Close what lies over the editor. */
    async clear(): Promise<void> {
        await this.run("Notifications: Clear All Notifications");
    }
}

/** Whether something is seen within a few seconds. */
export async function seen(what: Locator): Promise<boolean> {
    return what.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
    );
}

export function escaped(text: string): string {
    return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
