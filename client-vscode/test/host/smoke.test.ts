import assert from "node:assert/strict";

import * as vscode from "vscode";

describe("the extension in a real VS Code", () => {
    it("is there, and wakes with the first Python file", async () => {
        const extension = vscode.extensions.getExtension("testwright.testwright");
        assert.ok(extension);
        const [module] = await vscode.workspace.findFiles("**/items.py");
        assert.ok(module);
        await vscode.window.showTextDocument(module);
        await extension.activate();
        assert.equal(extension.isActive, true);
    });
});
