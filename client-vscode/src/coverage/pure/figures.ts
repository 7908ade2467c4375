/** What the status bar says, in words: of a file's coverage, and of a server that cannot tell. */
import type { CoverageStatus } from "../../protocol";
import { escaped } from "../../pure/markdown";
import type { ServerState } from "../../server/server";

/** What there is to tell of. */
export interface Situation {
    readonly server: ServerState;
    readonly isTrusted: boolean;
    /** Last name of the file that the figures are of: the active one, or the module whose tests it holds. */
    readonly name: string;
    /** Undefined while the server has not answered. */
    readonly status: CoverageStatus | undefined;
    /** The test file, as a person would name it; undefined without one. */
    readonly testFile: string | undefined;
}

/** What a click does; each is a step that makes sense as things are. */
export type Click = "report" | "measure" | "generate" | "trust" | "restart" | "logs";

/** The item as it is shown. */
export interface Item {
    readonly text: string;
    /** For screen readers: the text without icons, in words. */
    readonly label: string;
    /** Markdown; links are those of {@link LINKS}. */
    readonly tooltip: string;
    readonly click: Click | undefined;
}

/** The commands that the tooltip links to; it may run no others. */
export const LINKS = {
    report: "testwright.openReport",
    measure: "testwright.measureCoverage",
    generate: "testwright.generateForModule",
    improve: "testwright.improveTests",
    trust: "workbench.trust.manage",
    restart: "testwright.restartServer",
    logs: "testwright.showLogs",
    open: "vscode.open",
} as const;

const TITLES: Readonly<Record<Exclude<keyof typeof LINKS, "open">, string>> = {
    report: "Show Report",
    measure: "Measure Coverage",
    generate: "Generate Tests",
    improve: "Improve Tests",
    trust: "Manage Workspace Trust",
    restart: "Restart Server",
    logs: "Show Logs",
};

/** The item of a situation. */
export function itemOf(situation: Situation): Item {
    const { server, isTrusted, status } = situation;
    if (server !== "running") {
        return withoutServer(server);
    }
    if (status === undefined) {
        return {
            text: "$(loading~spin) tests",
            label: "Testwright is asking what the tests cover",
            tooltip: "Testwright: asking what the tests cover …",
            click: undefined,
        };
    }
    return status.percent === null ? unknown(situation, status, isTrusted) : known(situation, status, status.percent);
}

function withoutServer(server: Exclude<ServerState, "running">): Item {
    switch (server) {
        case "starting":
            return {
                text: "$(loading~spin) tests",
                label: "Testwright is starting",
                tooltip: paragraphs("Testwright is starting …", links("logs")),
                click: "logs",
            };
        case "failed":
            return {
                text: "$(error) tests",
                label: "Testwright's server has failed",
                tooltip: paragraphs(
                    "Testwright's server has failed, so nothing is known of the tests. The log says why.",
                    links("restart", "logs"),
                ),
                click: "restart",
            };
        case "off":
            return {
                text: "$(circle-slash) tests",
                label: "Testwright's server is not running",
                tooltip: paragraphs(
                    "Testwright's server is not running, so nothing is known of the tests.",
                    links("restart", "logs"),
                ),
                click: "restart",
            };
    }
}

function known({ name, testFile }: Situation, status: CoverageStatus, percent: number): Item {
    const whole = Math.floor(percent);
    const isMeasured = status.state === "measuring";
    const icon = isMeasured ? "$(loading~spin) " : status.stale ? "$(history) " : "";
    const stale = status.stale ? " (stale)" : "";
    // A module without branches has no part of them that is covered.
    const hasBranches = status.branch !== null && status.branches.length > 0;
    const parts =
        status.line === null
            ? ""
            : `: ${status.line} % of its lines${hasBranches ? `, ${status.branch} % of its branches` : ""}`;
    return {
        text: `${icon}tests ${whole} %${stale}`,
        label:
            `Tests cover ${whole} percent of ${name}` +
            (status.stale ? ", stale" : "") +
            (isMeasured ? ", being measured" : ""),
        tooltip: paragraphs(
            `Tests cover **${percent} %** of ${escaped(name)}${parts}.`,
            `${status.tests === 1 ? "1 test" : `${status.tests} tests`}${inFile(status, testFile)}`,
            isMeasured ? "Being measured …" : status.reason === null ? undefined : escaped(status.reason),
            isMeasured ? undefined : links("report", "measure", status.testUri === null ? "generate" : "improve"),
        ),
        click: isMeasured ? undefined : status.stale ? "measure" : "report",
    };
}

function unknown({ name, testFile }: Situation, status: CoverageStatus, isTrusted: boolean): Item {
    if (status.state === "measuring") {
        return {
            text: "$(loading~spin) tests …",
            label: `What the tests of ${name} cover is being measured`,
            tooltip: `Measuring what the tests of **${escaped(name)}** cover …`,
            click: undefined,
        };
    }
    const hasTests = status.testUri !== null;
    const click = !isTrusted ? "trust" : hasTests ? "measure" : "generate";
    return {
        text: "tests –",
        label: `What the tests of ${name} cover is not known`,
        tooltip: paragraphs(
            `What the tests of **${escaped(name)}** cover is not known. ${escaped(status.reason ?? "")}`.trimEnd(),
            hasTests ? `Its tests are${inFile(status, testFile)}.` : undefined,
            click === "trust"
                ? links("trust")
                : links(...(hasTests ? (["measure", "improve"] as const) : (["generate"] as const))),
        ),
        click,
    };
}

function inFile({ testUri }: CoverageStatus, testFile: string | undefined): string {
    return testUri === null || testFile === undefined
        ? ""
        : ` in [${escaped(testFile)}](command:${LINKS.open}?${encodeURIComponent(JSON.stringify([testUri]))})`;
}

function links(...names: readonly (keyof typeof TITLES)[]): string {
    return names.map((name) => `[${TITLES[name]}](command:${LINKS[name]})`).join(" · ");
}

function paragraphs(...all: readonly (string | undefined)[]): string {
    return all.filter((one) => one !== undefined && one !== "").join("\n\n");
}
