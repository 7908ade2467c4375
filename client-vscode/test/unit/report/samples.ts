/** Reports of real runs, and pages of them. */
import type { Added, GenerateReport, JudgeReport, ModelUse } from "../../../src/protocol";
import { type Frame, type PageContent, renderReport } from "../../../src/report/pure/page";
import dryRun from "./reports/dry-run.json";
import failed from "./reports/failed.json";
import judgeFailed from "./reports/judge-failed.json";
import judged from "./reports/judged.json";
import writtenMany from "./reports/written-many.json";
import written from "./reports/written.json";

/** What a run has asked of two models, of which the first gave way. */
export const USES: readonly ModelUse[] = [
    {
        model: "qwen/qwen3-coder:free",
        provider: "openrouter",
        requests: 1204,
        answers: 1200,
        prompt_tokens: 45_000,
        completion_tokens: 1_234,
        cost: 0,
        seconds: 34.2,
        retries: 2,
        faults: { down: 3, empty: 1 },
        breaker: ["open", "half-open", "open", "half-open", "closed"],
    },
    {
        model: "vendor/paid",
        provider: "openrouter",
        requests: 1,
        answers: 1,
        prompt_tokens: 900,
        completion_tokens: 100,
        cost: 0.00123,
        seconds: 2.5,
        retries: 0,
        faults: {},
        breaker: [],
    },
];

/** The report of a run in which an agent has worked, made of one in which it has not. */
export function withAgent(report: GenerateReport, changes: Partial<GenerateReport> = {}): GenerateReport {
    const [first, ...others] = report.tests.kept;
    if (first === undefined) {
        throw new Error("It has no test that the agent could have proposed.");
    }
    return {
        ...report,
        tests: {
            ...report.tests,
            kept: [{ ...first, origin: "openhands" }, ...others],
            by_engine: { embedded: others.length, openhands: 1 },
        },
        seconds: { ...report.seconds, agent: 72.4 },
        models: USES,
        notes: [
            "The agent runs in local mode, in bubblewrap, since Docker cannot be used: it is not there.",
            "The agent worked 2 rounds of 14 steps: 3 lines were left, nothing is left now.",
            "pytest was lent to the project.",
        ],
        ...changes,
    };
}

/** As the command line printed them, with other paths. */
export const REPORTS = {
    written: written as unknown as GenerateReport,
    asked: { ...(written as unknown as GenerateReport), models: USES },
    byAgent: withAgent(written as unknown as GenerateReport),
    writtenMany: writtenMany as unknown as GenerateReport,
    dryRun: dryRun as unknown as GenerateReport,
    failed: failed as unknown as GenerateReport,
    judged: judged as unknown as JudgeReport,
    judgeFailed: judgeFailed as unknown as JudgeReport,
};

export const FRAME: Frame = {
    nonce: "bm9uY2U",
    source: "https://webview.example",
    style: "https://webview.example/report.css",
    script: "https://webview.example/report.js",
};

export function contentOf(report: GenerateReport | JudgeReport, added: Added | null = null): PageContent {
    return {
        run: "generate-1",
        uri: "file:///home/ada/shop/shop.py",
        report,
        names: { module: "shop.py", tests: report.test_file === null ? null : "tests/test_shop.py" },
        added,
    };
}

export function pageOf(report: GenerateReport | JudgeReport, added: Added | null = null): string {
    return renderReport(contentOf(report, added), FRAME);
}

/** All of a run's tests in the file. */
export function allIn(report: GenerateReport): Added {
    return { tests: [...new Set(report.tests.kept.map((test) => test.name))], rejected: [] };
}
