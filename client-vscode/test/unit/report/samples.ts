/** Reports of real runs, and pages of them. */
import type { Added, GenerateReport, JudgeReport } from "../../../src/protocol";
import { type Frame, type PageContent, renderReport } from "../../../src/report/pure/page";
import dryRun from "./reports/dry-run.json";
import failed from "./reports/failed.json";
import judgeFailed from "./reports/judge-failed.json";
import judged from "./reports/judged.json";
import writtenMany from "./reports/written-many.json";
import written from "./reports/written.json";

/** As the command line printed them, with other paths. */
export const REPORTS = {
    written: written as unknown as GenerateReport,
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
