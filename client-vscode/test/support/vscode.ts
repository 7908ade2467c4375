/** A real VS Code with the packaged extension, as it is on a user's machine. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Page } from "playwright-core";

import { startBrowser, type GuardedBrowser } from "./browser";
import { startCodeServer, type CodeServer } from "./codeServer";
import { speakingOf } from "./processes";
import { makeSurroundings, ROOT, type Surroundings, type Wishes } from "./surroundings";
import { findTools, type Tools } from "./tools";
import { waitFor } from "./waiting";
import { Workbench } from "./workbench";

const OUT = join(ROOT, "client-vscode", "out");
/** Pictures of each state. */
const SCREENSHOTS = join(OUT, "screenshots");
const FAILURES = join(OUT, "failures");

export interface Start extends Wishes {
    /** Lay the workspace out. @returns What is opened. */
    readonly workspace: (folder: string) => string;
    readonly asksForTrust?: boolean;
    /** Programs that VS Code, and what it starts, cannot start. */
    readonly withoutPrograms?: readonly string[];
    /** A file of the workspace to show from the beginning. */
    readonly file?: string;
    /** Whether the window is dark. */
    readonly dark?: boolean;
}

export class VsCode {
    private readonly console: string[] = [];

    private constructor(
        readonly name: string,
        readonly surroundings: Surroundings,
        readonly server: CodeServer,
        private readonly browser: GuardedBrowser,
        readonly page: Page,
        readonly workbench: Workbench,
    ) {
        page.on("console", (message) => this.console.push(`${message.type()}: ${message.text()}`));
    }

    /** Install the package into a fresh VS Code and open a workspace. */
    static async start(name: string, options: Start): Promise<VsCode> {
        const tools = findTools(ROOT);
        const surroundings = makeSurroundings({
            ...options,
            userSettings: {
                "workbench.colorTheme": options.dark === true ? "Default Dark Modern" : "Default Light Modern",
                ...options.userSettings,
            },
        });
        const workspace = options.workspace(surroundings.workspaces);
        install(tools, surroundings, packagePath());
        const server = await startCodeServer(tools, surroundings, {
            asksForTrust: options.asksForTrust ?? false,
            withoutPrograms: options.withoutPrograms ?? [],
        });
        const browser = await startBrowser(tools);
        const page = await (await browser.newContext()).newPage();
        const vscode = new VsCode(name, surroundings, server, browser, page, new Workbench(page));
        const file = options.file;
        await page.goto(
            server.page(workspace, file === undefined ? [] : [["openFile", server.remote(join(workspace, file))]]),
        );
        await vscode.workbench.ready();
        return vscode;
    }

    /** Keep a picture of the window as it is now. */
    async screenshot(state: string): Promise<void> {
        mkdirSync(SCREENSHOTS, { recursive: true });
        await this.page.screenshot({ path: join(SCREENSHOTS, `${this.name}-${state}.png`) });
    }

    /** Keep what tells why a test failed. */
    async keep(title: string): Promise<void> {
        const base = join(FAILURES, `${this.name}-${title}`.replace(/[^\w-]+/g, "-").slice(0, 100));
        mkdirSync(FAILURES, { recursive: true });
        await this.page.screenshot({ path: `${base}.png` }).catch((error: unknown) => {
            this.console.push(String(error));
        });
        writeFileSync(`${base}.log`, [...this.console, "-- code-server", this.server.log()].join("\n"));
        cpSync(join(this.surroundings.userData, "logs"), `${base}.logs`, { recursive: true });
    }

    /** What the extension and its server have left in the folder for temporary files. */
    leftovers(): string[] {
        return readdirSync(this.surroundings.temporary).filter((name) => /testwright|tw-|box/.test(name));
    }

    /** What a log channel of the extension holds: "Testwright", "Testwright Server". */
    extensionLogs(): string {
        const found = spawnSync(
            "find",
            [join(this.surroundings.userData, "logs"), "-path", "*testwright*", "-type", "f"],
            {
                encoding: "utf8",
            },
        );
        return found.stdout
            .trim()
            .split("\n")
            .filter((path) => path !== "")
            .map((path) => `== ${path}\n${readFileSync(path, "utf8")}`)
            .join("\n");
    }

    /** Close the window and end all. @throws {Error} The outside was asked, or something is left running. */
    async close(): Promise<void> {
        try {
            await this.browser.close();
            this.server.stop();
            await waitFor("end of all processes", () => speakingOf(this.surroundings.folder).length === 0, {
                seconds: 10,
            });
        } finally {
            this.surroundings.remove();
        }
        if (this.browser.outside.length > 0) {
            throw new Error(`Addresses outside of this machine were asked for: ${this.browser.outside.join(", ")}`);
        }
    }
}

/** The package that is tried. */
export function packagePath(): string {
    const path = process.env["TESTS_VSIX"];
    if (path === undefined) {
        throw new Error("TESTS_VSIX names no package; run scripts/journeys.mjs");
    }
    return path;
}

function install(tools: Tools, surroundings: Surroundings, vsix: string): void {
    const config = join(surroundings.folder, "install.yaml");
    writeFileSync(config, "");
    const ran = spawnSync(
        tools.node,
        [
            tools.codeServer,
            `--config=${config}`,
            `--user-data-dir=${surroundings.userData}`,
            `--extensions-dir=${surroundings.extensions}`,
            `--install-extension=${vsix}`,
        ],
        { encoding: "utf8", env: surroundings.environment, timeout: 120_000 },
    );
    if (ran.status !== 0 || !ran.stdout.includes("successfully installed")) {
        throw new Error(`${vsix} could not be installed:\n${ran.stdout}\n${ran.stderr}`);
    }
}
