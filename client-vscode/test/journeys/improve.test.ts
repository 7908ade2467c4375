/** Tests are added to a file that is open and has unsaved changes. */
import assert from "node:assert/strict";

import { journey, WRITTEN } from "../support/journey";
import { keepsAllLines, namesOfTests } from "../support/realProject";
import { waitFor } from "../support/waiting";

const TYPED = "# what I have typed and not saved";

describe("improving a test file with unsaved changes", () => {
    const steps = journey("improve", {
        prepare: (project) => {
            project.write(project.testFile, project.ownTest);
        },
        file: "tests/test_encode.py",
        userSettings: { "editor.autoIndent": "none" },
    });

    it("adds to what the editor holds, and leaves saving to the user", async () => {
        const { vscode, project } = steps;
        const { workbench, page } = vscode;
        await workbench.tab("test_encode.py", { active: true }).waitFor();
        await workbench.focusEditor();
        await page.keyboard.press("Control+End");
        await page.keyboard.press("Enter");
        await page.keyboard.press("Enter");
        await page.keyboard.type(TYPED);
        await workbench.dirtyTab("test_encode.py").waitFor();
        await vscode.screenshot("1-unsaved");
        await workbench.open(project.module);
        await workbench.run("Testwright: Improve Tests");
        await workbench.toast(WRITTEN).waitFor({ timeout: 120_000 });
        await vscode.screenshot("2-improved");
        assert.equal(project.read(project.testFile), project.ownTest, "nothing is saved by the run");
        await workbench.dirtyTab("test_encode.py").waitFor();
    });

    it("is taken back by one undo, and done again by one redo", async () => {
        const { vscode, project } = steps;
        const { workbench, page } = vscode;
        await workbench.tab("test_encode.py").first().click();
        await workbench.focusEditor();
        const added = await workbench.editorText();
        assert.ok(keepsAllLines(`${project.ownTest}\n\n${TYPED}`, added), added);
        assert.ok(namesOfTests(added).length > 1, added);
        await page.keyboard.press("Control+z");
        await waitFor(
            "text of before",
            async () => (await workbench.editorText()) === `${project.ownTest}\n\n${TYPED}`,
        );
        await vscode.screenshot("3-undone");
        await page.keyboard.press("Control+y");
        await waitFor("text with the tests", async () => (await workbench.editorText()) === added);
        await page.keyboard.press("Control+s");
        await waitFor("saved file", () => project.read(project.testFile) === added);
        assert.ok(project.passing(project.testFile) >= namesOfTests(added).length);
    });
});
