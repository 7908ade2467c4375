/** What package.json declares is there: its texts, its files, and the commands in the code. */
import * as assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { ServerCommand } from "../../../src/protocol";
import { serverSettings } from "../../../src/server/pure/configuration";

interface MenuItem {
    readonly command?: string;
    readonly submenu?: string;
    readonly when?: string;
}

interface Setting {
    readonly default: unknown;
    readonly scope: string;
}

interface Manifest {
    readonly publisher: string;
    readonly name: string;
    readonly version: string;
    readonly icon: string;
    readonly activationEvents: readonly string[];
    readonly extensionKind: readonly string[];
    readonly extensionDependencies?: readonly string[];
    readonly extensionPack?: readonly string[];
    readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
    readonly contributes: {
        readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
        readonly submenus: readonly { readonly id: string }[];
        readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
        readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
        readonly walkthroughs: readonly {
            readonly steps: readonly {
                readonly description: string;
                readonly media: { readonly svg: string };
                readonly completionEvents: readonly string[];
            }[];
        }[];
        readonly keybindings?: unknown;
    };
}

// The tests are run in the extension's folder.
const here = resolve(".");
const text = readFileSync(join(here, "package.json"), "utf8");
const manifest = JSON.parse(text) as Manifest;
const texts = JSON.parse(readFileSync(join(here, "package.nls.json"), "utf8")) as Record<string, string>;
const { commands, configuration, menus, submenus, walkthroughs } = manifest.contributes;
const declared = commands.map((command) => command.command);
const steps = walkthroughs.flatMap((walkthrough) => walkthrough.steps);

/** All that our sources say, by file. */
function sources(): ReadonlyMap<string, string> {
    const files = readdirSync(join(here, "src"), { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".ts"),
    );
    return new Map(files.map((name) => [name, readFileSync(join(here, "src", name), "utf8")]));
}

describe("package.json", () => {
    it("has a text for each placeholder, and no text that nothing shows", () => {
        const used = [...text.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1] ?? "");
        assert.ok(used.length > 60, "placeholders were not found");
        assert.deepEqual([...new Set(used)].sort(), Object.keys(texts).sort());
        assert.deepEqual(
            Object.entries(texts).filter(([, value]) => value.trim() === ""),
            [],
        );
    });

    it("puts every command and setting under the extension's name", () => {
        for (const name of [...declared, ...Object.keys(configuration.properties), ...submenus.map(({ id }) => id)]) {
            assert.match(name, /^testwright\.\w/);
        }
        assert.equal(new Set(declared).size, declared.length);
        assert.deepEqual([...new Set(commands.map((command) => command.category))], ["Testwright"]);
    });

    it("does not take the name of a command that the language client registers", () => {
        const servers: readonly string[] = Object.values(ServerCommand);
        assert.deepEqual(
            declared.filter((command) => servers.includes(command)),
            [],
        );
    });

    it("declares the commands that the code has, and no other", () => {
        const said = [...sources().values()].flatMap((source) =>
            [...source.matchAll(/"(testwright\.[a-z]\w*)"/g)].map((match) => match[1] ?? ""),
        );
        const servers: readonly string[] = Object.values(ServerCommand);
        const missing = declared.filter((command) => !said.includes(command));
        assert.deepEqual(missing, [], "nothing in src/ has these commands");
        const verbs = said.filter((name) =>
            /\.(generate|improve|judge|open|set|clear|restart|show|measure)[A-Z]/.test(name),
        );
        const unknown = verbs.filter((name) => !declared.includes(name) && !servers.includes(name));
        assert.deepEqual(unknown, [], "package.json does not declare these commands");
    });

    it("reads no setting that is not declared", () => {
        const known = Object.keys(configuration.properties);
        for (const [file, source] of sources()) {
            for (const [, name] of source.matchAll(/affectsConfiguration\(\s*"(testwright\.[\w.]+)"/g)) {
                assert.ok(
                    known.some((setting) => setting === name || setting.startsWith(`${name ?? ""}.`)),
                    `${file} asks for ${name ?? ""}`,
                );
            }
        }
    });

    it("takes nothing that a program, a box, a destination or a price depends on from a workspace", () => {
        const { restrictedConfigurations: restricted } = manifest.capabilities.untrustedWorkspaces;
        const ofMachine = Object.entries(configuration.properties).filter(([, { scope }]) => scope === "machine");
        for (const name of [
            "path",
            "box",
            "agentBox",
            "agentImageBase",
            "modelBaseUrl",
            "modelRegistry",
            "dataCollection",
            "maxModelCost",
        ]) {
            assert.ok(
                ofMachine.some(([setting]) => setting === `testwright.${name}`),
                name,
            );
        }
        const names = ofMachine.map(([setting]) => setting);
        assert.deepEqual(
            [...restricted].sort(),
            [...names, "testwright.preferredModel", "testwright.fallbackModels"].sort(),
        );
    });

    it("hands the server every setting but those that are the extension's own business", () => {
        const own = ["enable", "statusBar", "python", "path", "server.source", "server.python", "trace.server"];
        for (const name of Object.keys(configuration.properties).map((key) => key.replace("testwright.", ""))) {
            const handed = serverSettings((asked) => (asked === name ? { globalValue: 1 } : undefined));
            assert.equal(Object.keys(handed).length, own.includes(name) ? 0 : 1, name);
        }
    });

    it("has menus of known commands and submenus only", () => {
        const ids = submenus.map((submenu) => submenu.id);
        for (const [menu, items] of Object.entries(menus)) {
            for (const { command, submenu } of items) {
                assert.ok(command === undefined || declared.includes(command), `${command ?? ""} in ${menu}`);
                assert.ok(submenu === undefined || ids.includes(submenu), `${submenu ?? ""} in ${menu}`);
                assert.ok((command === undefined) !== (submenu === undefined), menu);
            }
        }
        for (const id of ids) {
            assert.ok(menus[id] !== undefined && menus[id].length > 0, `${id} is empty`);
        }
    });

    it("offers what generates only where Testwright is switched on", () => {
        const hidden = (menus["commandPalette"] ?? []).map((item) => item.command);
        const always = ["setApiKey", "clearApiKey", "doctor", "restartServer", "showLogs", "debugInformation"];
        assert.deepEqual(
            declared.filter((command) => !hidden.includes(command)).sort(),
            always.map((name) => `testwright.${name}`).sort(),
        );
        for (const menu of ["commandPalette", "editor/context", "explorer/context"]) {
            for (const item of menus[menu] ?? []) {
                assert.match(item.when ?? "", /config\.testwright\.enable/, menu);
            }
        }
    });

    it("does not ask for the scheme `file`, which remote files do not have", () => {
        assert.doesNotMatch(text, /resourceScheme == '?file/);
    });

    it("has a walkthrough of a few steps with pictures and ends that exist", () => {
        assert.ok(steps.length >= 3 && steps.length <= 5);
        const servers: readonly string[] = Object.values(ServerCommand);
        const editors = ["workbench.action.openSettings", "workbench.action.quickOpen"];
        for (const step of steps) {
            assert.ok(existsSync(join(here, step.media.svg)), step.media.svg);
            for (const event of step.completionEvents) {
                const [kind, name = ""] = event.split(":");
                if (kind === "onCommand") {
                    assert.ok(declared.includes(name) || servers.includes(name), event);
                } else {
                    assert.equal(kind, "onSettingChanged");
                    assert.ok(name in configuration.properties, event);
                }
            }
            const description = texts[step.description.replaceAll("%", "")] ?? "";
            assert.doesNotMatch(
                description,
                /\*(?!\*)|_\w+_/,
                "shown as it is written: only links and ** are rendered",
            );
            for (const [, command = ""] of description.matchAll(/\(command:([\w.]+)/g)) {
                assert.ok(declared.includes(command) || editors.includes(command), command);
            }
        }
    });

    it("opens the settings of this extension from the walkthrough", () => {
        const query = /command:workbench\.action\.openSettings\?([^)]+)\)/.exec(
            texts["walkthrough.settings.description"] ?? "",
        );
        assert.deepEqual(JSON.parse(decodeURIComponent(query?.[1] ?? "")), [
            `@ext:${manifest.publisher}.${manifest.name}`,
        ]);
    });

    it("has an icon that is a PNG of 256 by 256", () => {
        const icon = readFileSync(join(here, manifest.icon));
        assert.equal(icon.subarray(1, 4).toString(), "PNG");
        assert.deepEqual([icon.readUInt32BE(16), icon.readUInt32BE(20)], [256, 256]);
        assert.ok(statSync(join(here, manifest.icon)).size < 50_000);
    });

    it("starts with Python files alone, beside the workspace, and needs no other extension", () => {
        assert.deepEqual(manifest.activationEvents, ["onLanguage:python"]);
        assert.deepEqual(manifest.extensionKind, ["workspace"]);
        assert.equal(manifest.extensionDependencies, undefined);
        assert.equal(manifest.extensionPack, undefined);
    });

    it("takes no key of the keyboard", () => {
        assert.equal(manifest.contributes.keybindings, undefined);
    });
});

/** The cells of the tables of a Markdown text. */
function rowsOf(markdown: string): string[][] {
    const lines = markdown.split("\n").filter((line) => line.startsWith("|"));
    return lines.map((line) =>
        line
            .split("|")
            .slice(1, -1)
            .map((cell) => cell.trim()),
    );
}

describe("documents", () => {
    const readme = readFileSync(join(here, "README.md"), "utf8");

    it("name every command that people look for", () => {
        for (const command of commands) {
            const title = texts[command.title.replaceAll("%", "")] ?? "";
            assert.ok(
                rowsOf(readme).some(([name]) => name === title),
                `README.md lacks a row for ${title}`,
            );
        }
    });

    it("name every setting with its default, and none that is not there", () => {
        const rows = new Map(
            rowsOf(readme)
                .filter(([name = ""]) => name.startsWith("`testwright."))
                .map(([name = "", value = ""]) => [name.slice("`testwright.".length, -1), value]),
        );
        const expected = Object.entries(configuration.properties).map(([name, { default: value }]) => {
            const isEmpty = value === "" || (Array.isArray(value) && value.length === 0);
            return [name.replace("testwright.", ""), isEmpty ? "" : `\`${String(value)}\``] as const;
        });
        assert.deepEqual([...rows].sort(), [...expected].sort());
    });

    it("name the package as it is called", () => {
        assert.ok(readme.includes(`code --install-extension testwright-${manifest.version}.vsix`));
    });

    it("show pictures that exist", () => {
        for (const [, path = ""] of readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)) {
            assert.ok(existsSync(join(here, path)), path);
        }
    });
});
