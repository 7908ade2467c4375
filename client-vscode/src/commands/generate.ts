/** Generating tests: for modules, for one class or function, and for modules that have tests already. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { ServerCommand } from "../protocol";
import { lastName } from "../pure/words";
import type { Parts } from "./commands";
import { generateForMany } from "./many";
import { looksLikeTest } from "./pure/target";
import { pick, symbolAt, symbolsIn } from "./symbols";
import { fileOf, filesOf, moduleOf } from "./target";

/** For the active module, for the one that a menu was opened on, or for all that are selected. */
export async function generateForModule(parts: Parts, ...given: unknown[]): Promise<void> {
    const files = filesOf(given, "generate tests for it");
    const [only] = files;
    if (only === undefined || files.length > 1) {
        const items = files.map((file) => ({ uri: file.toString(), name: vscode.workspace.asRelativePath(file) }));
        await generateForMany(parts, items);
        return;
    }
    if (looksLikeTest(lastName(only))) {
        refuseTestFile(only);
    }
    await parts.server.command(ServerCommand.generate, { uri: only.toString() });
}

function refuseTestFile(file: vscode.Uri): never {
    const improve = {
        label: "Improve Tests",
        run: () => vscode.commands.executeCommand("testwright.improveTests", file),
    };
    throw new UserError(
        `${lastName(file)} is a test file itself. Open the module that it tests, or improve these tests.`,
        [improve],
    );
}

/** For the class or function around the cursor; outside of all, the user picks one. */
export async function generateForSymbol(parts: Parts, ...given: unknown[]): Promise<void> {
    const file = fileOf(given, "generate tests for a class or function in it");
    const editor = vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === file.toString());
    const uri = file.toString();
    await parts.server.start();
    const around = editor !== undefined ? await symbolAt(parts.server, uri, editor.selection) : undefined;
    const symbol = around ?? (await pick(await symbolsIn(parts.server, file)));
    if (symbol !== undefined) {
        await parts.server.command(ServerCommand.generate, { uri, symbol });
    }
}

/** Add to the tests that a module has; from the module or from its test file. */
export async function improveTests(parts: Parts, ...given: unknown[]): Promise<void> {
    const files = filesOf(given, "improve its tests");
    const modules = [];
    for (const file of files) {
        const module = await moduleOf(parts.server, file);
        if (module.testUri !== null) {
            modules.push(module);
        } else if (files.length === 1) {
            throw new UserError(`${module.name} has no tests yet that could be improved. Generate some first.`, [
                {
                    label: "Generate Tests",
                    run: async () => parts.server.command(ServerCommand.generate, { uri: module.uri }),
                },
            ]);
        }
    }
    const [only] = modules;
    if (only === undefined) {
        throw new UserError("None of these modules has tests that could be improved. Generate some first.");
    }
    if (modules.length > 1) {
        await generateForMany(parts, modules);
    } else {
        await parts.server.command(ServerCommand.generate, { uri: only.uri });
    }
}
