/** Runs files of extension-host tests, each in a VS Code of its own. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { startBrowser, type GuardedBrowser } from "./browser";
import { startCodeServer } from "./codeServer";
import { NO_FOLDER } from "./noFolder";
import { speakingOf } from "./processes";
import { addStub, makeSurroundings, ROOT, VENV_BIN, type Surroundings } from "./surroundings";
import type { Tools } from "./tools";
import { waitFor } from "./waiting";
import type { Window } from "./window";

const CLIENT = join(ROOT, "client-vscode");
/**
 * How often a window is opened until it has its folders. VS Code opens one without any, now and then, when it reads the
 * workspace file before the connection is there through which it could.
 */
const WINDOWS = 3;
/** Where a failure is kept. */
const FAILURES = join(CLIENT, "out", "failures");

export interface HostTests {
    /** `lifecycle`, of `test/host/lifecycle.test.ts`. */
    readonly name: string;
    readonly window: Window;
    readonly grep?: string;
    /** Seconds that all of the file may take. */
    readonly seconds: number;
    /** Takes what is to be read. */
    readonly print: (text: string) => void;
    /** Build the extension and the tests into `dist` and `out/host` of a folder. */
    build(folder: string): Promise<void>;
}

/** Run one file's tests, with what mocha writes printed. @returns Whether all is well. */
export async function runHostTests(tools: Tools, tests: HostTests): Promise<boolean> {
    const { name, window } = tests;
    const outputs = { file: "" };
    const surroundings = makeSurroundings({
        machineSettings: { "testwright.path": join(VENV_BIN, "testwright"), ...window.machineSettings },
        userSettings: window.userSettings ?? {},
        environment: {
            TESTS_GREP: tests.grep,
            ...Object.fromEntries(
                Object.entries(window.environment ?? {}).map(([key, value]) => [key, value ?? undefined]),
            ),
        },
        ...(window.path === undefined ? {} : { path: window.path }),
    });
    outputs.file = join(surroundings.folder, "mocha.txt");
    writeFileSync(outputs.file, "");
    const environment = {
        ...surroundings.environment,
        TESTS_OUTPUT: outputs.file,
        TESTS_FOLDER: surroundings.folder,
        REPOSITORY: ROOT,
    };
    const extension = join(surroundings.folder, "ext");
    let browser: GuardedBrowser | undefined;
    let stop = (): void => undefined;
    try {
        await layOutExtension(extension, tests);
        const workspace = layOutWorkspace(surroundings, window);
        for (const id of window.stubs ?? []) {
            addStub(surroundings, id);
        }
        const server = await startCodeServer(
            tools,
            { ...surroundings, environment },
            {
                asksForTrust: window.asksForTrust ?? false,
                forExtensionTests: true,
            },
        );
        stop = () => {
            server.stop();
        };
        browser = await startBrowser(tools);
        const page = await (await browser.newContext()).newPage();
        const log: string[] = [];
        page.on("console", (message) => log.push(`${message.type()}: ${message.text()}`));
        let end: (code: number) => void = () => undefined;
        await page.exposeFunction("codeAutomationExit", (code: number) => {
            end(code);
        });
        await page.exposeFunction("codeAutomationLog", (type: string, words: unknown[]) => {
            log.push(`${type}: ${words.map(String).join(" ")}`);
        });
        const address = server.page(workspace, [
            ["extensionDevelopmentPath", server.remote(extension)],
            ["extensionTestsPath", server.remote(join(extension, "out", "host", "index.js"))],
        ]);
        const printing = printAsItGrows(outputs.file, tests.print);
        let code: number | undefined;
        for (let windows = 1; windows <= WINDOWS; windows++) {
            let timer: NodeJS.Timeout | undefined;
            const ended = new Promise<number | undefined>((resolve) => {
                end = resolve;
                timer = setTimeout(() => {
                    resolve(undefined);
                }, tests.seconds * 1000);
            });
            await page.goto(address);
            code = await ended;
            clearTimeout(timer);
            if (!readFileSync(outputs.file, "utf8").endsWith(NO_FOLDER)) {
                break;
            }
        }
        printing.stop();
        const outside = browser.outside;
        const ok =
            code === 0 && outside.length === 0 && /^\s+[1-9]\d* passing/m.test(readFileSync(outputs.file, "utf8"));
        if (!ok) {
            const why =
                code === undefined
                    ? `not ended after ${tests.seconds} s`
                    : outside.length > 0
                      ? `asked for addresses outside of this machine: ${outside.join(", ")}`
                      : `ended with ${code}`;
            tests.print(`${name}: ${why}. See ${FAILURES}/${name}.png, .log\n`);
            mkdirSync(FAILURES, { recursive: true });
            await page.screenshot({ path: join(FAILURES, `${name}.png`) }).catch((error: unknown) => {
                log.push(String(error));
            });
            writeFileSync(
                join(FAILURES, `${name}.log`),
                [readFileSync(outputs.file, "utf8"), "-- browser", ...log, "-- code-server", server.log()].join("\n"),
            );
            cpSync(join(surroundings.userData, "logs"), join(FAILURES, `${name}.logs`), {
                recursive: true,
                force: true,
            });
        }
        return ok;
    } finally {
        await browser?.close();
        stop();
        await waitFor("end of all processes", () => speakingOf(surroundings.folder).length === 0, { seconds: 30 });
        surroundings.remove();
    }
}

/** The extension as it would be started for development, with the tests: a copy, so that nothing changes it meanwhile. */
async function layOutExtension(folder: string, tests: HostTests): Promise<void> {
    mkdirSync(folder);
    for (const name of ["package.json", "package.nls.json", "media", "bundled"]) {
        if (existsSync(join(CLIENT, name))) {
            cpSync(join(CLIENT, name), join(folder, name), { recursive: true });
        }
    }
    symlinkSync(join(CLIENT, "node_modules"), join(folder, "node_modules")); // mocha
    await tests.build(folder);
}

/** Copy the workspace that is wished for. @returns What is opened. */
function layOutWorkspace(surroundings: Surroundings, { workspace = "invoicing", workspaceFile }: Window): string {
    const places = [join(CLIENT, "test", "support", "workspaces"), join(ROOT, "examples")];
    const source = places.map((place) => join(place, workspace)).find(existsSync);
    if (source === undefined) {
        throw new Error(`There is no workspace ${workspace} in ${places.join(" or ")}`);
    }
    const copy = join(surroundings.workspaces, workspace);
    cpSync(source, copy, { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
    return workspaceFile === undefined ? copy : join(copy, workspaceFile);
}

/** Print what is added to a file, until it is stopped. */
function printAsItGrows(file: string, take: (text: string) => void): { stop(): void } {
    let printed = 0;
    const print = (): void => {
        const text = readFileSync(file, "utf8");
        take(text.slice(printed));
        printed = text.length;
    };
    const timer = setInterval(print, 300);
    return {
        stop: () => {
            clearInterval(timer);
            print();
        },
    };
}
