/** A run is cancelled in its middle: nothing is written, and nothing is left running. */
import assert from "node:assert/strict";

import { journey, WRITTEN } from "../support/journey";
import { descendants, isAlive, processes, type Process } from "../support/processes";
import { waitFor } from "../support/waiting";

describe("cancelling", () => {
    const steps = journey("cancel", { file: "src/mdurl/_parse.py" });
    let files: readonly string[];
    let server: Process;
    let boxes: readonly Process[];

    it("is possible while tests are searched for", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        files = project.files();
        await workbench.focusEditor();
        await workbench.run("Testwright: Generate Tests for Module");
        // Any of the steps in which boxes are at work; each may pass quickly.
        await workbench.toast(/Generating tests for .*(candidate|covered|kept)/).waitFor({ timeout: 120_000 });
        server = await waitFor("server", () =>
            descendants(vscode.server.pid).find(({ command }) => /\btestwright lsp\b/.test(command)),
        );
        boxes = await waitFor("boxes", () => {
            const found = descendants(server.pid);
            return found.length > 0 && found;
        });
        await vscode.screenshot("1-running");
        await workbench
            .toast(/Generating tests for/)
            .locator(".monaco-button", { hasText: "Cancel" })
            .click();
    });

    it("ends the boxes at once, and leaves nothing behind", async () => {
        const { vscode, project } = steps;
        await waitFor("end of the boxes", () => !boxes.some(({ pid }) => isAlive(pid)), { seconds: 3, pause: 0.02 });
        await vscode.workbench.toast(/Generating tests for/).waitFor({ state: "detached", timeout: 5_000 });
        await waitFor("server without children", () => descendants(server.pid).length === 0, { seconds: 3 });
        assert.ok(
            processes().some(({ pid }) => pid === server.pid),
            "the server goes on",
        );
        await vscode.screenshot("2-cancelled");
        assert.deepEqual(project.files(), files);
        assert.deepEqual(await vscode.workbench.toasts(), []);
        assert.deepEqual(vscode.leftovers(), []);
    });

    it("leaves the server to do the next work", async () => {
        const { vscode, project } = steps;
        await vscode.workbench.open(project.module);
        await vscode.workbench.run("Testwright: Generate Tests for Module");
        await vscode.workbench.toast(WRITTEN).waitFor({ timeout: 120_000 });
        assert.ok(project.passing(project.testFile) >= 1);
    });
});
