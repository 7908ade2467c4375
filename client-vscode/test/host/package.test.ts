/** What package.json declares, as the editor takes it. */
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import * as vscode from "vscode";

interface Manifest {
    readonly contributes: {
        readonly commands: readonly { readonly command: string }[];
        readonly configuration: {
            readonly properties: Readonly<Record<string, { readonly scope: string; readonly default: unknown }>>;
        };
    };
}

const extension = vscode.extensions.getExtension("testwright.testwright");
assert.ok(extension);
const { contributes } = extension.packageJSON as Manifest;
const properties = Object.entries(contributes.configuration.properties);

/** Another value that the schema allows. */
function other(value: unknown): unknown {
    if (typeof value === "boolean") {
        return !value;
    }
    if (typeof value === "number") {
        return value + 1;
    }
    if (typeof value === "string") {
        return value === "" ? "/elsewhere/program" : { auto: "none", warning: "debug", off: "verbose" }[value];
    }
    return ["SECRET"];
}

describe("the package", () => {
    it("has every command that it declares", async () => {
        await extension.activate();
        const registered = new Set(await vscode.commands.getCommands(true));
        assert.deepEqual(
            contributes.commands.map(({ command }) => command).filter((command) => !registered.has(command)),
            [],
        );
    });

    it("has the defaults that it declares", () => {
        for (const [name, { default: value }] of properties) {
            assert.deepEqual(vscode.workspace.getConfiguration().inspect(name)?.defaultValue, value, name);
        }
    });

    it("takes nothing from a workspace that names a program or says how code is contained", async () => {
        const folder = vscode.workspace.workspaceFolders?.[0];
        assert.ok(folder);
        const file = join(folder.uri.fsPath, ".vscode", "settings.json");
        const read = (name: string): unknown => vscode.workspace.getConfiguration(undefined, folder.uri).get(name);
        const changed = new Promise<void>((resolve) => {
            const listening = vscode.workspace.onDidChangeConfiguration(() => {
                if (read("testwright.seed") === 1) {
                    listening.dispose();
                    resolve();
                }
            });
        });
        const all = properties.filter(([name]) => name !== "testwright.enable");
        const before = new Map(all.map(([name]) => [name, JSON.stringify(read(name))]));
        await mkdir(dirname(file), { recursive: true });
        await writeFile(
            file,
            JSON.stringify(Object.fromEntries(all.map(([name, { default: value }]) => [name, other(value)]))),
        );
        try {
            await changed;
            const taken = all.filter(([name]) => JSON.stringify(read(name)) !== before.get(name));
            const allowed = all.filter(([, { scope }]) => scope === "resource" || scope === "window");
            assert.deepEqual(
                taken.map(([name]) => name),
                allowed.map(([name]) => name),
            );
            assert.ok(all.length - allowed.length >= 7, "the settings of the machine were not found");
        } finally {
            await rm(dirname(file), { recursive: true, force: true });
        }
    });
});
