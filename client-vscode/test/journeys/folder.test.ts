/** Tests for several modules at once, and the server killed on the way. */
import assert from "node:assert/strict";

import { journey, WRITTEN } from "../support/journey";
import { descendants } from "../support/processes";
import { waitFor } from "../support/waiting";

describe("a folder's modules", () => {
    const steps = journey("folder", {
        file: "src/mdurl/_encode.py",
    });

    it("are chosen from the explorer", async () => {
        const { workbench, page } = steps.vscode;
        await workbench.contextMenu(workbench.file("mdurl"), /Generate Tests for Folder/);
        await workbench.choice(/mdurl\._encode/).waitFor();
        await steps.vscode.screenshot("1-chosen");
        for (const name of ["_format", "_parse", "_url"]) {
            await workbench
                .choice(new RegExp(`mdurl\\.${name}`))
                .locator(".quick-input-list-checkbox, .monaco-checkbox")
                .first()
                .click();
        }
        await page.locator(".quick-input-widget .monaco-button", { hasText: "OK" }).click();
        const question = page.locator(".monaco-dialog-box");
        await question.waitFor();
        await steps.vscode.screenshot("2-question");
        await workbench.button(question, "Generate").click();
    });

    it("get their tests one after another, under one message", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.toast(/1 of 2/).waitFor();
        await vscode.screenshot("3-first");
        await workbench.toast(/2 of 2/).waitFor({ timeout: 120_000 });
        await workbench.toast(/2 of 2/).waitFor({ state: "detached", timeout: 120_000 });
        await waitFor("message at the end", async () => (await workbench.toasts()).length === 1);
        await vscode.screenshot("4-done");
        for (const file of ["tests/test_encode.py", "tests/test_decode.py"]) {
            assert.ok(project.passing(file) >= 1, file);
        }
        assert.ok(!project.exists("tests/test_parse.py"));
    });
});

describe("a server that is killed", () => {
    const steps = journey("killed", { file: "src/mdurl/_encode.py" });

    it("comes back by itself, and works", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        const find = (): number | undefined =>
            descendants(vscode.server.pid).find(({ command }) => /\btestwright lsp\b/.test(command))?.pid;
        await workbench.status(/tests/).waitFor();
        const killed = await waitFor("server", find);
        process.kill(killed, "SIGKILL");
        await waitFor("new server", () => {
            const now = find();
            return now !== killed && now;
        });
        await workbench.run("Testwright: Generate Tests for Module");
        await workbench.toast(WRITTEN).waitFor({ timeout: 120_000 });
        assert.ok(project.passing(project.testFile) >= 1);
    });
});
