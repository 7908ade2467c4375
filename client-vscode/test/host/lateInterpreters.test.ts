/** The other extensions when they fail or take their time: nobody waits for them, and a late answer is a change. */
import assert from "node:assert/strict";

import * as vscode from "vscode";

import { createInterpreters } from "../../src/python/interpreters";
import { waitFor } from "../support/waiting";

describe("an interpreter that is told late", () => {
    it("is not waited for, and is a change when it comes", async () => {
        const interpreters = createInterpreters(vscode.window.createOutputChannel("Interpreters", { log: true }));
        const [folder] = vscode.workspace.workspaceFolders ?? [];
        assert.ok(folder);
        const changes: (vscode.Uri | undefined)[] = [];
        interpreters.onDidChange((changed) => changes.push(changed));
        const python = vscode.extensions.getExtension("ms-python.python");
        assert.equal(python?.isActive, false, "nobody has asked yet");

        const began = performance.now();
        assert.equal(await interpreters.of(folder.uri), undefined);
        assert.ok(performance.now() - began < 15_000);
        assert.equal(python.isActive, false);

        await waitFor("change", () => changes.length > 0, { seconds: 10 });
        assert.deepEqual(changes.map(String), [folder.uri.toString()]);
        assert.deepEqual(await interpreters.of(folder.uri), { path: "/bin/sh", source: "python" });
        interpreters.dispose();
    });
});
