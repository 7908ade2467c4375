/** Runs inside VS Code's extension host: mocha over the test files that the runner has built, told line by line. */
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { formatWithOptions } from "node:util";

import Mocha from "mocha";
import * as vscode from "vscode";

import { NO_FOLDER } from "../support/noFolder";
import { waitFor } from "../support/waiting";

/** VS Code calls it, and takes a failure of it for a failure of the tests. */
export async function run(): Promise<void> {
    const output = process.env["TESTS_OUTPUT"];
    if (output === undefined) {
        throw new Error("TESTS_OUTPUT names no file");
    }
    // The reporter would write to the console, which the extension host sends elsewhere.
    Object.assign(Mocha.reporters.Base, {
        consoleLog: (...words: unknown[]) => {
            appendFileSync(output, `${formatWithOptions({ colors: false }, ...words)}\n`);
        },
    });
    const mocha = new Mocha({
        ui: "bdd",
        timeout: 60_000,
        color: false,
        reporter: "spec",
        forbidOnly: true,
        ...(process.env["TESTS_GREP"] === undefined ? {} : { grep: new RegExp(process.env["TESTS_GREP"]) }),
    });
    // Both styles, whichever a file takes.
    mocha.suite.on("pre-require", (globals) => {
        Object.assign(globals, { suite: globals.describe, test: globals.it, suiteSetup: globals.before });
        Object.assign(globals, {
            setup: globals.beforeEach,
            teardown: globals.afterEach,
            suiteTeardown: globals.after,
        });
    });
    // A workspace file is read through the connection, which on a busy machine is there after the extension host.
    try {
        await waitFor("folder of the workspace", () => (vscode.workspace.workspaceFolders?.length ?? 0) > 0);
    } catch (error) {
        appendFileSync(output, NO_FOLDER);
        throw error;
    }
    for (const name of readdirSync(__dirname).filter((file) => file.endsWith(".test.js"))) {
        mocha.addFile(join(__dirname, name));
    }
    const failures = await new Promise<number>((resolve) => mocha.run(resolve));
    if (failures > 0) {
        throw new Error(`${failures} failed`);
    }
}
