/** Which models would be asked, and the user's consent: read, given, and taken back. Nothing is sent for any of it. */
import assert from "node:assert/strict";

import { journey } from "../support/journey";
import { seen } from "../support/workbench";

/** It opens nothing, and need not: no model is asked. */
const KEY = ["sk", "or", "v1", "journey", "0123456789abcdef"].join("-");

describe("models, and consent to them", () => {
    const steps = journey("models", { environment: { OPENROUTER_API_KEY: KEY } });

    it("are shown as a document, with why each stands where it does", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.open(project.module);
        await workbench.run("Testwright: Show Models");
        await workbench.tabs(/Testwright Models/).waitFor();
        const frame = vscode.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
        await frame.getByText("Asked, in this order").waitFor();
        await frame.getByText(/^Of the registry, with priority 10\.$/).waitFor();
        await vscode.screenshot("1-models");
    });

    it("get code only when the user agrees, who is told before what goes where", async () => {
        const { vscode } = steps;
        const { workbench } = vscode;
        await workbench.run("Testwright: Consent to Models…");
        const question = workbench.toast(/May Testwright send code of mdurl to models at openrouter\.ai\?/);
        await question.waitFor();
        await vscode.screenshot("2-question");
        await workbench.button(question, "Details").click();
        await workbench.tabs(/^consent-mdurl\.md/).waitFor();
        await question.waitFor();
        await vscode.screenshot("3-details");
        await workbench.button(question, "Agree").click();
        await workbench.toast(/Code of mdurl may be sent to openrouter\.ai now\./).waitFor();
        await vscode.screenshot("4-agreed");
    });

    it("get none any more when that is taken back", async () => {
        const { vscode } = steps;
        const { workbench } = vscode;
        await workbench.clear();
        await workbench.run("Testwright: Consent to Models…");
        const question = workbench.toast(/Take it back\?/);
        await workbench.button(question, "Withdraw").click();
        await workbench.toast(/No code of mdurl is sent to a model any more\./).waitFor();
        assert.equal(await seen(workbench.toast(/error/i)), false);
    });
});
