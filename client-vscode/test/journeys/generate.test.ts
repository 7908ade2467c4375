/** From the package alone: the server's environment is made, tests are generated, and what they cover is shown. */
import assert from "node:assert/strict";

import { journey, WRITTEN } from "../support/journey";
import { namesOfTests } from "../support/realProject";
import { waitFor } from "../support/waiting";

describe("first use, from the package alone", () => {
    const steps = journey("generate", { ownEnvironment: true, file: "src/mdurl/_encode.py" });

    it("makes the server's environment when a Python file is opened, and shows that", async () => {
        const { vscode } = steps;
        await vscode.workbench.tab("_encode.py", { active: true }).waitFor();
        const began = performance.now();
        await vscode.workbench.toast(/Testwright/).waitFor();
        await vscode.screenshot("1-environment");
        await vscode.workbench.toast(/Testwright/).waitFor({ state: "detached", timeout: 120_000 });
        console.log(`      the environment was made in ${((performance.now() - began) / 1000).toFixed(1)} s`);
        await vscode.screenshot("2-ready");
    });

    it("offers to generate tests, by the light bulb", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.goToLine(project.lineOf(project.module, "def encode") + 2);
        const action = await workbench.codeActionsWith(/Generate tests for module _encode/);
        assert.ok(await workbench.codeAction(/Generate tests for encode/).isVisible());
        await vscode.screenshot("3-actions");
        await action.click();
    });

    it("shows how far it is, with a way to cancel", async () => {
        const { vscode } = steps;
        const { workbench } = vscode;
        const toast = workbench.toast(/Generating tests for/);
        await toast.waitFor();
        const messages = new Set<string>();
        await waitFor("several steps of the progress", async () => {
            for (const message of await workbench.toasts()) {
                messages.add(message);
            }
            if (messages.size === 2) {
                await vscode.screenshot("4-progress");
                await workbench.button(toast, "Cancel").waitFor();
            }
            return messages.size >= 4 || (await workbench.toast(/\d+ tests? /).isVisible());
        });
    });

    it("writes the file, shows it, and says so", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        const message = workbench.toast(WRITTEN);
        await message.waitFor({ timeout: 120_000 });
        for (const button of ["Open", "Run", "Report"]) {
            await workbench.button(message, button).waitFor();
        }
        await workbench.tab("test_encode.py", { active: true }).waitFor();
        await workbench.file("test_encode.py").waitFor();
        await vscode.screenshot("5-written");
        const names = namesOfTests(project.read(project.testFile));
        assert.ok(names.length >= 2);
        assert.ok(project.passing(project.testFile) >= names.length);
    });

    it("shows what the tests cover: in the status bar, and in VS Code's own gutters", async () => {
        const { vscode } = steps;
        const { workbench } = vscode;
        await workbench.clear();
        await workbench.open("src/mdurl/_encode.py");
        await workbench.status(/tests \d+ %/).waitFor();
        await vscode.page.locator(".coverage-deco-gutter.coverage-deco-hit").first().waitFor();
        await vscode.page
            .locator(".codelens-decoration")
            .filter({ hasText: /\d+ % covered/ })
            .first()
            .waitFor();
        await vscode.screenshot("6-coverage");
    });

    it("has a report, a click on the status bar away", async () => {
        const { vscode } = steps;
        const { workbench } = vscode;
        await workbench.status(/tests \d+ %/).click();
        await workbench.tabs(/^Tests of _encode/).waitFor();
        const frame = vscode.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
        await frame.getByText("test_get_encode_cache").first().waitFor();
        await vscode.screenshot("7-report");
    });
});
