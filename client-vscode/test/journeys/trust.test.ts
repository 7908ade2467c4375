/** A workspace that the user does not trust: nothing of it runs, and it is said why, until the user trusts it. */
import assert from "node:assert/strict";

import { journey, WRITTEN } from "../support/journey";
import { descendants } from "../support/processes";
import { waitFor } from "../support/waiting";
import { seen } from "../support/workbench";

describe("a workspace that is not trusted", () => {
    const steps = journey("trust", { asksForTrust: true });

    it("is opened in restricted mode", async () => {
        const { vscode } = steps;
        await vscode.workbench.status(/Restricted Mode/).waitFor();
        await vscode.screenshot("1-restricted");
    });

    it("has actions that are disabled, says why, and runs nothing", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        const files = project.files();
        await workbench.open(project.module);
        await workbench.goToLine(project.lineOf(project.module, "def encode"));
        // Actions that cannot be taken are shown in this menu alone.
        const action = workbench.codeAction(/Generate tests for _encode/);
        await waitFor("source actions", async () => {
            await workbench.run("Source Action...");
            await seen(action.or(workbench.nothing()).first());
            return action.isVisible();
        });
        assert.match((await action.getAttribute("class")) ?? "", /option-disabled/);
        await vscode.screenshot("2-disabled");
        await vscode.page.keyboard.press("Escape");
        await workbench.run("Testwright: Generate Tests for Module");
        const message = workbench.toast(/trust/);
        await message.waitFor();
        await vscode.screenshot("3-refused");
        assert.deepEqual(project.files(), files);
        assert.deepEqual(
            descendants(vscode.server.pid).filter(({ command }) => /bwrap|pytest/.test(command)),
            [],
        );
    });

    it("works once it is trusted, without a new window", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.toast(/trust/).locator(".monaco-button", { hasText: /Trust/ }).click();
        await vscode.page.locator(".workspace-trust-editor .monaco-button", { hasText: /^Trust$/ }).click();
        await workbench.status(/Restricted Mode/).waitFor({ state: "detached" });
        await workbench.open(project.module);
        await workbench.run("Testwright: Generate Tests for Module");
        await workbench.toast(WRITTEN).waitFor({ timeout: 120_000 });
        await vscode.screenshot("4-trusted");
        assert.ok(project.passing(project.testFile) >= 1);
    });
});
